"""What is to be packed: paths and wildcards of a task, as they are on the host."""

from __future__ import annotations

import os.path
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import takewhile

from opsrun.errors import HostError
from opsrun.modules.archives.members import Member
from opsrun.modules.base import ModuleError
from opsrun.modules.looking import Answers
from opsrun.modules.wording import path_bytes, path_of, path_word, star_word
from opsrun.remote.command import CommandResult
from opsrun.remote.files.listing import LISTING, parse_listing
from opsrun.remote.files.scripts import PRELUDE
from opsrun.trees.entry import Entry, Kind


def _alike(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


_STARS = re.compile(r"[*?]")
_SLASHES = re.compile(r"/{2,}")
MOST = 256 << 20
"""Bytes of a list of files."""

_PHYSICAL = """\
say dest "$d"
case $d in
  '') ;;
  */*) q=$(cd -P -- "${d%/*}/" 2>/dev/null && pwd -P && echo x) && say place "${q%?x}/${d##*/}" ;;
  *) q=$(pwd -P && echo x) && say place "${q%?x}/$d" ;;
esac
"""

_TREES = """\
{prelude}
one() {{
  printf '%s' '{mark}'
  if [ -d "$1" ]; then
    if [ -h "${{1%/}}" ]; then say link y; fi
    root "$1"
    say top "$PWD"
    printf '%s' '{mark}'
    start
    tree
  elif [ -e "$1" ] || [ -h "$1" ]; then
    case $1 in */*) root "${{1%/*}}/" ;; *) root . ;; esac
    say file "$PWD"
    printf '%s' '{mark}'
    start
    those "./${{1##*/}}"
  else
    say missing y
    printf '%s' '{mark}'
  fi
}}
for p; do (one "$p") || exit; done
"""


@dataclass(frozen=True, slots=True)
class Source:
    """One path of a task, or what a wildcard stands for."""

    path: str
    place: str
    """The directory that is packed, or that the file is in, over no link; empty if missing."""
    is_dir: bool
    is_link: bool
    """To a directory."""
    entries: tuple[Entry, ...]

    @property
    def missing(self) -> bool:
        """There is nothing of that name."""
        return not self.place


@dataclass(frozen=True, slots=True)
class Sources:
    """All of them."""

    expanded: tuple[str, ...]
    excluded: tuple[str, ...]
    dest: str
    """Where the archive is to be; empty if nothing is said."""
    place: str
    """The same over no link; empty if that is not known."""
    all: tuple[Source, ...]
    """Without those that are excluded; each once."""

    @property
    def missing(self) -> list[str]:
        """Paths at which there is nothing."""
        return [each.path for each in self.all if each.missing]

    @property
    def there(self) -> list[Source]:
        """The others."""
        return [each for each in self.all if not each.missing]

    @property
    def root(self) -> str:
        """The directory that all are below, with a slash at its end; empty for the working one."""
        parts = [each.path.split("/")[:-1] for each in self.all]
        first, last = min(parts), max(parts)
        common = [a for a, b in takewhile(_alike, zip(first, last, strict=False))]
        return "/".join(common) + "/" if common else ""


def sources_script(
    paths: Sequence[str], exclude: Sequence[str], dest: str | None, mark: str
) -> Iterator[str]:
    """Tells of them, for `read_sources`; the last part of a script with `LOOK`.

    Args:
        paths: as a task writes them; ``*`` and ``?`` stand for what there is.
        exclude: paths in the same way.
        dest: where the archive is to be.
        mark: stands between the parts: nothing on the host has it in its name.
    """
    yield f"d={path_word(dest) if dest else ''}\n{_PHYSICAL}"
    yield 'IFS=\nset --\nadd() { say excluded "$1"; }\n'
    for each in exclude:
        yield from _expanding(each, 'add "$p"')
    for each in paths:
        yield from _expanding(each, 'set -- "$@" "$p"')
    yield 'for p; do say path "$p"; done\n'
    yield _TREES.format(prelude=f"{PRELUDE}{LISTING}", mark=mark)


def _expanding(path: str, command: str) -> Iterator[str]:
    if _STARS.search(path):
        yield f"for p in {star_word(path)}; do\n"
        yield f'  if [ -e "$p" ] || [ -h "$p" ]; then {command}; fi\ndone\n'
    else:
        yield f"p={path_word(path)}\n{command}\n"


def read_sources(answer: CommandResult, mark: str) -> tuple[Answers, Sources]:
    """What the script told; the rest of its answers, too. ModuleError."""
    if not answer.ok:
        raise ModuleError.of(answer, "what is to be packed can't be read")
    if answer.truncated:
        raise ModuleError(f"the list of what is to be packed has more than {MOST >> 20} MiB")
    head, *parts = answer.stdout.split(mark.encode())
    answers = Answers(replace(answer, stdout=head))
    expanded = [_SLASHES.sub("/", each) for each in answers.every("path")]
    if len(parts) != 2 * len(expanded):
        raise ModuleError("the host's list of files makes no sense")
    excluded = [_SLASHES.sub("/", each) for each in answers.every("excluded")]
    found: dict[str, Source] = {}
    for path, facts, listing in zip(expanded, parts[::2], parts[1::2], strict=True):
        if path not in excluded and path not in found:
            found[path] = _source(path, replace(answer, stdout=facts), listing)
    dest, place = answers.text("dest"), answers.text("place")
    return answers, Sources(tuple(expanded), tuple(excluded), dest, place, tuple(found.values()))


def _source(path: str, facts: CommandResult, listing: bytes) -> Source:
    answers = Answers(facts)
    top, file = answers.get("top"), answers.get("file")
    place = top or file or ""
    if not place:
        return Source(path, "", False, False, ())
    try:
        parsed = parse_listing(listing)
    except HostError as error:
        raise ModuleError(f"{path}: {error.message}") from error
    if parsed.doubtful:
        raise ModuleError(f"{path}: what is below it changes while it is looked at")
    if top is None and not parsed.entries:
        return Source(path, "", False, False, ())
    return Source(path, place, top is not None, "link" in answers.below(""), tuple(parsed.entries))


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into an archive."""

    members: tuple[Member, ...]
    special: tuple[str, ...]
    """Devices, fifos and sockets, which do not."""
    disturbed: frozenset[bytes]
    """Directories in which the archive itself comes to be: their times change with it."""


def contents_of(sources: Sources, dest: str, patterns: Sequence[str]) -> Contents:
    """What is packed of the sources: never the archive itself, and of directories what is in them.

    Args:
        sources: what there is.
        dest: where the archive is to be, over no link.
        patterns: names below `Sources.root` that are left out (fnmatch(3), and ``*`` also stands
            for slashes).

    Raises:
        ModuleError: a name that no archive may have.
    """
    root = sources.root
    members: dict[bytes, Member] = {}
    special = []
    disturbed = set()
    for source in sources.there:
        for entry, path in _below(source):
            physical = f"{source.place.rstrip('/')}/{path_of(entry.path)}"
            name = path[len(root) :].lstrip("/")
            if physical == dest or any(fnmatchcase(name, each) for each in patterns):
                continue
            if ".." in name.split("/"):
                raise ModuleError(f"{path}: a path of what is packed must have no '..' in it")
            if entry.kind is Kind.OTHER:
                special.append(path)
                continue
            raw = path_bytes(name)
            if physical == os.path.dirname(dest):
                disturbed.add(raw)
            members[raw] = Member(raw, path, entry)
    ordered = tuple(members[each] for each in sorted(members))
    return Contents(ordered, tuple(special), frozenset(disturbed))


def _below(source: Source) -> Iterator[tuple[Entry, str]]:
    top = source.path.rstrip("/")
    for each in source.entries:
        if not source.is_dir:
            yield each, source.path
        elif each.path:
            yield each, f"{top}/{path_of(each.path)}"


def holds(sources: Collection[Source], dest: str) -> bool:
    """Whether ``dest`` is below one of them."""
    return any(each.is_dir and f"{dest}/".startswith(f"{each.place}/") for each in sources)
