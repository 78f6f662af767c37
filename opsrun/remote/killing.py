"""Ends what a command started, over a second channel of the same connection.

A signal over the channel itself (RFC 4254 section 6.9) is honoured by few: OpenSSH refuses it for
root and for forced commands. But every channel's shell is a child of the same server process, and
leads a process group of its own: so another shell on the same connection finds its siblings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from opsrun.errors import HostError
from opsrun.remote.connection import Closed, Connection, Exited, Manner
from opsrun.remote.deadline import Clock, Deadline

PATIENCE = 3.0
"""Seconds that the second channel may take."""

# Only below a server process of this connection alone are all siblings ours. Without /proc, ps has
# to do; without both, nothing is killed, and the caller sees that the command goes on.
_SCRIPT = """exec sh -c '
me=$$ server=$PPID
each() {
  if [ -r /proc/self/stat ]; then
    for f in /proc/[0-9]*/stat; do
      read -r line < "$f" || continue
      pid=${f#/proc/} pid=${pid%%/stat} line=${line##*") "}
      set -- $line
      echo "$pid $2 $3"
    done 2>/dev/null
  else
    ps -A -o pid= -o ppid= -o pgid=
  fi
}
if [ -r /proc/$server/comm ]; then read -r name < /proc/$server/comm
else name=$(ps -o comm= -p $server); fi
case ${name##*/} in sshd*|dropbear*) ;; *) exit 3 ;; esac
each | while read -r pid parent group; do
  [ "$parent" = $server ] && [ "$pid" != $me ] && [ "$pid" = "$group" ] || continue
  kill -%s -"$group" 2>/dev/null
done
' </dev/null >/dev/null 2>&1"""


# Without /proc there is no start time to compare and no session to go by; descent has to do.
_TREE = """exec sh -c '
root=$1 began=$2 session=$3 signal=$4
each() {
  if [ -r /proc/self/stat ]; then
    for f in /proc/[0-9]*/stat; do
      read -r line < "$f" || continue
      pid=${f#/proc/} pid=${pid%%%%/stat}
      set -- ${line##*") "}
      echo "$pid:$2:$4:${20}"
    done 2>/dev/null
  else
    ps -A -o pid= -o ppid= | while read -r pid parent; do echo "$pid:$parent:0:"; done
  fi
}
scan() {
  all=`each` found=" "
  for entry in $all; do
    pid=${entry%%%%:*} rest=${entry#*:}
    rest=${rest#*:}
    [ "$pid" = "$root" ] || [ "${rest%%%%:*}" = "$session" ] || continue
    [ "$pid" != "$root" ] || [ "${rest#*:}" = "$began" ] || continue
    found="$found$pid "
  done
  more=1
  while [ $more = 1 ]; do
    more=0
    for entry in $all; do
      pid=${entry%%%%:*} rest=${entry#*:}
      case $found in
      *" $pid "*) ;;
      *" ${rest%%%%:*} "*) found="$found$pid " more=1 ;;
      esac
    done
  done
  for pid in $found; do kill -s $signal $pid; done 2>/dev/null
}
mine=0
if [ -r /proc/self/stat ]; then
  read -r line </proc/self/stat
  set -- ${line##*") "}
  mine=$4
fi
[ "$session" != "$mine" ] && [ "$session" != 0 ] || session=none
scan
[ $signal != KILL ] || scan
' opsrun %d "%s" %d %s </dev/null >/dev/null 2>&1"""


_VICTIM = re.compile(
    r"(?P<pid>[0-9]{1,10})(?: (?P<began>[0-9]{0,20}))?(?: (?P<session>[0-9]{0,10}))?\Z"
)


@dataclass(frozen=True, slots=True)
class Victim:
    """A process that told us who it is."""

    pid: int
    began: str = ""
    """Clock ticks from boot to its start, see proc(5); empty where there is no ``/proc``."""
    session: int = 0
    """Its session's id; 0 where it is not known."""

    @classmethod
    def parse(cls, text: str) -> Victim:
        """From ``PID BEGAN SESSION``, of which the last two may be missing.

        Raises:
            ValueError: it is something else.
        """
        found = _VICTIM.match(text)
        if found is None or int(found["pid"]) < 2:
            raise ValueError(text)
        return cls(int(found["pid"]), found["began"] or "", int(found["session"] or 0))


def kill_siblings(connection: Connection, signal: str, clock: Clock) -> None:
    """Send ``signal`` to the process groups of all other commands on this connection.

    Says nothing about whether it helped; the command's own channel does.
    """
    _finish(connection, _SCRIPT % signal, clock)


def kill_tree(connection: Connection, victim: Victim, signal: str, clock: Clock) -> None:
    """Send ``signal`` to a process, to all of its session and to all that descends from these.

    What left the session and lost its parent is not found. Says nothing about whether it helped.

    Args:
        connection: as whose user the signals are sent.
        victim: nothing happens to another process that got its number.
        signal: name without ``SIG``.
        clock: monotonic seconds.
    """
    _finish(connection, _TREE % (victim.pid, victim.began, victim.session, signal), clock)


def _finish(connection: Connection, script: str, clock: Clock) -> None:
    patience = Deadline("run", PATIENCE, clock)
    try:
        process = connection.start(script, Manner(patience=PATIENCE))
    except HostError:
        return
    try:
        while not patience.expired:
            if isinstance(process.receive(patience.remaining()), (Exited, Closed)):
                return
    except HostError:
        return
    finally:
        process.close()
