"""A host as an end: scripts in its session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from opsrun.errors import HostError
from opsrun.modules.base import ModuleError
from opsrun.modules.looking import Answers
from opsrun.modules.requests import Elsewhere, Fetch, OfEither, Request, Run
from opsrun.modules.synchronizing.ends import Asking, End, Reading, Spot
from opsrun.modules.synchronizing.filters import MERGED, Filters, from_files
from opsrun.modules.wording import path_word
from opsrun.remote.command import CommandResult
from opsrun.remote.files import complaints
from opsrun.remote.files.changing import Change
from opsrun.remote.files.delivery import Attributes
from opsrun.remote.files.digesting import digest_script, parse_digests
from opsrun.remote.files.listing import LISTING, asked, inside, names_script, parse_listing
from opsrun.remote.files.scripts import at_top
from opsrun.remote.files.sending import LISTING_CAP
from opsrun.remote.files.tools import Check
from opsrun.remote.files.trouble import numbered, said, vanished
from opsrun.remote.files.words import joined, word
from opsrun.trees.entry import Entry, Kind

_END = b"opsrun whole "
"""Behind every list: one that was cut short must not pass for a whole one."""

_LOOK = """\
say() { printf '%s\\0' "$@"; }
kind() {
  if [ "$2" = l ] && [ -h "$1" ]; then k='link'
  elif [ -f "$1" ]; then k='file'
  elif [ -d "$1" ]; then k='directory'
  elif [ -e "$1" ]; then k='other'
  else k=
  fi
}
case $p in
  /*) ;;
  *)
    h=$(pwd -P && echo x)
    p=${h%?x}/$p
    ;;
esac
while case $p in ?*/) ;; *) false ;; esac; do p=${p%/}; done
kind "$p" l
l=$k
if [ -z "$k" ]; then
  e=$(ls -d -- "$p" 2>&1) || case $e in
    *'No such file or directory' | *'Not a directory') ;;
    *) say why "$e" ;;
  esac
fi
kind "$p" s
say kind "$l" real "$k"
u=${p%/*}
u=${u:-/}
if [ -d "$u" ]; then say parent y; fi
r=$p
if [ "$k" = directory ] && { [ -n "$contents" ] || [ "$l" = directory ]; }; then
  r=$(cd -P -- "$p" && pwd -P && echo x)
  r=${r%?x}
elif [ -d "$u" ]; then
  r=$(cd -P -- "$u" && pwd -P && echo x)
  r=${r%?x}
  r=${r%/}/${p##*/}
fi
u=$r
while [ -n "${u%/}" ]; do
  u=${u%/*}
  [ ! -e "$u/.rsync-filter" ] || say ruled "${u:-/}"
done
say path "$r" umask "$(umask)" uid "$(id -u)" gid "$(id -g)" gids "$(id -G)"
"""

_NAMES = """\
say() { printf '%s\\0' "$@"; }
# Of users or of groups, what has a number or a name.
entry() {
  e=$(getent "$1" "$2" 2>/dev/null) || e=
  if [ -z "$e" ]; then
    while IFS= read -r x; do
      i=${x#*:*:}
      if [ "${x%%:*}" = "$2" ] || [ "${i%%:*}" = "$2" ]; then
        e=$x
        break
      fi
    done <"/etc/$1"
  fi
  [ -z "$e" ] || say "$1" "$e"
}
"""

_CLOSED = re.compile(r"find: ['`]?(\./.*?)'?: Permission denied\Z")


class There(End):
    """See `End`.

    Args:
        elsewhere: it is the task's own host, and the task is delegated to another.
    """

    def __init__(self, *, elsewhere: bool = False) -> None:
        self._elsewhere = elsewhere

    def asking(self, request: OfEither) -> Request:
        """The request as this end's."""
        return Elsewhere(request) if self._elsewhere else request

    def look(self, path: str, *, contents: bool) -> Asking[Spot]:
        """See `End.look`."""
        script = f"p={path_word(path)}\ncontents={'y' if contents else ''}\n{_LOOK}"
        answers = Answers((yield self.asking(Run(script, effect="reads"))))
        why = answers.get("why")
        if why is not None:
            raise ModuleError(why)
        uid, gid = answers.number("uid"), answers.number("gid")
        if uid is None or gid is None:
            raise ModuleError("id(1) there tells no user")
        return Spot(
            answers.text("path").encode("utf-8", "surrogateescape"),
            _kind(answers.text("kind")),
            _kind(answers.text("real")),
            answers.get("parent") is not None,
            answers.octal("umask", 0o077),
            uid,
            gid,
            frozenset(int(each) for each in answers.text("gids").split() if each.isdigit()),
            tuple(each.encode("utf-8", "surrogateescape") for each in answers.every("ruled")),
        )

    def listing(self, reading: Reading) -> Asking[list[Entry]]:
        """See `End.listing`."""
        answer = yield self.asking(Run(listing_script(reading), effect="reads", cap=LISTING_CAP))
        entries, doubtful = parse_whole(answer)
        if doubtful:
            entries += yield from self._singly(reading.top, doubtful)
        filters = reading.filters
        if filters is not None:
            filters = yield from self._with_rules(reading.top, entries, filters)
        check_closed(answer, filters, reading.protected)
        if filters is None:
            return entries
        return [
            each
            for each in entries
            if not filters.covers(each.path, directory=each.kind is Kind.DIRECTORY)
        ]

    def _with_rules(
        self, top: bytes, entries: Sequence[Entry], filters: Filters
    ) -> Asking[Filters]:
        """With those of files in the tree."""
        files: dict[bytes, bytes] = {}
        for each in entries:
            above, _, name = each.path.rpartition(b"/")
            if name == MERGED and each.kind is Kind.FILE:
                files[above] = yield from self.content(joined(top, each.path))
        return filters.reading(from_files(files)) if files else filters

    def named(self, top: bytes, names: Iterable[bytes]) -> Asking[list[Entry]]:
        """See `End.named`."""
        wanted = list(names)
        if not wanted:
            return []
        every = asked(name for name in wanted if name)
        if b"" in wanted:
            every.insert(0, b"")
        entries = yield from self._asked(names_script(top, every), top)
        return inside(entries, wanted)

    def _asked(self, script: str, top: bytes, *, again: bool = True) -> Asking[list[Entry]]:
        answer = yield self.asking(Run(f"{script}{_closing('0')}", effect="reads", cap=LISTING_CAP))
        entries, doubtful = parse_whole(answer)
        check_closed(answer, None, None)
        if doubtful:
            if not again:
                raise ModuleError("the list of its files keeps changing while it is made")
            entries += yield from self._singly(top, doubtful)
        return entries

    def _singly(self, top: bytes, names: Sequence[bytes]) -> Asking[list[Entry]]:
        return (yield from self._asked(names_script(top, names, singly=True), top, again=False))

    def content(self, path: bytes) -> Asking[bytes]:
        """See `End.content`."""
        fetched = yield self.asking(Fetch(path))
        content: bytes = fetched.content
        return content

    def digests(self, top: bytes, entries: Sequence[Entry]) -> Asking[dict[bytes, str]]:
        """See `End.digests`."""
        if not entries:
            return {}
        script = digest_script(top, entries, Check.SHA256)
        answer = yield self.asking(Run(script, effect="reads", cap=LISTING_CAP))
        words = answer.stderr.decode(errors="replace")
        if said(words)[0]:
            raise complaints.of_script(words, top, "")
        return parse_digests(answer.stdout, entries, Check.SHA256)

    def names(
        self, users: Iterable[int], groups: Iterable[int]
    ) -> Asking[tuple[dict[int, str], dict[int, str]]]:
        """See `End.names`."""
        found, others = yield from self._entries(map(str, users), map(str, groups))
        return ({number: name for name, number in found}, {n: name for name, n in others})

    def numbers(
        self, users: Iterable[str], groups: Iterable[str]
    ) -> Asking[tuple[Mapping[str, int], Mapping[str, int]]]:
        """See `End.numbers`."""
        found, others = yield from self._entries(users, groups)
        return dict(found), dict(others)

    def _entries(
        self, users: Iterable[str], groups: Iterable[str]
    ) -> Asking[tuple[list[tuple[str, int]], list[tuple[str, int]]]]:
        lines = [f"entry passwd {_text(each)}\n" for each in users]
        lines += [f"entry group {_text(each)}\n" for each in groups]
        if not lines:
            return [], []
        script = "".join([_NAMES, *lines, ":\n"])
        answers = Answers((yield self.asking(Run(script, effect="reads"))))
        return _read(answers.every("passwd")), _read(answers.every("group"))

    def make(self, path: bytes, mode: int, *, parents: bool) -> Asking[None]:
        """See `End.make`."""
        made = word(path)
        above = f"mkdir -p -- {word(path.rpartition(b'/')[0] or b'/')} || exit\n"
        script = f"umask 022\n{above if parents else ''}mkdir -m {mode:o} -- {made} || exit\n"
        answer = yield self.asking(Run(script))
        if not answer.ok:
            raise ModuleError.of(answer)

    def remove(self, top: bytes, names: Sequence[bytes]) -> Asking[None]:
        """See `End.remove`."""
        change = Change(top, names)
        if names:
            yield from self._change(change, change.removal())

    def settle(self, top: bytes, changes: Sequence[Attributes]) -> Asking[None]:
        """See `End.settle`."""
        change = Change(top, [name for each in changes for name in each.names])
        if changes:
            yield from self._change(change, change.setting(changes))

    def _change(self, change: Change, script: str) -> Asking[None]:
        answer = yield self.asking(Run(script))
        if answer.rc:
            words = answer.stderr.decode(errors="replace")
            directory = numbered(change.directories, said(words)[1])
            raise complaints.of_script(words, joined(change.top, directory), "")


def listing_script(reading: Reading) -> str:
    """Lists a part of a tree, and says in the end that this was all."""
    # shellcheck sees words that may be empty, or options: on purpose.
    quiet = "# shellcheck disable=SC2086\n  "
    listing = LISTING.replace(
        "  if [ $how = g ]; then find . ",
        f"  {quiet}if [ $how = g ]; then find $links $begin $deep ",
    ).replace("  else find . ", "  else find $links $begin $deep ")
    if reading.follow:
        listing = listing.replace('stat -c "', 'stat -L -c "').replace('stat -f "', 'stat -L -f "')
    begin = word(b"./" + reading.start) if reading.start else "."
    listing = listing.replace("$begin", begin)
    deep = "" if reading.depth is None else f"-maxdepth {reading.depth}"
    head = f"links={'-L' if reading.follow else '-P'}\ndeep='{deep}'\n"
    return f"{at_top(reading.top)}{head}{listing}start\ntree\n{_closing('$?')}"


def _closing(status: str) -> str:
    return f"printf '\\0{_END.decode()}%s' \"{status}\"\n"


def parse_whole(answer: CommandResult) -> tuple[list[Entry], list[bytes]]:
    """What a list says, and the names that it leaves in doubt.

    Raises:
        ModuleError: it is not whole, or makes no sense.
    """
    code, _, words = said(answer.stderr.decode(errors="replace"))
    if code:
        raise ModuleError(words or f"its files can't be listed ({code})")
    listed, found, status = answer.stdout.rpartition(b"\0" + _END)
    if not found or answer.truncated or not answer.ok or not status.isdigit():
        raise ModuleError.of(answer, "the list of its files was cut off: nothing was changed")
    try:
        listing = parse_listing(listed)
    except HostError as error:
        raise ModuleError(f"{error.message}: nothing was changed") from error
    return listing.entries, listing.doubtful


def check_closed(answer: CommandResult, hidden: Filters | None, protected: Filters | None) -> None:
    """Whatever couldn't be listed is an error, unless it has vanished or nobody wanted it.

    Raises:
        ModuleError: in the host's words.
    """
    status = answer.stdout.rpartition(b" ")[2]
    words = answer.stderr.decode("utf-8", "surrogateescape")
    lines = [line for line in words.split("\n") if line.strip()]
    if not lines and status != b"0":
        raise ModuleError(f"the list of its files ended with status {status.decode()}")
    for line in lines:
        if vanished(line):
            continue
        closed = _CLOSED.match(line)
        name = closed[1][2:].encode("utf-8", "surrogateescape") if closed else b""
        if name and hidden is not None and hidden.covers(name, directory=True):
            continue
        if name and protected is not None and protected.guards(name, directory=True):
            continue
        raise ModuleError(f"its files can't all be listed: {line}: nothing was changed")


def _kind(text: str) -> Kind | None:
    return Kind(text) if text else None


def _text(name: str) -> str:
    return word(name.encode("utf-8", "surrogateescape"))


def _read(entries: Iterable[str]) -> list[tuple[str, int]]:
    """Names and numbers of lines as /etc/passwd and /etc/group have them."""
    found = []
    for each in entries:
        parts = each.split(":")
        if len(parts) > 2 and parts[2].isdigit():
            found.append((parts[0], int(parts[2])))
    return found
