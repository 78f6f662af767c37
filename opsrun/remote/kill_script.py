"""The script that ends what a command started, and says what of it goes on.

It is fed to a shell's standard input, so that no login shell has to take it as a word: csh(1)
takes no newline in one, fish(1) reads backslashes. Tried with dash, bash, busybox ash and mksh; so:

- No process for each process: one sed(1) and two or three grep(1) for a look at all of them. The
  shell's own ``read`` would ask the kernel for each single byte.
- All of them are looked at twice only where something goes on. If all that was found has ended,
  what was born meanwhile has a number between those of two processes of our own: Linux counts
  upwards.
- No string grows by a piece for each process: bash takes seconds for that.
- Clock ticks since boot are compared as text or in seconds: mksh counts to 2^31 only, which is
  reached after 248 days.
- A name may hold anything but NUL, newlines and what looks like another line of stat(5) too. It
  has at most 15 bytes, which is too few for the twenty fields that a line must have behind it.
- Reading somebody's environment waits for their memory, for ever if they hang in the kernel. So
  whoever is known without it has had the signal before.

What it takes for the command's: its root, where that is known; else, for a server that lets no
variable through, the children of our own sshd that carry nobody's tag, and what is younger than
they and came over the same connection; whoever carries the tag; and whoever descends from any of
these, or is in a session that one of them leads.
"""

from __future__ import annotations

LAUNCH = "exec sh -s opsrun-kill"
"""What starts the shell that reads the script."""

GONE, LEFT, OVER = "gone", "left", "over"
"""Words behind the mark of a line: how many there were, one that goes on, the end."""

SCRIPT = r"""
mark=%(mark)s name=%(name)s carrier=%(carrier)s tag=%(tag)s
root=%(root)s born=%(born)s given=%(session)s
window=%(window)d grace=%(grace)d last=%(last)d
exec 2>/dev/null
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
set -f
nl='
'
IFS=" $nl"
proc=/proc
[ -r $proc/self/stat ] || proc=

fields() {
  pid=${1%%%% *}
  line=$1
  set -- ${1##*") "}
  [ $# -ge 20 ] || return 1
  state=$1 parent=$2 session=$4 start=${20}
}

look() {
  state= held=
  {
    while [ -z "$state" ] && IFS= read -r line; do
      fields "$held$line" || held=$held$line
    done
  } <$proc/$1/stat
  [ -n "$state" ]
}

later() {
  a=${1%%??} b=${2%%??}
  [ "${a:-0}" = "${b:-0}" ] || { [ "${a:-0}" -gt "${b:-0}" ]; return; }
  [ "1${1#"$a"}" -gt "1${2#"$b"}" ]
}

younger() {
  if [ "${1#*:}" = "${2#*:}" ]; then [ "${1%%:*}" -gt "${2%%:*}" ]
  else later "${1#*:}" "${2#*:}"
  fi
}

stats() {
  set +f
  n='[0-9-]*'
  sed -n -e :again -e "s/^\($n\) ([^ ()]*) \([A-Za-z]\) \($n\) $n \($n\) $n $n $n $n $n $n $n $n \
$n $n $n $n $n $n $n \($n\) /\1:\3:\4:\5:\2\\$nl/" -e 't found' -e "s/^\($n\) (.*) \([A-Za-z]\) \
\($n\) $n \($n\) \($n \)\{15\}\($n\) /\1:\3:\4:\6:\2\\$nl/" -e 't found' -e '$!{N;b again' -e '}' \
-e d -e ':found' -e P $1
}

snapshot() {
  if [ -n "$ready" ]; then
    ready=
    return
  fi
  if [ -z "$proc" ]; then
    all=`ps -A -o pid= -o ppid= -o stat= | while read -r pid parent state; do
      [ "$state" != "${state#Z}" ] || echo $pid:$parent:0:-
    done`
    return
  fi
  all=`stats "${span-$proc/[0-9]*/stat}"`
  all=`for e in $all; do
    state=${e##*:} e=${e%%:*}
    second=${e##*:}
    second=${second%%??}
    [ "$state" = Z ] || [ "${second:-0}" -lt "$since" ] || echo $e
  done`
}

entry() {
  pid=${1%%%%:*} rest=${1#*:}
  parent=${rest%%%%:*} rest=${rest#*:}
  session=${rest%%%%:*} start=${rest#*:}
}

ours() {
  case $found in *" $pid "*) return 1 ;; esac
  case $not in *" $pid "*) return 1 ;; esac
  [ "$session" != "$mine" ] && [ "$parent" != $$ ]
}

take() {
  found="$found$pid "
  case $known in *" $pid:$start "*) ;; *) known="$known$pid:$start " fresh=1 ;; esac
  [ "$pid" != "$session" ] || [ "$pid" = "$spared" ] || sessions="$sessions$pid "
}

carrying() {
  grep -lsz "$@" $files </dev/null | tr '\n' ' '
}

by_kin() {
  [ "$root$roots$known" != '  ' ] || return
  for e in $all; do
    pid=${e%%%%:*}
    case " $root$roots$known" in *" $pid"[:\ ]*) ;; *) continue ;; esac
    entry $e
    ours || continue
    [ "$pid:$start" != "$root:${born:-$start}" ] || take
    case "$known$roots" in *" $pid:$start "*) take ;; esac
  done
}

by_tag() {
  [ -n "$proc" ] || return
  spare= carriers=
  every=`for e in $all; do echo $proc/${e%%%%:*}/environ; done`
  files=$every
  wanted=`carrying -xF -e "$name=$tag"`
  if [ -n "$wanted" ]; then
    files=$wanted
    spare=`carrying -e "^$carrier="`
  fi
  if [ -n "$first" ] && [ -n "${SSH_CONNECTION-}" ]; then
    files=$every
    carriers=`carrying -xF -e "SSH_CONNECTION=$SSH_CONNECTION"`
  fi
  [ -n "$wanted$carriers" ] || return
  for e in $all; do
    pid=${e%%%%:*}
    case $wanted$carriers in *"/$pid/"*) ;; *) continue ;; esac
    case $spare in *"/$pid/"*) continue ;; esac
    entry $e
    ours || continue
    case $wanted in *"/$pid/"*) take; continue ;; esac
    ! younger $pid:$start $first || take
  done
}

grow() {
  more=1
  [ "$found$sessions" != '  ' ] || more=
  while [ -n "$more" ]; do
    more=
    for e in $all; do
      rest=${e#*:}
      parent=${rest%%%%:*} rest=${rest#*:}
      session=${rest%%%%:*}
      case $found in
      *" $parent "*) ;;
      *) case $sessions in *" $session "*) ;; *) continue ;; esac ;;
      esac
      entry $e
      ours || continue
      take
      more=1
    done
  done
}

hit() {
  for pid in $found; do
    case $before in *" $pid "*) continue ;; esac
    case $above in *" $pid "*) [ $1 = KILL ] || continue ;; esac
    kill -s $1 $pid || denied="$denied$pid "
  done
  before=$found
}

sweep() {
  found=' ' before=' ' fresh=
  snapshot
  by_kin
  grow
  hit $1
  by_tag
  grow
  hit $1
}

living() {
  left=
  [ -n "$proc" ] || snapshot
  for k in $known; do
    pid=${k%%%%:*}
    case $1 in *" $pid "*) continue ;; esac
    if [ -z "$proc" ]; then
      case "$nl$all" in *"$nl$pid:"*) left="$left$pid " ;; esac
    elif [ -d $proc/$pid ] && look $pid && [ "$start" = "${k#*:}" ] && [ "$state" != Z ]; then
      left="$left$pid "
    fi
    [ -z "$2" ] || [ -z "$left" ] || break
  done
}

since_then() {
  : & now=$!
  wait
  [ $now -gt $then ] && [ $((now - then)) -lt 9999 ] || return
  span=
  while then=$((then + 1)); [ $then -lt $now ]; do
    [ ! -d $proc/$then ] || span="$span $proc/$then/stat"
  done
  [ -n "$span" ] || ready=1 all=
}

await() {
  n=0
  while living "$2" any; [ -n "$left" ] && [ $n -lt $1 ]; do
    sleep 0.05 || sleep 1
    n=$((n + 1))
  done
}

siblings() {
  if [ -n "$proc" ]; then read -r comm <$proc/$server/comm
  else comm=`ps -o comm= -p $server`
  fi
  comm=${comm##*/}
  case $comm in sshd*|dropbear*) ;; *) return ;; esac
  snapshot
  ready=1
  files= kin=
  for e in $all; do
    entry $e
    [ "$parent" = "$server" ] && ours || continue
    kin="$kin$e "
    files="$files $proc/$pid/environ"
  done
  [ -z "$proc" ] || carriers=`carrying -e "^$name="`
  for e in $kin; do
    entry $e
    case $carriers in *"/$pid/"*) continue ;; esac
    roots="$roots$pid:$start "
    [ -n "$first" ] && younger $pid:$start $first || first=$pid:$start
  done
}

mine=none since=0 not=" $$ " above=' ' roots=' ' first= sessions=' ' known=' ' denied=' '
found=' ' carriers= spared=none server=$PPID ready=
: & then=$!
wait
if [ -n "$proc" ]; then
  look $$
  [ "$session" = 0 ] || mine=$session
  since=${start%%??}
  since=$((${since:-0} - window))
  while [ "$parent" -gt 1 ]; do
    not="$not$parent "
    look $parent || break
  done
else
  not="$not$PPID "
fi
if [ -z "$root" ]; then
  siblings
elif [ -n "$proc" ]; then
  [ -n "$given" ] || spared=$root
  if look $root && [ "$start" = "$born" ]; then
    while [ "$parent" -gt 1 ]; do
      above="$above$parent "
      look $parent || break
    done
  fi
  if [ "${given:-0}" -gt 1 ] && [ "$given" != "$mine" ]; then
    look $given && later "$start" "$born" || sessions="$sessions$given "
  fi
fi

again=1
if [ $grace -gt 0 ]; then
  sweep TERM
  await $grace "$denied"
  if [ "$known" = ' ' ]; then again=
  elif [ -n "$proc" ] && [ -z "$left${denied# }" ]; then since_then
  fi
fi
for round in 1 2 3 4 5 6 7 8; do
  [ -n "$again" ] || break
  sweep KILL
  [ "$found" != ' ' ] || break
  await $last "$denied"
  [ -n "$fresh" ] || [ $round = 1 ] || break
  unset span
done
await $last ' '
living ' ' ''
set -- $known
echo "$mark gone $#"
for pid in $left; do
  comm='?'
  if [ -n "$proc" ]; then
    look $pid || continue
    comm=${line#*"("}
    comm=${comm%%") "*}
  else comm=`ps -o comm= -p $pid`
  fi
  echo "$mark left $pid $comm"
done
echo "$mark over"
"""
