"""The script that takes a delivery: stage, payload, checks, renames. See `intake_text`.

Behind the payload, in the same stream, come the checksums of all files, a line of `LINE` bytes for
each, and the line ``end``: they can be made while the files are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from opsrun.remote.files.attributes import calls, modes, ownership, times
from opsrun.remote.files.delivery import (
    Backup,
    Delivered,
    Delivery,
    FilePart,
    TarPart,
)
from opsrun.remote.files.intake_text import BEGIN
from opsrun.remote.files.scripts import ATTRIBUTES, CKSUM, LARGE, LARGE_FILE, PRELUDE, SUMS
from opsrun.remote.files.tools import Check
from opsrun.remote.files.words import (
    MOST_BYTES,
    MOST_NAMES,
    ancestors,
    below,
    is_odd,
    joined,
    portions,
    split,
    text,
    word,
)

LINE = 64
_END = b"end\n"

# As long a line as SHA-256's: the size of the stream must be known beforehand.
_PAD = f"sed 's/^\\([0-9]* [0-9]*\\).*/\\1{' ' * LINE}/;s/^\\(.\\{{{LINE}\\}}\\).*/\\1/'"


@dataclass(frozen=True, slots=True)
class _Batch:
    """Names that one command takes at once."""

    number: int
    names: Sequence[bytes]
    kind: str
    """``f``, ``l`` or ``d``: files, links, new directories."""
    odd: bool = False
    large: bool = False

    @property
    def cost(self) -> int:
        return sum(len(each) + _PREFIX for each in self.names)


_PREFIX = 64
"""Bytes that a name has more on the way from a deep directory back to the stage, more or less."""


class Intake:
    """A delivery as a script, and what its output means."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._new = {each.name for each in delivery.directories}
        self._large = {
            each.name
            for each in delivery.parts
            if isinstance(each, FilePart) and each.size >= LARGE_FILE
        }
        self._batches: list[_Batch] = []
        self._here = self._by_directory()
        inner = [name for name in delivery.files if self._is_inside(name)]
        self._add(sorted(inner), "f")
        self.compared = self._compared()
        """The files, in the order in which their checksums come behind the payload."""
        self.moved = tuple(name for each in self._here.values() for b in each for name in b.names)

    @property
    def trailer(self) -> int:
        """Bytes that come behind the payload."""
        return (LINE + 1) * len(self.compared) + len(_END)

    def closing(self, digests: Mapping[bytes, str]) -> bytes:
        """What comes behind the payload.

        Args:
            digests: of every file.
        """
        lines = [digests[name].ljust(LINE).encode() + b"\n" for name in self.compared]
        return b"".join([*lines, _END])

    # -- which names go together

    def _is_inside(self, name: bytes) -> bool:
        return any(above in self._new for above in ancestors(name))

    def _by_directory(self) -> dict[bytes, list[_Batch]]:
        """What is to be renamed, by the directory that it comes to be in."""
        delivery = self._delivery
        kinds = dict.fromkeys(delivery.files, "f")
        kinds |= dict.fromkeys(delivery.all_links, "l")
        kinds |= {each.name: "d" for each in delivery.directories}
        outer = [name for name in kinds if not self._is_inside(name)]
        outer.sort(key=lambda name: (split(name)[0], kinds[name], name))
        here: dict[bytes, list[_Batch]] = {b"": []}
        for (directory, kind), names in groupby(outer, lambda n: (split(n)[0], kinds[n])):
            here.setdefault(directory, []).extend(self._add(list(names), kind))
        return here

    def _add(self, names: Sequence[bytes], kind: str) -> list[_Batch]:
        added = []
        for odd, large in ((False, False), (True, False), (False, True), (True, True)):
            some = [n for n in names if is_odd(n) == odd and (n in self._large) == large]
            for each in portions(some, extra=_PREFIX):
                added.append(_Batch(len(self._batches), tuple(each), kind, odd, large))
                self._batches.append(added[-1])
        return added

    def _hashed(self) -> list[_Batch]:
        files = [each for each in self._batches if each.kind == "f"]
        return sorted(files, key=lambda each: (each.large, each.odd))

    def _compared(self) -> tuple[bytes, ...]:
        return tuple(name for each in self._hashed() for name in each.names)

    # -- the script

    def script(self) -> str:
        """All of it."""
        return "".join(self._lines())

    def _lines(self) -> Iterator[str]:
        delivery = self._delivery
        yield PRELUDE
        yield f"stage={text(delivery.stage)}\n"
        yield f"suffix={word(delivery.backup) if delivery.backup else ''}\n"
        yield f"links={'y' if delivery.replace_links else 'n'}\n"
        yield "tell=\n"
        yield from self._tables()
        yield ATTRIBUTES + BEGIN
        home = delivery.directory.rstrip(b"/")
        yield f'root {word(delivery.directory)}\n[ "$top" = {word(home)} ] || die top 0\n'
        yield "trap leave EXIT\ntrap 'leave 71' HUP INT PIPE TERM\nlook\nstage\n"
        yield from self._taking()
        yield f"rest {self.trailer}\n"
        yield from self._comparing()
        yield from self._attributes()
        yield from self._validating()
        # In a subshell, so that this one stays in the stage and finds it again.
        yield 'tell=y\n(look) || exit "$st"\n'
        yield from self._mounts()
        if delivery.backup:
            yield 'saving=y\nfor k in $dirs; do\n  go "$k"\n  all "$k" save\ndone\nsaving=\n'
        yield 'e=$(move 2>&1) || die move "${e##*:}" "${e%:*}"\n'
        yield from self._last_modes()
        yield "exit 0\n"

    def _tables(self) -> Iterator[str]:
        for each in self._batches:
            names = " ".join(f'"$p"/{word(name)}' for name in each.names)
            yield f'b{each.number}() {{ "$@" {names}; }}\n'
        numbers = " ".join(map(str, range(len(self._here))))
        yield f"dirs='{numbers}'\n"
        yield _cases("at", lambda n, d, b: f"w={word(d)} u={_way_up(d)}", self._here)
        yield _cases("all", _each_batch, self._here, "shift; ")
        yield _cases("spies", _each_spied, self._here)

    def _taking(self) -> Iterator[str]:
        delivery = self._delivery
        stages = set(self._new)
        for name in (*delivery.files, *delivery.all_links, *self._new):
            stages.update(ancestors(name))
        for each in portions(sorted(stages)):
            yield f"make {' '.join(map(below, each))}\n"
        for number, part in enumerate(delivery.parts):
            if isinstance(part, TarPart):
                yield f"unpack {number} {part.size}\n"
            else:
                yield from _plain(number, part)
        for link in delivery.links:
            yield f"link {word(link.target)} {below(link.name)}\n"

    def _comparing(self) -> Iterator[str]:
        sha = self._delivery.check is Check.SHA256
        if not self.compared:
            yield "have=end\ncompare\n"
            return
        yield SUMS + (LARGE if self._large else "big=$sum\n") if sha else CKSUM
        yield '[ -n "$sum" ] || die nosum 0\n'
        yield "have=$({\nhow=$sum\n"
        yield from _hashing([each for each in self._hashed() if not each.large])
        yield "how=$big\n"
        yield from _hashing([each for each in self._hashed() if each.large])
        yield f"}} 2>/dev/null | {f'cut -c1-{LINE}' if sha else _PAD}; echo end)\ncompare\n"

    def _attributes(self) -> Iterator[str]:
        delivery = self._delivery
        for each in delivery.attributes:
            yield from ownership(each)
        plain = [each for each in delivery.parts if isinstance(each, FilePart)]
        for mode, parts in groupby(sorted(plain, key=lambda p: p.mode), lambda p: p.mode):
            yield from calls(f"mode {mode:04o}", [each.name for each in parts])
        for each in delivery.attributes:
            yield from modes(each)
        for each in delivery.attributes:
            yield from times(each)
        deepest = sorted(delivery.directories, key=lambda d: -d.name.count(b"/"))
        for mode, made in groupby(deepest, lambda d: self._mode_in_stage(d.name, d.mode)):
            yield from calls(f"mode {mode:04o}", [each.name for each in made])

    def _mode_in_stage(self, name: bytes, mode: int) -> int:
        # Only root can rename a directory that it may not write: its parent's entry is in it.
        return mode if self._is_inside(name) else mode | 0o300

    def _last_modes(self) -> Iterator[str]:
        where = {directory: number for number, directory in enumerate(self._here)}
        for each in self._delivery.directories:
            if self._mode_in_stage(each.name, each.mode) != each.mode:
                directory, base = split(each.name)
                yield f"go {where[directory]}\nmode {each.mode:04o} {below(base)}\n"

    def _validating(self) -> Iterator[str]:
        delivery = self._delivery
        if not delivery.validate:
            return
        for number, name in enumerate(delivery.files):
            staged = joined(joined(delivery.directory, delivery.stage + b"/n"), name)
            command = delivery.validate.replace("%s", word(staged))
            yield f"validate {number} {word(command.encode('utf-8', 'surrogateescape'))}\n"

    def _mounts(self) -> Iterator[str]:
        """A rename ends at a mount point: what goes past one is staged once more behind it."""
        first = 1
        for each in portions(list(self._here)[1:]):
            yield f"mounts {first} {' '.join(map(below, each))}\n"
            first += len(each)
        if first > 1:
            yield "hop\n"

    # -- what it said

    def delivered(self, output: bytes) -> Delivered:
        """What became of it, by the script's output."""
        numbers = [int(line) for line in output.split() if line.isdigit()]
        replaced = tuple(self.moved[number - 1] for number in numbers)
        suffix = self._delivery.backup
        backups = tuple(Backup(name, name + suffix) for name in replaced if suffix)
        return Delivered(replaced, backups)

    def directories(self) -> tuple[bytes, ...]:
        """Those that are there already, by the number in which the script speaks of them."""
        return tuple(self._here)


def _way_up(directory: bytes) -> str:
    return "/".join([".."] * len(directory.split(b"/"))) if directory else "."


Row = Callable[[int, bytes, Sequence[_Batch]], str]


def _cases(name: str, row: Row, here: Mapping[bytes, Sequence[_Batch]], first: str = "") -> str:
    """A function that does as its first argument, a directory's number, says."""
    rows = [f"{n}) {row(n, d, b)} ;;\n" for n, (d, b) in enumerate(here.items())]
    after = f"  n=$1\n  {first}\n" if first else "  n=$1\n"
    return f"{name}() {{\n{after}  case $n in\n{''.join(rows)}  esac\n}}\n"


def _each_batch(_number: int, _directory: bytes, batches: Sequence[_Batch]) -> str:
    return " && ".join(f'{chain} "$@"' for chain in _chains(batches)) or ":"


def _each_spied(_number: int, _directory: bytes, batches: Sequence[_Batch]) -> str:
    return "; ".join(f"b{each.number} spy {each.kind}" for each in batches) or ":"


def _chains(batches: Iterable[_Batch]) -> Iterator[str]:
    """Batches that together are still one command's."""
    chain: list[str] = []
    names = cost = 0
    for each in batches:
        if chain and (names + len(each.names) > MOST_NAMES or cost + each.cost > MOST_BYTES):
            yield " ".join(chain)
            chain, names, cost = [], 0, 0
        chain.append(f"b{each.number}")
        names += len(each.names)
        cost += each.cost
    if chain:
        yield " ".join(chain)


def _hashing(batches: Sequence[_Batch]) -> Iterator[str]:
    for odd, some in groupby(batches, lambda each: each.odd):
        for chain in _chains(some):
            yield f"{chain} {'odd' if odd else 'digest'}\n"


def _plain(number: int, part: FilePart) -> Iterator[str]:
    """The lines that take one file."""
    name = below(part.name)
    yield f": >{name}\n"
    if part.segments is None:
        if part.size:
            yield f"take {number} {part.size} {name}\n"
        return
    end = 0
    for each in part.segments:
        if each.offset != end:
            yield f"size {number} {each.offset} {name}\n"
        yield f"take {number} {each.length} {name}\n"
        end = each.offset + each.length
    if end != part.size:
        yield f"size {number} {part.size} {name}\n"
