"""What is below directories: a script that lists it with all that stat(1) tells, and its reader.

The reader takes the listing as it comes and keeps what is chosen: there may be millions of others.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import FORMATS, Seen, read_stat
from opsrun.modules.wording import path_of, text_of

# The inner script is one word in single quotes. A name that is gone spoils its portion: then each
# is asked for by itself.
LIST = f"""\
how=c
stat -c %f / >/dev/null 2>&1 || how=f
export how
inner='
ask() {{
  case $how in
    c) stat -c "{FORMATS["c"]}" -- "$@" 2>/dev/null ;;
    f) stat -f "{FORMATS["f"]}" -- "$@" 2>/dev/null ;;
  esac
}}
if s=$(ask "$@"); then
  printf "%s\\0" "$@"
  printf "\\0%s\\0" "$s"
else
  for f; do
    if s=$(ask "$f"); then printf "%s\\0\\0%s\\0" "$f" "$s"; fi
  done
fi
'
below() {{
  p=$1
  shift
  say top "$p"
  if [ ! -d "$p" ]; then
    say wrong dir end ''
    return 0
  fi
  case $p in -*) p=./$p ;; esac
  say list ''
  {{ e=$({{ cd "$p" && find "$@" -exec sh -c "$inner" sh {{}} + >&4; }} 2>&1); }} 4>&1
  printf '\\0\\0'
  say why "$e" end ''
}}
say now "$(date +%s)"
"""
"""``below DIR WORDS...`` lists what find(1) with these words finds; wants `LOOK`."""

_COMPLAINT = re.compile(r"find: '?(\.(?:/.*)?)(?<!')'?: (.+)")
"""GNU's and busybox's, under ``LC_ALL=C``."""

_NONSENSE = "the host's listing makes no sense, or was cut off"


class Chooser(Protocol):
    """Says what is kept of a listing."""

    def named(self, name: str) -> bool:
        """Whether the last part of a path will do."""

    def has(self, seen: Seen, now: int) -> bool:
        """Whether all else will do, at this time of the host's clock."""


@dataclass(slots=True)
class Listings:
    """What the host said, as far as it is chosen."""

    now: int = 0
    """Its clock, in seconds since the epoch."""
    chosen: list[Seen] = field(default_factory=list)
    """Directory by directory, of each the files before the directories."""
    examined: int = 0
    """How many there were to choose from."""
    skipped: dict[str, str] = field(default_factory=dict)
    """By path, why it could not be listed, or not whole."""


class ListingReader:
    """Reads what the script prints.

    Args:
        chooser: says what is kept.
        depth: levels below a directory from which something is kept; None for all.
    """

    def __init__(self, chooser: Chooser, depth: int | None = None) -> None:
        self._chooser = chooser
        self._depth = depth
        self._found = Listings()
        self._tail = b""
        self._between = False
        self._error: ModuleError | None = None
        self._reading = self._read()
        next(self._reading)

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises nothing: what makes no sense is told in the end."""
        if self._error is not None:
            return
        *fields, self._tail = (self._tail + data).split(b"\0")
        try:
            for each in fields:
                self._reading.send(each)
        except ModuleError as error:
            self._error = error

    def ended(self) -> Listings:
        """All that came. ModuleError: it makes no sense, or the end is missing."""
        if self._error is not None:
            raise self._error
        if self._tail or not self._between:
            raise ModuleError(_NONSENSE)
        return self._found

    def _read(self) -> Generator[None, bytes, None]:
        yield from self._expected(b"now")
        now = yield
        self._found.now = int(now) if now.isdigit() else 0
        while True:
            self._between = True
            yield from self._expected(b"top")
            self._between = False
            top = path_of((yield))
            if (yield) == b"wrong":
                self._found.skipped[top] = f"{top!r} is not a directory"
                yield from self._expected(b"dir")
            else:
                yield from self._expected(b"")
                yield from self._entries(top)
                yield from self._expected(b"why")
                words = text_of((yield))
                self._found.skipped |= dict(_untold(top, words))
            yield from self._expected(b"end", b"")

    def _expected(self, *words: bytes) -> Generator[None, bytes, None]:
        for word in words:
            if (yield) != word:
                raise ModuleError(_NONSENSE)

    def _entries(self, top: str) -> Generator[None, bytes, None]:
        # Directories come before what is in them, and so their first entries are in order.
        below: dict[str, list[Seen]] = {}
        while True:
            names = []
            while name := (yield):
                names.append(name)
            told = yield
            if not names:
                break
            self._portion(top, names, told, below)
        if told:
            raise ModuleError(_NONSENSE)
        for inside in below.values():
            self._found.chosen += sorted(inside, key=lambda seen: seen.is_dir)

    def _portion(
        self, top: str, names: list[bytes], told: bytes, below: dict[str, list[Seen]]
    ) -> None:
        lines = path_of(told).split("\n")
        if len(lines) != 6 * len(names):
            raise ModuleError(f"what stat(1) says of files below {top} makes no sense")
        for index, each in enumerate(names):
            rest = path_of(each).removeprefix("./")
            if rest == ".":
                continue
            self._found.examined += 1
            folder, _, name = rest.rpartition("/")
            inside = below.setdefault(folder, [])
            if self._depth is not None and rest.count("/") >= self._depth:
                continue
            if self._chooser.named(name):
                path = os.path.normpath(os.path.join(top, rest))
                seen = read_stat(path, "\n".join(lines[6 * index : 6 * index + 6]))
                if self._chooser.has(seen, self._found.now):
                    inside.append(seen)


def _untold(top: str, words: str) -> Iterator[tuple[str, str]]:
    """What find(1) complained about; a link that leads upwards is no loss."""
    for line in words.splitlines():
        named = _COMPLAINT.match(line)
        if "loop" not in line:
            below = named[1] if named is not None else "."
            yield os.path.normpath(os.path.join(top, below)), named[2] if named else line.strip()
