"""The shell program at the far end of a session: reads frames, runs them, marks their ends.

What it stands on, tried with dash, bash, busybox ash and mksh:

- ``read`` takes a pipe byte by byte, and so never a byte of what follows the line.
- GNU ``head -c`` takes exactly as many bytes as it was told to. busybox's does not: it reads 1 KiB
  and more ahead, and what it read is gone. So the loop tries it out first; where it reads ahead,
  ``dd iflag=fullblock`` takes its place, and without that ``dd bs=1``, which is slow and exact. Of
  much, ``dd`` takes the bulk in any case, if it can: in larger pieces, for a third of the processor
  time.
- mksh has no ``printf`` of its own, so everything is said with ``echo``: hexadecimal digits and
  numbers, which no ``echo`` changes.
- Every frame has a tag of its own (`Manner.tag`), its name: what an earlier one left behind on
  purpose is not ended along with a later one.
- A redirection that fails ends a special builtin's whole shell, but only skips a ``{ }`` group.
"""

from __future__ import annotations

import shlex

from opsrun.remote.connection import TAG

GARBLED = 70
"""Exit status of a loop that read no frame where one had to be."""

NOT_TAKEN = 71
"""Exit status of a script, and so of the loop, that could not take the bytes it was sent: what is
still on its way can't be told from the next frame."""

NOT_RUN = "!"
"""In place of an exit status: there was nowhere to put the output, and the script did not run."""

LOOP = """\
_ou=`umask`
_ome=`id -u`
_ous=`id -g`
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL LC_OPSRUN_TAG
case `echo ab | { head -c 1 2>/dev/null; echo -; cat; }` in
a-*b) _otake() {
    if [ "$1" -lt 262144 ]; then head -c "$1"; else _omuch "$1"; fi
  }
  _omuch() {
    case `echo ab | { dd bs=1 count=1 iflag=fullblock 2>/dev/null; echo -; cat; }` in
    a-*b) _omuch() {
        dd bs=131072 count=$(($1 / 131072)) iflag=fullblock 2>/dev/null || return
        head -c $(($1 % 131072))
      } ;;
    *) _omuch() { head -c "$1"; } ;;
    esac
    _omuch "$1"
  } ;;
*) case `echo ab | { dd bs=1 count=1 iflag=fullblock 2>/dev/null; echo -; cat; }` in
  a-*b) _otake() {
      [ "$1" -lt 65536 ] ||
        dd bs=65536 count=$(($1 / 65536)) iflag=fullblock 2>/dev/null || return
      [ $(($1 % 65536)) = 0 ] || dd bs=$(($1 % 65536)) count=1 iflag=fullblock 2>/dev/null
    } ;;
  *) _otake() { dd bs=1 count="$1" 2>/dev/null; } ;;
  esac ;;
esac
_orun() {
  if [ "$_on" = - ]; then ( eval "$_os
" ) </dev/null
  else _otake "$_on" | ( ( eval "$_os
" ); _ox=$?; cat >/dev/null; exit $_ox )
  fi
}
_oend() { IFS=' ' read -r _oq _om && [ "$_oq" = . ] || exit 70; }
_ol=
{ read -r _ol </proc/self/stat; } 2>/dev/null
set -- "$1" ${_ol##*)}
echo "$1 $$ ${21-} ${5-}"
echo "$1 -" >&2
shift $#
while IFS=' ' read -r _ok _oz _on _od; do
  LC_OPSRUN_TAG=$_od
  _os=`_otake "$_oz"`
  _om=
  if [ "$_ok" = r ]; then
    _orun
    _ox=$?
    _oend
  elif [ "$_ok" = t ]; then
    ( eval "$_os
" )
    _ox=$?
    [ $_ox != 71 ] || exit 71
    _oend
  else
    umask 077
    _od=${TMPDIR:-/tmp}/opsrun-$_od
    mkdir "$_od" && {
      rm -rf "$_od"
      umask "$_ou"
      _orun >&4 2>&6 3<&- 4>&- 5<&- 6>&-
      _ox=$?
      _oend
      cat <&3
      cat <&5 >&2
    } 4>"$_od/o" 3<"$_od/o" 6>"$_od/e" 5<"$_od/e"
    umask "$_ou"
    if [ -z "$_om" ]; then
      _ox=!
      rm -rf "$_od"
      [ "$_on" = - ] || _otake "$_on" >/dev/null
      _oend
    fi
  fi
  echo "$_om $_ox"
  echo "$_om $_ox" >&2
done
"""


def start_script(mark: str, shell: str = "sh", tag: str = "") -> str:
    """What the host's shell is to run for a session.

    The loop greets with ``mark`` on both streams; behind it, on stdout, stand its process id, its
    start in clock ticks since boot and its session (see `Victim`; empty without ``/proc``).

    Args:
        mark: see `opsrun.remote.framing.new_mark`.
        shell: the words of a POSIX shell.
        tag: the loop's own, also where no other way leads into its environment.
    """
    env = f"env {TAG}={tag} " if tag else ""
    return f"exec {env}{shell} -c {shlex.quote(LOOP)} opsrun {mark}"
