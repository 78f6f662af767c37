"""The contents of many files, looked into as they come: a few scripts, and no more memory than one
of them takes.

Small files come in portions, in one piece each: which bytes are whose is told by the sizes behind
them. Where a size isn't what it was, something was being written: then, and where a file is large,
each comes by itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol

from opsrun.modules.base import ModuleError
from opsrun.modules.finding.searching import Search, Wording
from opsrun.modules.finding.sieve import SIEVE, Words
from opsrun.modules.looking import Seen
from opsrun.modules.requests import Request, Run
from opsrun.modules.wording import path_bytes, word
from opsrun.remote.command import CommandResult

SMALL = 32 * 1024
"""Bytes of a file that comes together with others."""
LARGE = 16 * 1024 * 1024
"""Bytes of a file that is sieved by itself."""
WORTH = 1024 * 1024
"""Bytes of all files together that are worth a sieve."""
_TOGETHER = 128
_NAMED = 50_000
"""Names that are sent with a script."""

_SMALL = """\
export mark
xargs -0 -n 128 sh -c '
exec </dev/null
c=y n=0 u=- s=
for f; do
  shift
  n=$((n + 1))
  if [ -r "$f" ]; then set -- "$@" "$f"; else u=$u,$n; fi
done
if [ $# -gt 0 ]; then
  cat -- "$@" 2>/dev/null || c=n
  s=$(stat -c "%s %Z" -- "$@" 2>/dev/null) || s=$(stat -f "%z %c" -- "$@" 2>/dev/null) || c=n
fi
printf "\\n%s" "$mark"
printf " %s" "$c" "$n" "$u" $s
printf "\\n"
' sh
"""
_EACH = """\
export mark
xargs -0 -n 500 sh -c '
exec </dev/null
for f; do
  c=y
  cat -- "$f" 2>/dev/null || c=n
  printf "\\n%s %s\\n" "$mark" "$c"
done
' sh
"""

_UNREAD = "its content can't be read"

Looked = Generator[Request, Any, set[str]]


class _Taking(Protocol):
    """Takes what is between marks, and what they say."""

    def take(self, data: bytes) -> None: ...
    def end(self, told: Sequence[bytes]) -> None: ...


def matching(
    files: Sequence[Seen], wording: Wording, words: Words | None, skipped: dict[str, str]
) -> Looked:
    """The paths of the files that are matched.

    Args:
        files: regular ones.
        wording: by what.
        words: those of which one is in whatever is matched; None where none are known.
        skipped: gets the paths of those of which it can't be told, with the reason.

    Raises:
        ModuleError: the host's answer was cut off.
    """
    if words is not None and sum(each.size for each in files) > WORTH:
        left = yield from sieved(files, words)
        files = [each for each in files if each.path in left]
    looking = _Looking(wording, skipped)
    small = [each for each in files if each.size <= SMALL]
    yield from _read(_SMALL, small, lambda some: _Together(looking, some))
    large = [each for each in files if each.size > SMALL]
    yield from _read(_EACH, large + looking.again, lambda some: _Alone(looking, some))
    return looking.fit


def sieved(files: Sequence[Seen], words: Words) -> Looked:
    """The paths of those that may have one of the words in them."""
    left = {each.path for each in files if "\n" in each.path}
    head = f"words={word(chr(10).join(words.texts))}\nfold={'i' * words.caseless}\n{SIEVE}"
    named = [each for each in files if "\n" not in each.path]
    for which, large in (("some", False), ("each", True)):
        script = f'{head}xargs -0 -n 500 sh -c "${which}" sh\n'
        for some in _portions(each for each in named if (each.size > LARGE) is large):
            answer = yield Run(script, _names(some), effect="reads", cap=4 * len(_names(some)))
            if not answer.ok or answer.truncated:
                raise ModuleError.of(answer)
            names = {_name(each): each.path for each in some}
            left |= {names[each] for each in answer.stdout.split(b"\n") if each in names}
    return left


def _portions(files: Iterable[Seen]) -> Iterator[list[Seen]]:
    left = iter(files)
    while some := list(islice(left, _NAMED)):
        yield some


def _names(files: Iterable[Seen]) -> bytes:
    return b"".join(_name(each) + b"\0" for each in files)


def _name(seen: Seen) -> bytes:
    path = path_bytes(seen.path)
    return path if path.startswith(b"/") else b"./" + path


def _read(
    script: str, files: Sequence[Seen], taking: Callable[[Iterator[Seen]], _Taking]
) -> Generator[Request, Any, None]:
    for some in _portions(files):
        left = iter(some)
        cut = _Cut(taking(left))
        head = f"mark={cut.mark.decode()}\n"
        answer: CommandResult = yield Run(
            head + script, _names(some), effect="reads", take=cut.feed
        )
        if not answer.ok:
            raise ModuleError.of(answer)
        if cut.broken or next(left, None) is not None:
            raise ModuleError("the contents of files were cut off on their way")


class _Cut:
    """Cuts what comes at marks, which are lines of their own."""

    def __init__(self, taking: _Taking) -> None:
        self.mark = secrets.token_hex(16).encode()
        self.broken = False
        """What came makes no sense."""
        self._taking = taking
        self._tail = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        rest = self._tail + data
        mark = b"\n" + self.mark + b" "
        while not self.broken:
            at = rest.find(mark)
            end = rest.find(b"\n", at + len(mark)) if at >= 0 else -1
            if end < 0:
                break
            self._taking.take(rest[:at])
            try:
                self._taking.end(rest[at + len(mark) : end].split())
            except (IndexError, StopIteration, ValueError):
                self.broken = True
            rest = rest[end + 1 :]
        held = len(rest) - at if at >= 0 else min(len(rest), len(mark) - 1)
        self._taking.take(rest[: len(rest) - held])
        self._tail = rest[len(rest) - held :]


class _Looking:
    """What is found out of files."""

    def __init__(self, wording: Wording, skipped: dict[str, str]) -> None:
        self.wording = wording
        self.skipped = skipped
        self.fit: set[str] = set()
        self.again: list[Seen] = []
        """Those that have to come by themselves."""

    def end(self, seen: Seen, search: Search) -> None:
        """All of a file has come."""
        try:
            if search.ended():
                self.fit.add(seen.path)
        except ModuleError as error:
            self.skipped[seen.path] = error.msg


class _Together:
    """Small files in portions."""

    def __init__(self, looking: _Looking, files: Iterator[Seen]) -> None:
        self._looking = looking
        self._files = files
        self._content = bytearray()
        self._over = False

    def take(self, data: bytes) -> None:
        """More of a portion; what is more than it can have is dropped."""
        self._over = self._over or len(self._content) + len(data) > _TOGETHER * SMALL
        if not self._over:
            self._content += data

    def end(self, told: Sequence[bytes]) -> None:
        """A portion: whether all went well, how many there are, which of them can't be read, and
        sizes and times of the others."""
        status, count, unread, *numbers = told
        without = {int(each) for each in unread.split(b",")[1:]}
        some = []
        for number, seen in enumerate(islice(self._files, int(count)), 1):
            if number in without:
                self._looking.skipped[seen.path] = _UNREAD
            else:
                some.append(seen)
        sizes, times = list(map(int, numbers[::2])), list(map(int, numbers[1::2]))
        before = [(each.size, each.ctime // 10**9) for each in some]
        content, over = bytes(self._content), self._over
        self._content, self._over = bytearray(), False
        same = before == list(zip(sizes, times, strict=False)) and sum(sizes) == len(content)
        if status != b"y" or over or not same:
            self._looking.again += some
            return
        at = 0
        for each in some:
            search = Search(self._looking.wording)
            search.feed(content[at : at + each.size])
            self._looking.end(each, search)
            at += each.size


class _Alone:
    """Files one by one."""

    def __init__(self, looking: _Looking, files: Iterator[Seen]) -> None:
        self._looking = looking
        self._files = files
        self._search = Search(looking.wording)

    def take(self, data: bytes) -> None:
        """More of a file."""
        self._search.feed(data)

    def end(self, told: Sequence[bytes]) -> None:
        """A file: whether it could be read."""
        seen, search = next(self._files), self._search
        self._search = Search(self._looking.wording)
        if told[0] == b"y":
            self._looking.end(seen, search)
        else:
            self._looking.skipped[seen.path] = _UNREAD
