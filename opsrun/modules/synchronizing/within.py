"""A copy within one host: cp(1) into a stage in each directory, and renames out of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from opsrun.errors import TransferFailed
from opsrun.modules.requests import Run
from opsrun.modules.synchronizing.carrying import Load
from opsrun.modules.synchronizing.ends import Asking
from opsrun.modules.synchronizing.planning import Item
from opsrun.modules.synchronizing.there import There
from opsrun.remote.files.attributes import calls
from opsrun.remote.files.delivery import Attributes, new_stage
from opsrun.remote.files.scripts import ATTRIBUTES, at_top
from opsrun.remote.files.trouble import said, telling
from opsrun.remote.files.words import portions, text, word
from opsrun.trees.below import split
from opsrun.trees.entry import Kind

_FUNCTIONS = """\
umask 077
gone() {
  cd -P -- "$top/" && into "$here" && rm -rf -- "./$stage"
}
trap gone EXIT
trap 'exit 1' HUP INT PIPE TERM
here=
enter() {
  into "$1" || die dir 0 "$1 is no directory that is reached over no link"
  here=$1
}
new() {
  e=$(mkdir -- "$@" 2>&1) || die write 0 "$e"
}
stage() { new "./$stage"; }
take() {
  # shellcheck disable=SC2086 # options
  e=$(cp $options -- "$@" "./$stage/" 2>&1) || die take 0 "$e"
}
link() { e=$(ln -s -- "$1" "$2" 2>&1) || die write 0 "$e"; }
place() {
  e=$(mv -f -- "$@" ./ 2>&1) || die move 0 "$e"
}
leave() { e=$(rmdir -- "./$stage" 2>&1) || die write 0 "$e"; }
"""


def copy_within(end: There, top: bytes, load: Load, owner: tuple[int, int]) -> Asking[None]:
    """Do it. Each file comes into its place whole.

    Args:
        owner: user and group of what has no owner of its own: who does it.

    Raises:
        TransferFailed: in the host's words; some files may be in their places already.
    """
    answer = yield end.asking(Run(script(top, load, owner)))
    if answer.rc:
        words = answer.stderr.decode(errors="replace")
        line, hint = telling(said(words)[2] or words)
        raise TransferFailed(line or f"the copy ended with status {answer.rc}", hint=hint)


def script(top: bytes, load: Load, owner: tuple[int, int]) -> str:
    """All of it."""
    return "".join(_lines(top, load, owner))


def _lines(top: bytes, load: Load, owner: tuple[int, int]) -> Iterator[str]:
    times = any(each.mtime is not None for each in load.files)
    options = f"-{'L' if load.follow else 'P'}{'p' if times else ''}"
    yield f"{at_top(top)}{ATTRIBUTES}stage={text(new_stage())}\noptions={options}\n{_FUNCTIONS}"
    groups: dict[bytes, list[Item]] = defaultdict(list)
    for each in load.items:
        groups[split(each.entry.path)[0]].append(each)
    # Directories come before what is in them.
    for directory in sorted(groups, key=lambda path: path.split(b"/") if path else []):
        items = groups[directory]
        yield f"enter {word(directory)}\n"
        made = [each.entry.path for each in items if each.entry.kind is Kind.DIRECTORY]
        yield from calls("new", (split(path)[1] for path in made))
        others = [each for each in items if each.entry.kind is not Kind.DIRECTORY]
        if others:
            yield "stage\n"
            yield from _staged(load, others, owner)
            yield "leave\n"


def _staged(load: Load, items: Sequence[Item], owner: tuple[int, int]) -> Iterator[str]:
    stage = '"./$stage"'
    named = {split(each.entry.path)[1]: each for each in items}
    files = {name: each for name, each in named.items() if each.entry.kind is Kind.FILE}
    same = [load.source(each.entry) for each in files.values()]
    if load.alias:
        for name, each in files.items():
            source = load.source(each.entry)
            yield f"take {word(source)}\n"
            base = split(source)[1]
            if base != name:
                yield f"mv -f -- {stage}/{word(base)} {stage}/{word(name)} || exit\n"
    else:
        for some in portions(same):
            yield f"take {' '.join(map(word, some))}\n"
    for name, each in named.items():
        if each.entry.kind is Kind.LINK:
            yield f"link {word(each.entry.target)} {stage}/{word(name)}\n"
    yield f"cd -P -- {stage} || exit\n"
    yield from _attributes(named, owner)
    yield "cd -P .. || exit\n"
    for several in portions(named):
        yield f"place {' '.join(f'{stage}/{word(name)}' for name in several)}\n"


def _attributes(named: dict[bytes, Item], owner: tuple[int, int]) -> Iterator[str]:
    owners: dict[tuple[int, int], list[bytes]] = defaultdict(list)
    modes: dict[int, list[bytes]] = defaultdict(list)
    times: dict[int, list[bytes]] = defaultdict(list)
    for name, each in named.items():
        uid = owner[0] if each.uid is None else each.uid
        gid = owner[1] if each.gid is None else each.gid
        owners[uid, gid].append(name)
        if each.mode is not None:
            modes[each.mode].append(name)
        elif each.mtime is not None:
            times[each.mtime].append(name)
    for (uid, gid), names in owners.items():
        yield from calls(f"own {uid}:{gid}" if owner[0] == 0 else f"own_group {gid}", names)
    for mode, names in modes.items():
        yield from calls(f"mode {mode:04o}", names)
    for mtime, names in times.items():
        from opsrun.remote.files.attributes import times as stamped

        yield from stamped(Attributes(tuple(names), mtime=mtime))
