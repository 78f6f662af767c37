"""The shell text of jobs: how one is launched, kept, and looked at.

A job is a folder: ``script`` and ``input``; ``out`` and ``err``; ``recipe`` (see `Job`); ``keeper``
(who sees to its end: process, boot, start); ``child``; and in the end ``ending``. That one is
written into room that was reserved at the start, and renamed: it is whole or not there, also on a
full disk. As long as it isn't there, nobody knows how the job ended.

The keeper and the job are sessions of their own (setsid(2)), without any descriptor of ours: so
neither the end of the connection nor that of a login's shell is theirs.
"""

from __future__ import annotations

_KNOWING = """\
born() {
  if [ -r "/proc/$1/stat" ]; then
    read -r l <"/proc/$1/stat" || l=
    # shellcheck disable=SC2086 # its fields are meant
    (IFS=' '; set -- - ${l##*)}; echo "${21-}")
  else ps -o lstart= -p "$1"; fi 2>/dev/null
}
boot() { cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo -; }
"""

KEEPER = (
    _KNOWING
    + """\
j=$1 l=$2 u=$3
apart() {
  if command -v setsid >/dev/null 2>&1; then exec setsid "$@"; fi
  exec perl -MPOSIX=setsid -e 'setsid; exec { $ARGV[0] } @ARGV' -- "$@"
}
late=
trap 'late=y' USR1
trap '' HUP
echo "$$ $(boot) $(born $$)" >"$j/keeper" && printf '%256s\\n' '' >"$j/room" &&
  : >"$j/out" && : >"$j/err" || exit 1
unset LC_OPSRUN_TAG OPSRUN_CARRIER
( trap - HUP; umask "$u"; apart sh "$j/script" <"$j/input" >"$j/out" 2>"$j/err" ) &
c=$!
echo "$c $(boot) $(born "$c")" >"$j/child"
echo up
exec </dev/null >/dev/null 2>&1
( apart sh -c 'sleep "$1"
  kill -USR1 "$3"; kill -TERM "-$2"
  for n in 1 2 3 4 5; do kill -0 "-$2" || exit 0; sleep 1; done
  kill -KILL "-$2"' sh "$l" "$c" "$$" ) &
w=$!
wait "$c"
r=$?
s=ended
if [ -n "$late" ] && [ "$r" -gt 128 ]; then
  s=late
  wait "$c"
  r=$?
  kill -0 "-$c" && wait "$w"
fi
kill -TERM "-$w"
printf '%s %s\\n' "$s" "$r" 1<>"$j/room" && mv -f -- "$j/room" "$j/ending"
rm -f -- "$j/script" "$j/input" "$j/keep"
"""
)
"""``sh KEEPER FOLDER SECONDS UMASK``; says ``up`` once it is sure to see the job through."""

LAUNCH = """\
no() { printf 'no %s\\n' "$*"; exit 0; }
u=$(umask)
umask 077
command -v setsid >/dev/null 2>&1 || command -v perl >/dev/null 2>&1 ||
  no "to leave a job to itself, the host needs setsid (of util-linux) or perl"
e=$(mkdir -p -- "$b" 2>&1) || no "could not create directory: $e"
b=$(cd -P -- "$b" && pwd) || no "could not use directory: $b"
j=$b/$i
e=$(mkdir -- "$j" 2>&1) || no "could not create directory: $e"
e=$( { cat >"$j/input" && put; } 2>&1) || { rm -rf -- "$j"; no "could not write job: $e"; }
if [ -n "$done" ]; then
  e=$( { : >"$j/out" && : >"$j/err" && echo "ended 0" >"$j/room" &&
    mv -- "$j/room" "$j/ending"; } 2>&1) || { rm -rf -- "$j"; no "could not write job: $e"; }
  printf 'up %s\\n' "$j"
  exit 0
fi
a=$(
  if command -v setsid >/dev/null 2>&1; then
    setsid sh "$j/keep" "$j" "$l" "$u" </dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  else
    perl -MPOSIX=setsid -e 'setsid; exec { $ARGV[0] } @ARGV' -- \\
      sh "$j/keep" "$j" "$l" "$u" </dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
  fi
)
case $a in
  up) printf 'up %s\\n' "$j" ;;
  *) rm -rf -- "$j"; no "could not start job: $a" ;;
esac
"""
"""Wants ``b`` (folder of jobs), ``i`` (id), ``l`` (seconds), ``done`` (nothing to run) and ``put``,
which writes ``script``, ``recipe`` and ``keep`` into ``$j``; the job's input is its own."""

LOOK = (
    _KNOWING
    + """\
cd -- "$b/$i" 2>/dev/null || { echo "none - 0 0 0 0"; printf '%s\\n' "$b/$i"; exit 0; }
alive() { p=; read -r p o t <"$1" 2>/dev/null; [ -n "$p" ] && [ "$(born "$p")" = "$t" ]; }
ending() { [ -f ending ] && read -r s r <ending; }
s='' r=- o=''
until ending; do
  if alive keeper; then s=running; break; fi
  # It may have come to its end since.
  if ending; then break; fi
  s=gone
  if [ "${o:--}" != - ] && [ "$o" != "$(boot)" ]; then s=rebooted
  elif alive child; then s=orphan r=$p; fi
  break
done
k=0 n=0 m=0 q=0
if [ "$s" != running ]; then
  size() { if [ -f "$1" ]; then echo $(($(wc -c <"$1"))); else echo 0; fi; }
  k=$(size recipe) n=$(size out) m=$(size err)
  [ "$n" -le "$most" ] || n=$most q=1
  [ "$m" -le "$most" ] || m=$most q=1
fi
echo "$s $r $k $n $m $q"
pwd
[ "$k" = 0 ] || head -c "$k" recipe
[ "$n" = 0 ] || head -c "$n" out
[ "$m" = 0 ] || head -c "$m" err
"""
)
"""Wants ``b``, ``i`` and ``most`` (bytes of each stream). Says what there is, how many bytes of the
recipe and of each stream follow, whether that is not all; then the folder; then those bytes."""

REMOVE = """\
cd -- "$b/$i" 2>/dev/null || { echo none; exit 0; }
j=$(pwd)
cd / && rm -rf -- "$j" && echo gone
"""
