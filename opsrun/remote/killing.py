"""Ends what a command started, over a second channel of the same connection.

A signal over the channel itself (RFC 4254 section 6.9) is honoured by few: OpenSSH refuses it for
root and for forced commands. But every channel's shell is a child of the same server process, and
leads a process group of its own: so another shell on the same connection finds its siblings.
"""

from __future__ import annotations

from opsrun.errors import HostError
from opsrun.remote.connection import Closed, Connection, Exited
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


def kill_siblings(connection: Connection, signal: str, clock: Clock) -> None:
    """Send ``signal`` to the process groups of all other commands on this connection.

    Says nothing about whether it helped; the command's own channel does.
    """
    patience = Deadline("run", PATIENCE, clock)
    try:
        process = connection.start(_SCRIPT % signal)
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
