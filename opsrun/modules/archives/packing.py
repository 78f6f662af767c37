"""How the host's own tools pack, and how it is found out whether they have to.

What there is need not be packed again if it comes to the same:

- a compressed file: what is in it.
- tar, with GNU's: names, kinds, owners, modes, times in seconds, and contents (``--diff``).
- tar, with any other: the archive that would be made, byte by byte. They make the same one of the
  same files; of an archive that another program made, nothing is known.
- zip: names, sizes and CRC-32, out of the directory at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsrun.modules.archives.kinds import KINDS, Kind
from opsrun.modules.archives.members import listed_alike, zip_directory, zip_room
from opsrun.modules.archives.sources import Contents
from opsrun.modules.base import ModuleError
from opsrun.modules.looking import Answers
from opsrun.modules.packages import holding, missing
from opsrun.modules.permissions import argument
from opsrun.modules.wording import path_of, word

FORMATS = {
    "bz2": KINDS["bz2"],
    "gz": KINDS["gz"],
    "tar": KINDS["tar"],
    "xz": KINDS["xz"],
    "zip": Kind("zip", "", "zip"),
    "zstd": KINDS["zst"],
}

_EMPTY_TAR = "dd if=/dev/zero bs=10240 count=1 2>/dev/null"
_EMPTY_ZIP = "printf 'PK\\005\\006" + "\\000" * 18 + "'"

# The exit status of both ends of a pipeline, on two lines.
_MAKE = """\
nl='
'
s=$({cd}{{ {{ pack; echo $? >&3; }} | {filter} >"$t"; echo $? >&3; }} 3>&1)
case $s in
  "0${{nl}}0") ;;
  "1${{nl}}0") {lenient} ;;
  *) exit 1 ;;
esac
"""
_SAME = """\
nl='
'
s=$({{ {{ dec; echo $? >&3; }} | cmp -s - {single}; echo $? >&3; }} 3>&1) 2>/dev/null
[ "$s" != "0${{nl}}0" ] || say same y
"""
_LISTED = """\
all="--full-time --utc --numeric-owner --quoting-style=escape"
# shellcheck disable=SC2086 # four words
say listing "$({{ {{ dec 2>/dev/null || echo damaged >&3; }} | {tar} -tv $all -f - 2>&1; }} 3>&1)"
say difference "$(dec 2>&1 | {tar} --diff -C {root} -f - 2>&1)"
"""
_SUMS = """\
sum() { digest sha1 /dev/stdin; }
say old "$({ dec 2>/dev/null || echo damaged; } | sum)" new "$(pack 2>/dev/null | sum)"
"""
_TAILS = """\
tail_of() {{ tail -c {room} | od -An -v -tx1 | tr -d ' \\n'; }}
say old "$(dec | tail_of)" new "$(pack 2>/dev/null | tail_of)"
"""


@dataclass(frozen=True, slots=True)
class Packing:
    """An archive, or a compressed file, that is to be made."""

    kind: Kind
    single: str
    """The file that is compressed; empty for an archive."""
    root: str
    """Names in the archive are below it."""
    contents: Contents
    told: Answers
    """Of `kinds.TOOLS`."""

    @property
    def _zip(self) -> bool:
        return self.kind.name == "zip"

    @property
    def _gnu(self) -> bool:
        return self.told.text("gnu") == "y"

    @property
    def _listing(self) -> bool:
        """Whether tar(1) takes names from its standard input."""
        return self.told.get("excludes") is not None

    def lacking(self) -> str:
        """Which tool is missing on the host; empty for none."""
        if not self.single and not self._zip and not self.told.text("tar"):
            return missing("tar")
        if self.kind.name != "tar" and self.told.get(f"has.{self.kind.program}") is None:
            words = f"there is no {self.kind.program} on this host, which the format takes"
            return f"{words}: {holding(self.kind.program)}"
        return ""

    @property
    def data(self) -> bytes | None:
        """Names, for the standard input of the scripts. ModuleError: zip can't take one."""
        names = [each.name for each in self.contents.members]
        if self.single or not (self._zip or self._listing):
            return None
        if not self._zip:
            return b"".join(each + b"\0" for each in names)
        odd = next((each.path for each in self.contents.members if b"\n" in each.name), None)
        if odd is not None:
            raise ModuleError(f"{odd!r}: zip takes no name with a line break in it")
        return b"".join(each + b"\n" for each in names)

    # -- scripts

    def _pack(self, *, quick: bool = False) -> str:
        """Defines ``pack``, which writes what is to be compressed."""
        return f"pack() {{ {self._words(quick)}; }}\n"

    def _words(self, quick: bool) -> str:
        if self.single:
            return f"cat <{argument(self.single)}"
        if not self.contents.members:
            return _EMPTY_ZIP if self._zip else _EMPTY_TAR
        if self._zip:
            return f"zip -q -X {'-0 ' if quick else ''}-MM - -@"
        start = f"{self.told.text('tar')} -c --no-recursion"
        if self._listing:
            # GNU's would take backslashes in names for more than they are.
            plain = " --no-unquote" if self._gnu else ""
            return f"{start} --null{plain} -T - -f -"
        names = " ".join(word(path_of(each.name)) for each in self.contents.members)
        return f"{start} -f - -- {names}"

    @property
    def _root(self) -> str:
        return argument(self.root or ".")

    @property
    def _squeezed(self) -> bool:
        """Whether a program compresses what ``pack`` writes."""
        return self.kind.name not in ("tar", "zip")

    def making(self, *, lenient: bool) -> Iterator[str]:
        """Writes it over ``$t``, an absolute path, and ends the script where that fails.

        Args:
            lenient: a file that changed while tar(1) read it is no failure, and said as
                ``warned``.
        """
        yield self._pack()
        yield _MAKE.format(
            cd="" if self.single else f"cd -- {self._root} && ",
            filter=f"{self.kind.program} -c" if self._squeezed else "cat",
            lenient="say warned y" if lenient and not self._zip and not self.single else "exit 1",
        )

    def comparing(self) -> Iterator[str]:
        """Tells what `same` has to know of ``$d``, a file that is there."""
        yield f'dec() {{ {f"{self.kind.program} -dc" if self._squeezed else "cat"} <"$d"; }}\n'
        if self.single:
            yield _SAME.format(single=argument(self.single))
            return
        if not self._zip and self._gnu:
            yield _LISTED.format(tar=self.told.text("tar"), root=self._root)
            return
        yield f"{self._pack(quick=True)}cd -- {self._root} || exit\n"
        names = [each.name for each in self.contents.members]
        yield _TAILS.format(room=zip_room(names)) if self._zip else _SUMS

    def same(self, answers: Answers) -> bool:
        """Whether what is there comes to the same as what would be made."""
        if self.single:
            return answers.get("same") is not None
        old, new = answers.text("old"), answers.text("new")
        if self._zip:
            known = [zip_directory(bytes.fromhex(each)) for each in (old, new)]
            return known[0] is not None and known[0] == known[1]
        if not self._gnu:
            return bool(old) and old == new
        listing = answers.text("listing")
        alike = listed_alike(listing, self.contents.members, self.contents.disturbed)
        lines = answers.text("difference").splitlines()
        # Times are compared in the listing.
        return alike and not any(_counts(each) for each in lines)


def _counts(line: str) -> bool:
    return not line.endswith(": Mod time differs") and "implausibly old time stamp" not in line
