"""The table of file systems, fstab(5), as text of which all but one entry stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_ESCAPED = (("\\", "\\134"), (" ", "\\040"), ("\t", "\\011"), ("\n", "\\012"))
_FIELDS = range(4, 7)
"""How many an entry has: the last two may be left out."""


def escaped(text: str) -> str:
    """A field as it stands in the table; see getmntent(3).

    >>> escaped("/srv/a b")
    '/srv/a\\\\040b'
    """
    for plain, sign in _ESCAPED:
        text = text.replace(plain, sign)
    return text


def unescaped(text: str) -> str:
    """The same the other way round, also of the kernel's tables.

    >>> unescaped("/srv/a\\\\040b\\\\134")
    '/srv/a b\\\\'
    """
    parts = text.split("\\")
    found = [parts[0]]
    for each in parts[1:]:
        code = each[:3]
        octal = len(code) == 3 and all(digit in "01234567" for digit in code)
        found.append(chr(int(code, 8)) + each[3:] if octal else "\\" + each)
    return "".join(found)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file system; texts without escapes."""

    src: str
    path: str
    fstype: str
    opts: str = "defaults"
    dump: str = "0"
    passno: str = "0"

    @classmethod
    def read(cls, line: str) -> Entry | None:
        """An entry of a table's; None for a line that is none."""
        fields = line.split()
        if line.lstrip().startswith("#") or len(fields) not in _FIELDS:
            return None
        return cls(*map(unescaped, fields))

    @property
    def line(self) -> str:
        """As it stands in a table."""
        fields = (self.src, self.path, self.fstype, self.opts, self.dump, self.passno)
        return " ".join(map(escaped, fields)) + "\n"

    def is_same(self, other: Entry) -> bool:
        """Whether one takes the place of the other."""
        if self.path != other.path:
            return False
        return self.path not in ("none", "swap") or self.src == other.src


@dataclass(frozen=True, slots=True)
class Table:
    """A whole table."""

    text: str

    def entries(self) -> Iterator[Entry]:
        """Those in it, in order."""
        for line in self.text.splitlines(keepends=True):
            entry = Entry.read(line)
            if entry is not None:
                yield entry

    def doubts(self, wanted: Entry) -> Iterator[str]:
        """Words on lines that name the same place, and are no entries for all that."""
        for number, line in enumerate(self.text.splitlines(), 1):
            fields = line.split()
            more = len(fields) >= 2 and not line.lstrip().startswith("#")
            if more and Entry.read(line) is None and unescaped(fields[1]) == wanted.path:
                yield f"line {number} of the table names {wanted.path}, too, and was left as it is"

    def with_entry(self, wanted: Entry) -> Table:
        """With an entry in the place of those that are the same, or behind all."""
        lines, there = [], False
        for line in self.text.splitlines(keepends=True):
            entry = Entry.read(line)
            if entry is None or not wanted.is_same(entry):
                lines.append(line)
                continue
            there = True
            lines.append(line if entry == wanted else wanted.line)
        if not there:
            ended = not lines or lines[-1].endswith("\n")
            lines += [wanted.line] if ended else ["\n", wanted.line]
        return Table("".join(lines))

    def without(self, gone: Entry) -> Table:
        """Without the entries that are the same."""
        kept = []
        for line in self.text.splitlines(keepends=True):
            entry = Entry.read(line)
            if entry is None or not gone.is_same(entry):
                kept.append(line)
        return Table("".join(kept))


def not_at_boot(opts: str) -> str:
    """Options with ``noauto`` among them.

    >>> not_at_boot("ro")
    'ro,noauto'
    """
    return opts if "noauto" in opts.split(",") else f"{opts},noauto"
