"""What came from a server, put in its place: whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from opsrun.modules.looking import Seen
from opsrun.modules.permissions import Wanted
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
say md5 "$(digest md5 "$work/out")" sha1 "$(digest sha1 "$work/out")"
if [ -f "$f" ] && [ -r "$f" ]; then say old "$(digest sha1 "$f")"; fi
[ ! -d "$f" ] || stop "$f is a directory"
[ -d "$d" ] || stop "Destination $d does not exist"
if [ -f "$f" ] && [ ! -r "$f" ]; then stop "Destination $f is not readable"; fi
if [ -f "$f" ] && cmp -s -- "$work/out" "$f"; then
  say same y
  [ -n "$check" ] || attributes "$f" || stop "the mode or owner of $f can't be set"
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
    e=$(attributes "$part" 2>&1) || stop "$e"
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
    cat <"$work/out" >"$f" || {
      cat <"$work/old" >"$f"
      stop "$f: the new content can't be written"
    }
    attributes "$f" || stop "the mode or owner of $f can't be set"
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
        yield f"attributes() {{\n{''.join(self._attributes())}}}\n{NAME}{check}{_PUT}"

    def _attributes(self) -> Iterator[str]:
        """For ``$1``; what is not known beforehand is put right afterwards."""
        wanted = self.wanted
        known = self.seen.exists and not self.seen.is_dir and not self.seen.is_link
        was = self.seen if known else Seen("", 0o100666 & ~wanted.umask)
        if not known and isinstance(wanted.mode, str) and self.seen.is_dir:
            wanted = replace(wanted, mode=None)
        for line in wanted.against(was, new=not known).lines("@"):
            yield "  " + line.replace(" @ ", ' "$1" ').replace("|| exit", "|| return")
        yield "  :\n"
