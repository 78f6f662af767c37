"""Scripts that change what is there without sending files: removing, attributes, directories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from opsrun.errors import UsageError
from opsrun.remote.files.attributes import calls, modes, ownership, times
from opsrun.remote.files.delivery import Attributes
from opsrun.remote.files.scripts import ATTRIBUTES, PRELUDE, at_top
from opsrun.remote.files.words import absolute, ancestors, checked, split, word

_GO = """\
go() {
  into "$2" && return
  [ "$3" != gone ] || [ -e "$top/$2" ] || [ -h "$top/$2" ] || return
  die dir "$1"
}
gone() { e=$(rm -rf -- "$@" 2>&1) || die remove "$d" "$e"; }
"""


class Change:
    """A script that goes from directory to directory.

    Args:
        top: absolute.
        names: those that it is about, all below ``top``.

    Raises:
        UsageError: a name leads out of it.
    """

    def __init__(self, top: bytes, names: Iterable[bytes]) -> None:
        self.top = absolute(top)
        self.directories: list[bytes] = []
        """By the number in which the script speaks of them."""
        self._names = checked(each for each in names if each)

    def _groups(self, names: Iterable[bytes]) -> Iterator[tuple[int, bytes, list[bytes]]]:
        ordered = sorted(names, key=split)
        for directory, some in groupby(ordered, lambda name: split(name)[0]):
            self.directories.append(directory)
            yield len(self.directories) - 1, directory, [split(name)[1] for name in some]

    def removal(self) -> str:
        """Removes the names with all that is below them; what is not there is no failure."""
        topmost = set(self._names)
        names = [n for n in self._names if not any(each in topmost for each in ancestors(n))]
        lines = [at_top(self.top), _GO]
        for number, directory, bases in self._groups(names):
            lines.append(f"d={number}\nif go {number} {word(directory)} gone; then\n")
            lines += calls("gone", bases)
            lines.append("fi\n")
        return "".join(lines)

    def setting(self, changes: Sequence[Attributes]) -> str:
        """Owner and group first, for changing them clears setuid; the time last."""
        lines = [at_top(self.top), _GO, ATTRIBUTES]
        for each in changes:
            if b"" in each.names:
                lines += ["d=0\ninto ''\n", *_all(_only(each, (b"",)))]
            for number, directory, bases in self._groups(name for name in each.names if name):
                lines.append(f"d={number}\ngo {number} {word(directory)}\n")
                lines += _all(_only(each, tuple(bases)))
        return "".join(lines)


def _only(each: Attributes, names: tuple[bytes, ...]) -> Attributes:
    return Attributes(names, each.mode, each.owner, each.group, each.mtime)


def _all(each: Attributes) -> list[str]:
    return [*ownership(each), *modes(each), *times(each)]


def directory_script(path: bytes, mode: int | None, *, parents: bool) -> str:
    """Makes a directory, and says ``made`` if it was not there.

    Raises:
        UsageError: the path is no absolute one, or the mode is none.
    """
    absolute(path)
    if mode is not None and not 0 <= mode <= 0o7777:
        raise UsageError(f"{mode:o} is no mode")
    options = " ".join(["-p"] * parents + ([f"-m {mode:04o}"] if mode is not None else []))
    return f"""\
{PRELUDE}d={word(path.rstrip(b"/") or b"/")}
if [ -d "$d" ]; then exit 0; fi
# shellcheck disable=SC2174 # the mode is that of the last one
e=$(mkdir {options} -- "$d" 2>&1) || die make 0 "$e"
echo made
"""
