"""The fixed part of the script that takes a delivery.

The stage is a directory of one's own beside what is to be replaced, so that every ``mv`` is a
rename. ``leave`` removes it, whatever happened: a failure, a signal, the end of the input. A signal
calls it by name: one that only exits would end a ``leave`` that has just begun. Until the last byte
is there, the exit status is 71 and the session ends with it; after that, 1.

The files come in functions ``bN``, which add their names to whatever command stands behind them:
``b1 b2 digest`` is one command with the names of both. ``$p`` stands before each name.

Where a program says little of why it can't write (dd here, tar at a partial write), ``probe`` has
``cat`` say it.

Working directories are gone to over no link, and checked. What is then done in ``.`` stays there,
even if somebody puts a link in the directory's place.
"""

from __future__ import annotations

BEGIN = """\
exec 3<&0 </dev/null
st=71
hops=
saving=
how=:
umask 077
sweep() {
  rm -rf -- "./$stage" 2>/dev/null && return
  { chmod -R u+rwx "./$stage" && rm -rf -- "./$stage"; } 2>/dev/null
}
leave() {
  x=$?
  x=${1:-$x}
  trap '' HUP INT PIPE TERM
  trap - EXIT
  # From within the stage, wherever its directory may have been moved to.
  cd -P ../.. && sweep
  for k in $hops; do
    at "$k"
    into "$w" && sweep
  done
  if [ -n "$saving" ]; then
    for k in $dirs; do
      at "$k"
      into "$w" && all "$k" unsave
    done
  fi
  into '' && sweep
  exit "$x"
}
go() {
  at "$1"
  into "$w" || die dir "$1"
}
spy() {
  kind=$1
  shift
  for f; do
    i=$((i + 1))
    f=./${f##*/}
    if [ -h "$f" ]; then
      case $kind$links in d*) die exists "$i" ;; fn) die link "$i" ;; esac
    elif [ -d "$f" ]; then
      case $kind in d) die exists "$i" ;; *) die isdir "$i" ;; esac
    elif [ -f "$f" ]; then
      case $kind in d) die exists "$i" ;; esac
    elif [ -e "$f" ]; then die other "$i"
    else continue
    fi
    if [ -n "$suffix" ]; then
      if [ -e "$f$suffix" ] || [ -h "$f$suffix" ]; then die kept "$i"; fi
    fi
    [ -z "$tell" ] || echo "$i"
  done
}
look() {
  i=0
  p=.
  for k in $dirs; do
    go "$k"
    [ -w . ] || deny "$k"
    spies "$k"
  done
}
deny() {
  e=$(mkdir "./$stage" 2>&1) || die write "$1" "$e"
  rmdir "./$stage"
}
stage() {
  into '' || die top 0
  e=$({ mkdir -m 700 "./$stage" && mkdir "./$stage/n"; } 2>&1) || die write 0 "$e"
  into "$stage/n" || die top 0
  p=.
}
make() { e=$(mkdir -p -- "$@" 2>&1) || die write 0 "$e"; }
take() {
  e=$({ { _otake "$2" <&3; } >>"$3"; } 2>&1) && return
  [ -n "$e" ] || e=$(probe)
  die take "$1" "$e"
}
probe() { { dd if=/dev/zero bs=65536 count=1 2>/dev/null | cat >./probe; } 2>&1; }
size() { e=$(dd if=/dev/null of="$3" bs=1 seek="$2" 2>&1) || die take "$1" "$e"; }
link() { e=$(ln -s -- "$1" "$2" 2>&1) || die write 0 "$e"; }
unpack() {
  e=$({ _otake "$2" <&3 | { umask 0; tar -x -p -o -f - && cat >/dev/null; }; } 2>&1) && return
  die take "$1" "$(probe)$nl$e"
}
rest() {
  want=$(_otake "$1" <&3)
  case ${#want}:$want in
    $(($1 - 1)):*end) ;;
    *) die short 0 "$(probe)" ;;
  esac
  st=1
  exec 3<&-
}
digest() { $how "$@"; }
odd() { for f; do $how <"$f"; done; }
compare() {
  [ "$have" != "$want" ] || return 0
  IFS=$nl
  set -f
  # shellcheck disable=SC2086 # lines, of which each is a word
  set -- $have
  i=0
  for x in $want; do
    i=$((i + 1))
    [ "$x" = "${1-}" ] || die digest "$i"
    shift
  done
  die digest 0
}
validate() {
  into "$stage/n"
  e=$(sh -c "$2" 2>&1) || die validate "$1" "$e"
}
save() {
  for f; do
    f=./${f##*/}
    if [ -h "$f" ]; then e=$(cp -P -p -- "$f" "$f$suffix" 2>&1) || die write "$k" "$e"
    elif [ -f "$f" ]; then
      ln -- "$f" "$f$suffix" 2>/dev/null ||
        e=$(cp -p -- "$f" "$f$suffix" 2>&1) || die write "$k" "$e"
    fi
  done
}
unsave() { for f; do rm -f -- "./${f##*/}$suffix"; done; }
mounts() {
  k=$1
  shift
  into '' || die top 0
  devices=$(stat -c %d -- . "$@" 2>/dev/null || stat -f %d -- . "$@" 2>/dev/null)
  for x in ${devices#*"$nl"}; do
    [ "$x" = "${devices%%"$nl"*}" ] || hops="$hops $k"
    k=$((k + 1))
  done
}
hop() {
  for k in $hops; do
    go "$k"
    e=$({ mkdir -m 700 "./$stage" && mkdir -p -- "./$stage/n/$w"; } 2>&1) || die write "$k" "$e"
    p=$u/$stage/n
    t=./$stage/n/$w
    e=$(all "$k" into_place 2>&1) || die write "$k" "$e"
  done
}
into_place() { mv -f -- "$@" "$t/"; }
move() {
  t=.
  for k in $dirs; do
    at "$k"
    into "$w" || { echo "a link, or gone:$k" && return 1; }
    p=$u/$stage/n
    case " $hops " in *" $k "*) p=./$stage/n ;; esac
    all "$k" into_place || { echo ":$k" && return 1; }
  done
}
"""
