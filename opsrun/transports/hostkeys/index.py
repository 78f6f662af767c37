"""A known_hosts file, indexed so that a thousand hosts don't mean a thousand readings.

What a question costs: a name without wildcards is found through a dict, a line with wildcards or
negation costs one match, a hashed line one HMAC (a few microseconds). Whether a hashed line holds
one given key is asked of the lines with that very key only, which is one line as a rule; all
hashed lines are gone through only for a host that would otherwise be unknown or changed, and once
for each name.

Safe for several threads without a lock: everything but `remember` only adds to caches, and what
two threads may compute at once comes out the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from opsrun.transports.hostkeys.lines import BadLine, Entry, HashedName, parse_line
from opsrun.transports.ssh_config.patterns import PatternList, has_wildcard

Stamp = tuple[int, int, int]
"""Device, inode and size: which file it was, and how far we had read it."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A line that was passed over."""

    path: str
    line: int
    """0 for the file as a whole."""
    reason: str

    def __str__(self) -> str:
        if not self.line:
            return f"{self.path}: {self.reason}"
        return f"{self.path}:{self.line}: {self.reason} (line passed over)"


class FileIndex:
    """The keys of one file, which need not exist.

    Args:
        path: absolute, as messages will name it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.warnings: list[Warned] = []
        self.stamp: Stamp | None = None
        self.lines = 0
        self._plain: dict[str, list[Entry]] = {}
        self._patterns: list[tuple[PatternList, Entry]] = []
        self._hashed: list[tuple[HashedName, Entry]] = []
        self._hashed_marked: list[tuple[HashedName, Entry]] = []
        self._hashed_by_key: dict[bytes, list[tuple[HashedName, Entry]]] = {}
        self._scanned: dict[str, list[Entry]] = {}
        self._marked: dict[str, list[Entry]] = {}
        self._read()

    def _read(self) -> None:
        try:
            with open(self.path, "rb") as file:
                data = file.read()
                self.stamp = stamp_of(file.fileno())
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self.warnings.append(Warned(self.path, 0, f"can't be read: {error.strerror}"))
            return
        self.lines = data.count(b"\n") + (data[-1:] not in (b"", b"\n"))
        for number, raw in enumerate(data.split(b"\n"), 1):
            self._take(raw.decode("utf-8", "surrogateescape"), number)

    def _take(self, text: str, number: int) -> None:
        try:
            parsed = parse_line(text, self.path, number)
        except BadLine as bad:
            self.warnings.append(Warned(self.path, number, str(bad)))
            return
        if parsed is not None:
            self._file(*parsed)

    def _file(self, names: str | HashedName, entry: Entry) -> None:
        if isinstance(names, HashedName):
            if entry.marker:
                self._hashed_marked.append((names, entry))
            else:
                self._hashed.append((names, entry))
                self._hashed_by_key.setdefault(entry.blob, []).append((names, entry))
        elif "!" in names or has_wildcard(names):
            self._patterns.append((PatternList.split(names, fold=True), entry))
        else:
            for name in dict.fromkeys(names.lower().split(",")):
                self._plain.setdefault(name, []).append(entry)

    @property
    def hashed_count(self) -> int:
        """How many HMACs a full question costs."""
        return len(self._hashed)

    def readable(self, name: str) -> Iterator[Entry]:
        """What the lines that aren't hashed say of ``name``, and all marked lines."""
        yield from self._plain.get(name, ())
        for patterns, entry in self._patterns:
            if patterns.matches(name):
                yield entry
        if name not in self._marked:
            self._marked[name] = [
                one for hashed, one in self._hashed_marked if hashed.matches(name)
            ]
        yield from self._marked[name]

    def hashed_with(self, name: str, blob: bytes) -> Entry | None:
        """The unmarked hashed line that gives ``name`` this very key."""
        for hashed, entry in self._hashed_by_key.get(blob, ()):
            if hashed.matches(name):
                return entry
        return None

    def hashed(self, name: str) -> list[Entry]:
        """All unmarked hashed lines of ``name``; one HMAC a line, the first time."""
        if name not in self._scanned:
            self._scanned[name] = [entry for one, entry in self._hashed if one.matches(name)]
        return self._scanned[name]

    def was_scanned(self, name: str) -> bool:
        """Whether `hashed` costs nothing any more."""
        return name in self._scanned

    def remember(self, name: str, entry: Entry) -> None:
        """A key that was added to the file, or accepted though it couldn't be."""
        self._plain.setdefault(name, []).append(entry)


def stamp_of(descriptor: int) -> Stamp:
    """The stamp of an open file."""
    status = os.fstat(descriptor)
    return (status.st_dev, status.st_ino, status.st_size)
