"""All that is below a directory, with owners and modes: for what a task changes recursively."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from opsrun.errors import HostError
from opsrun.modules.base import ModuleError
from opsrun.modules.labels import chattr
from opsrun.modules.looking import LOOK, Seen, marked
from opsrun.modules.permissions import Difference, Wanted, Wish, mode_argument
from opsrun.modules.wording import path_bytes, path_of
from opsrun.modules.wording import word as quoted
from opsrun.remote.command import CommandResult
from opsrun.remote.files.listing import LISTING, parse_listing
from opsrun.remote.files.scripts import PRELUDE
from opsrun.remote.files.words import portions, word
from opsrun.trees.entry import Entry, Kind

_MARK = b"tree\0\0"
_SECOND = b"followed\0\0"

_FOLLOWED = (
    LISTING.replace("find . ", "find -L . ")
    .replace("stat -c", "stat -L -c")
    .replace("stat -f", "stat -L -f")
)

_TYPES = {Kind.FILE: 0o100000, Kind.DIRECTORY: 0o040000, Kind.LINK: 0o120000, Kind.OTHER: 0o060000}


def tree_script(*, follow: bool) -> str:
    """Lists what is below ``$path``, if it is a directory; the last part of a script.

    Args:
        follow: also what is reached over links.
    """
    lines = [
        'if [ -d "$path" ]; then\nsay tree ""\n(\n',
        f'{PRELUDE}root "$path"\n{LISTING}start\ntree\n)\n',
    ]
    if follow:
        lines += [
            'say followed ""\n(\n',
            f'{PRELUDE}root "$path"\n{_FOLLOWED}start\ntree\n) 2>/dev/null\n:\n',
        ]
    return "".join([*lines, "fi\n"])


def without_tree(answer: CommandResult) -> tuple[CommandResult, list[Entry]]:
    """What the script said before, and what it listed.

    Raises:
        ModuleError: the list can't be read.
    """
    head, found, rest = answer.stdout.partition(_MARK)
    if not found:
        return answer, []
    plain, _, followed = rest.partition(_SECOND)
    try:
        entries = parse_listing(plain).entries
        beyond = parse_listing(followed).entries if followed else []
    except HostError as error:
        raise ModuleError(error.message) from error
    own = {each.path: each for each in entries}
    more = [each for each in beyond if _is_news(own.get(each.path), each)]
    return replace(answer, stdout=head), [*entries, *more]


def _is_news(own: Entry | None, followed: Entry) -> bool:
    return own is None or (own.kind is Kind.LINK and followed.kind is not Kind.LINK)


def marks_script(wish: Wish) -> str:
    """Tells of the attributes and contexts of what is below ``$path``, for `Answers.marks`; not of
    what is reached over links. It stands before `tree_script`."""
    inner = f'{LOOK}{wish.asking()}for f; do at mark "$f"; done'
    listing = f"find . -exec sh -c {quoted(inner)} sh {{}} +"
    return f'if [ -d "$path" ]; then (cd -P -- "$path" && {listing}); fi\n'


def differences(
    top: str,
    entries: Iterable[Entry],
    wanted: Wanted,
    marks: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Difference]:
    """What has to change below ``top``, without ``top`` itself.

    Args:
        top: the directory.
        entries: what is there.
        wanted: what it is to have.
        marks: by ``./NAME``, see `Answers.marks`; where there is none for a path, neither its
            attributes nor its context are looked at. Links have no attributes.

    Raises:
        ModuleError: a bad mode.
    """
    found = []
    bare = wanted.plain
    for each in entries:
        if each.path:
            name = path_of(each.path)
            mode = _TYPES[each.kind] | each.mode
            seen = Seen(f"{top.rstrip('/')}/{name}", mode, uid=each.uid, gid=each.gid)
            mark = (marks or {}).get(f"./{name}")
            beyond = mark is not None and "link" in mark and each.kind is not Kind.LINK
            asked = bare if mark is None or beyond else wanted
            if each.kind is Kind.LINK:
                asked = replace(asked, flags=None)
            found.append(asked.against(marked(seen, mark or {})))
    return [each for each in found if each]


def tree_lines(changes: Sequence[Difference]) -> Iterator[str]:
    """Commands for all of them: what is deepest first, equal ones in one command."""
    groups: dict[tuple[int, *tuple[str, ...]], list[bytes]] = {}
    for each in sorted(changes, key=lambda one: one.seen.path, reverse=True):
        for command in _commands(each):
            groups.setdefault(command, []).append(path_bytes(each.seen.path))
    for step in sorted({command[0] for command in groups}):
        for (number, *words), paths in groups.items():
            if number != step:
                continue
            for some in portions(paths):
                names = " ".join(word(b"./" + p if p.startswith(b"-") else p) for p in some)
                if words[0] == "chattr":
                    yield chattr(words[1], names)
                else:
                    yield f"{' '.join(words)} {names} || exit\n"


def _commands(change: Difference) -> Iterator[tuple[int, *tuple[str, ...]]]:
    """Each with the number of the step at which it is done."""
    link = () if not change.seen.is_link else ("-h",)
    flags, there = change.flags, change.seen.flags
    if flags is not None and (locks := flags.unlocking(there)):
        yield (0, "chattr", f"-{locks}")
    if change.uid is not None:
        group = "" if change.gid is None else f":{change.gid}"
        yield (1, "chown", *link, f"{change.uid}{group}")
    elif change.gid is not None:
        yield (2, "chgrp", *link, str(change.gid))
    mode = change.lasting_mode
    if mode is not None:
        yield (3, "chmod", mode_argument(mode, directory=change.seen.is_dir))
    if change.context:
        yield (4, "chcon", "-h", quoted(change.context))
    if flags is not None:
        yield (5, "chattr", flags.argument(there))
