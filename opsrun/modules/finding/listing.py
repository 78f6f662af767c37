"""What is below directories: a script that lists it with all that stat(1) tells, and its reader."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import FORMATS, Answers, Seen, read_stat
from opsrun.modules.wording import path_of, text_of
from opsrun.remote.command import CommandResult

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

_LISTING = re.compile(
    rb"top\0([^\0]*)\0(wrong\0dir\0|list\0\0(.*?)\0\0why\0([^\0]*)\0)end\0\0", re.DOTALL
)

_COMPLAINT = re.compile(r"find: '?(\.(?:/.*)?)(?<!')'?: (.+)")
"""GNU's and busybox's, under ``LC_ALL=C``."""


@dataclass(frozen=True, slots=True)
class Found:
    """One path below a directory."""

    seen: Seen
    level: int
    """1 for what is in the directory itself."""


@dataclass(slots=True)
class Listings:
    """What the host said."""

    now: int = 0
    """Its clock, in seconds since the epoch."""
    tops: list[list[Found]] = field(default_factory=list)
    """Of each directory what is below, in order."""
    skipped: dict[str, str] = field(default_factory=dict)
    """By path, why it could not be listed, or not whole."""


def read_listings(answer: CommandResult) -> Listings:
    """Read what the script printed. ModuleError: it makes no sense."""
    found = Listings()
    head, mark, _ = answer.stdout.partition(b"top\0")
    if not answer.ok or not mark:
        raise ModuleError.of(answer)
    found.now = Answers(replace(answer, stdout=head)).number("now") or 0
    at = len(head)
    while at < len(answer.stdout):
        one = _LISTING.match(answer.stdout, at)
        if one is None:
            raise ModuleError("the host's listing makes no sense, or was cut off")
        at = one.end()
        path = path_of(one[1])
        if one[2].startswith(b"wrong"):
            found.skipped[path] = f"{path!r} is not a directory"
            continue
        found.tops.append(_ordered(list(_entries(path, one[3]))))
        found.skipped |= dict(_untold(path, text_of(one[4])))
    return found


def _untold(top: str, words: str) -> Iterator[tuple[str, str]]:
    """What find(1) complained about; a link that leads upwards is no loss."""
    for line in words.splitlines():
        named = _COMPLAINT.match(line)
        if "loop" not in line:
            below = named[1] if named is not None else "."
            yield os.path.normpath(os.path.join(top, below)), named[2] if named else line.strip()


def _entries(top: str, data: bytes) -> Iterator[tuple[str, Seen]]:
    fields = iter(data.split(b"\0"))
    for first in fields:
        if not first:
            continue
        names = [first]
        for each in fields:
            if not each:
                break
            names.append(each)
        lines = path_of(next(fields, b"")).split("\n")
        if len(lines) != 6 * len(names):
            raise ModuleError(f"what stat(1) says of files below {top} makes no sense")
        for index, name in enumerate(names):
            rest = path_of(name).removeprefix("./")
            if rest != ".":
                path = os.path.normpath(os.path.join(top, rest))
                told = "\n".join(lines[6 * index : 6 * index + 6])
                yield rest, read_stat(path, told)


def _ordered(entries: list[tuple[str, Seen]]) -> list[Found]:
    """Of each directory what is in it, files before directories, before what is below these."""
    below: dict[str, list[tuple[str, Seen]]] = {}
    for rest, seen in entries:
        below.setdefault(os.path.dirname(rest), []).append((rest, seen))
    found: list[Found] = []
    left = [""]
    while left:
        inside = sorted(below.get(left.pop(0), ()), key=lambda one: one[1].is_dir)
        found += [Found(seen, rest.count("/") + 1) for rest, seen in inside]
        left = [rest for rest, _ in inside if rest in below] + left
    return found
