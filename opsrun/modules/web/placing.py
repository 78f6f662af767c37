"""What came from a server, put in its place: whole, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from opsrun.modules.base import ModuleResult, Steps
from opsrun.modules.looking import LOOK, Answers, Seen
from opsrun.modules.permissions import Wanted, argument, described
from opsrun.modules.requests import Run
from opsrun.modules.wording import word

NAME = r"""
f=$path
if [ -d "$path" ]; then
  n=$(tr -d '\r' <"$work/head" | sed -n \
    's/^[Cc]ontent-[Dd]isposition:.*filename="\{0,1\}\([^";]*\).*/\1/p' | tail -n 1)
  n=${n##*/}
  if [ -z "$n" ] || [ "$n" = . ] || [ "$n" = .. ]; then
    u=$(tr -d '\r' <"$work/head" | sed -n 's/^[Ll]ocation: *//p' | tail -n 1)
    u=${u:-$(cat "$work/url")}
    u=${u%%\#*}
    u=${u%%\?*}
    u=${u#*://}
    case $u in */*) n=${u##*/} ;; *) n= ;; esac
    case $n in '' | . | ..) n=index.html ;; esac
  fi
  f=${path%/}/$n
fi
say file "$f"
"""
"""Wants ``path``; a directory keeps the name that the server gives, or the address has."""

GOOD = r"""
code=$(tr -d '\r' <"$work/head" | sed -n 's,^HTTP/[0-9.]* \([0-9][0-9][0-9]\).*,\1,p' | tail -n 1)
case $code in
  '') [ "$rc" -eq 0 ] || exit 0 ;;
  *)
    case " $good " in *" $code "*) ;; *) exit 0 ;; esac
    case $code in 2??) [ "$rc" -eq 0 ] || exit 0 ;; esac
    ;;
esac
"""
"""Ends the script where the answer is none of ``good``."""

_PUT = r"""
stop() {
  [ -z "$part" ] || rm -f -- "$part"
  say stop "$1"
  exit 0
}
case $f in
  */*) d=${f%/*} ;;
  *) d=. ;;
esac
d=${d:-/}
say size "$(($(wc -c <"$work/out")))"
digested md5 "$work/out"
say md5 "$x"
digested sha1 "$work/out"
say sha1 "$x"
if [ -f "$f" ] && [ -r "$f" ]; then digested sha1 "$f"; say old "$x"; fi
[ ! -d "$f" ] || stop "$f is a directory"
[ -d "$d" ] || stop "Destination $d does not exist"
if [ -f "$f" ] && [ ! -r "$f" ]; then stop "Destination $f is not readable"; fi
if [ -f "$f" ] && cmp -s -- "$work/out" "$f"; then
  say same y
  if [ -n "$known" ] && [ -z "$check" ]; then
    e=$(attributes "$f" 2>&1) || stop "${e:-the mode or owner of $f can not be set}"
    say righted y
  fi
elif [ -z "$check" ]; then
  part=$d/.opsrun-$$
  e=$({ set -C && : >"$part"; } 2>&1) || {
    part=
    [ -n "$unsafe" ] && [ -f "$f" ] && [ -w "$f" ] || stop "Destination $d is not writable: $e"
  }
  if [ -n "$part" ]; then
    if [ -f "$f" ]; then
      cp -p -- "$f" "$part" 2>/dev/null || :
      chmod u+w -- "$part" 2>/dev/null || :
    fi
    e=$(cat <"$work/out" 2>&1 >"$part") || stop "$f: the new content can't be written: $e"
    cmp -s -- "$work/out" "$part" || stop "$f: not all of the new content has arrived"
    [ -f "$f" ] || chmod "$fresh" -- "$part"
    e=$(plain "$part" 2>&1) || stop "$e"
  fi
  if [ -n "$backup" ] && [ -f "$f" ]; then
    b=$f.$stamp
    e=$(cp -p -- "$f" "$b" 2>&1) || stop "$e"
    say backup "$b"
  fi
  if [ -n "$part" ]; then
    e=$(mv -f -- "$part" "$f" 2>&1) || {
      [ -n "$unsafe" ] && [ -f "$f" ] || stop "$e"
      rm -f -- "$part"
      part=
    }
  fi
  if [ -z "$part" ]; then
    cat <"$f" >"$work/old" || stop "$f can't be read"
    e=$({ cat <"$work/out" >"$f"; } 2>&1) || {
      cat <"$work/old" >"$f" || {
        trap - EXIT
        e="$e; the old one is in $work/old"
      }
      stop "$f: the new content can't be written: $e"
    }
    e=$(attributes "$f" 2>&1) || stop "${e:-the mode or owner of $f can not be set}"
  else
    e=$(settle "$f" 2>&1) || stop "${e:-$f can not be labelled}"
  fi
fi
at after "$f" -L
"""


@dataclass(frozen=True, slots=True)
class Put:
    """How what came is put in its place."""

    path: str
    seen: Seen
    """What is there; a directory, perhaps, in which the place is."""
    wanted: Wanted
    stamp: str = ""
    """What the name of the old file's copy ends in; empty for no copy."""
    unsafe: bool = False
    check: bool = False

    def lines(self, check: str = "") -> Iterator[str]:
        """Behind those of `Asking.lines` and `GOOD`.

        Args:
            check: lines between the name and the place: they may end the script.
        """
        yield f"path={word(self.path)}\nunsafe={'y' if self.unsafe else ''}\n"
        yield f"check={'y' if self.check else ''}\nbackup={'y' if self.stamp else ''}\n"
        yield f"stamp={word(self.stamp)}\nfresh={0o666 & ~self.wanted.umask:04o}\n"
        yield f"known={'y' if self._known and self.wanted.against(self.seen) else ''}\n"
        yield _function("attributes", self._lines(self.wanted))
        yield _function("plain", self._lines(self.wanted.plain))
        yield _function("settle", self.wanted.settling("@", self._was))
        yield f"{NAME}{check}{_PUT}"

    @property
    def _known(self) -> bool:
        return self.seen.exists and not self.seen.is_dir and not self.seen.is_link

    @property
    def _was(self) -> Seen:
        return self.seen if self._known else Seen("", 0o100666 & ~self.wanted.umask)

    def _lines(self, wanted: Wanted) -> Iterator[str]:
        """For ``$1``; what is not known beforehand is put right afterwards."""
        if not self._known and isinstance(wanted.mode, str) and self.seen.is_dir:
            wanted = replace(wanted, mode=None)
        return wanted.against(self._was, new=not self._known).lines("@")

    def righted(self, result: ModuleResult, answers: Answers, asking: str, *, check: bool) -> Steps:
        """A result once owner, mode and context are those that are wanted, also of a file whose
        name nobody knew before, or for which nothing came.

        Args:
            result: what `lines` came to.
            answers: what they told.
            asking: of the task's `Wish`.
            check: nothing is changed; whether it would be is told.
        """
        after = answers.seen("after") if answers.get("after") else self.seen
        new = answers.get("same") is None and result.changed
        if result.failed or not after.is_file or (check and new):
            return result
        change = self.wanted.against(after)
        if not change:
            return result
        data = dict(result.data)
        if not check:
            lines = "".join(change.lines(after.path))
            answer = yield Run(f"{lines}{LOOK}{asking}at after {argument(after.path)}\n")
            data |= described(Answers(answer).seen("after"))
        return replace(result, changed=True, data=data)


def _function(name: str, lines: Iterable[str]) -> str:
    """One of the shell's, made of lines for ``@``."""
    body = [f"  {line}" for line in lines]
    text = re.sub(r" @(?= )", ' "$1"', "".join(body)).replace("|| exit\n", "|| return\n")
    return f"{name}() {{\n{text}  :\n}}\n"
