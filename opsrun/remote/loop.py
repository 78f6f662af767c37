"""The shell program at the far end of a session: reads frames, runs them, marks their ends.

What it stands on, tried with dash, bash, busybox ash and mksh:

- ``read`` takes a pipe byte by byte, and so never a byte of what follows the line.
- A program costs more than reading some hundred bytes so: short scripts are read line by line, and
  what many scripts begin with is said once (`opsrun.remote.phrases`). Only what is longer, or no
  plain text, is taken by a program.
- GNU ``head -c`` takes exactly as many bytes as it was told to. busybox's does not: it reads 1 KiB
  and more ahead, and what it read is gone. So the loop tries it out before it needs it; where it
  reads ahead, ``dd iflag=fullblock`` takes its place, and without that ``dd bs=1``, which is slow
  and exact. Of much, ``dd`` takes the bulk in any case, if it can: in larger pieces, for a third of
  the processor time.
- mksh has no ``printf`` of its own, so everything is said with ``echo``: hexadecimal digits and
  numbers, which no ``echo`` changes.
- Every frame has a tag of its own (`Manner.tag`), its name: what an earlier one left behind on
  purpose is not ended along with a later one.
- What runs apart has its output in two files, whose names are halves of its tag: who sees one of
  them can't know the other. ``/proc`` tells of a nameless file whether it is empty.
- A redirection that fails ends a special builtin's whole shell, but only skips a ``{ }`` group.
"""

from __future__ import annotations

import shlex

from opsrun.remote.connection import TAG
from opsrun.remote.phrases import compact

GARBLED = 70
"""Exit status of a loop that read no frame where one had to be."""

NOT_TAKEN = 71
"""Exit status of a script, and so of the loop, that could not take the bytes it was sent: what is
still on its way can't be told from the next frame."""

NOT_RUN = "!"
"""In place of an exit status: there was nowhere to put the output, and the script did not run."""

LOOP = compact("""\
_ou=
_ome=
_ous=
_ol=
{ read -r _ol </proc/self/stat; } 2>/dev/null
set -- "$1" ${_ol##*)}
{ while [ -z "$_ous" ] && read -r _ok _oz _on _od; do
  case $_ok in Umask:) _ou=$_oz ;; Uid:) _ome=${_on%%[!0-9]*} ;; Gid:) _ous=${_on%%[!0-9]*} ;; esac
done </proc/self/status; } 2>/dev/null
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
LC_ALL=C
export PATH LC_ALL LC_OPSRUN_TAG
[ -n "$_ou" ] || _ou=`umask`
[ -n "$_ome" ] || _ome=`id -u`
[ -n "$_ous" ] || _ous=`id -g`
_oh=
_oprobe() {
  _oh=n
  case `echo ab | { head -c 1 2>/dev/null; echo -; read -r _ol; echo "$_ol"; }` in
  a-*b) _oh=y
    _otake() { if [ "$1" -lt 262144 ]; then head -c "$1"; else _omuch "$1"; fi; }
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
}
_otake() {
  _oprobe
  _otake "$1"
}
_orun() {
  if [ "$_on" = - ]; then ( eval "$_os
" ) </dev/null
  elif [ $_oh = y ] && [ "$_on" -lt 262144 ]; then head -c "$_on" | ( _ofed )
  else _otake "$_on" | ( _ofed )
  fi
}
_ofed() {
  ( eval "$_os
" )
  _ox=$?
  ! read -r _ol || cat >/dev/null
  exit $_ox
}
_oend() { IFS=' ' read -r _oq _om && [ "$_oq" = . ] || exit 70; }
_ocat() { [ -f /proc/self/fd/$1 ] && [ ! -s /proc/self/fd/$1 ] || cat <&$1; }
echo "$1 $$ ${21-} ${5-}"
echo "$1 -" >&2
shift $#
while IFS=' ' read -r _ok _oz _on _od; do
  LC_OPSRUN_TAG=$_od
  case $_oz/$_on in
  *l/-) ;;
  *) [ -n "$_oh" ] || _oprobe ;;
  esac
  case $_oz in
  *l) _os=
    _oz=${_oz%l}
    while [ "$_oz" -gt 0 ]; do
      IFS= read -r _ol || exit 70
      _os="$_os$_ol
"
      _oz=$(($_oz - 1))
    done ;;
  *) if [ $_oh = y ]; then _os=`head -c "$_oz"`; else _os=`_otake "$_oz"`; fi ;;
  esac
  _om=
  if [ "$_ok" = r ]; then
    _orun
    _ox=$?
    _oend
  elif [ "$_ok" = d ]; then
    eval "_o$_od=\\$_os"
    continue
  elif [ "$_ok" = t ]; then
    ( eval "$_os
" )
    _ox=$?
    [ $_ox != 71 ] || exit 71
    _oend
  else
    umask 077
    _ol=${TMPDIR:-/tmp}/opsrun-
    _oo=$_ol${_od%????????????????}
    _oe=$_ol${_od#????????????????}
    {
      rm -f "$_oo" "$_oe"
      umask "$_ou"
      _orun >&4 2>&6 3<&- 4>&- 5<&- 6>&-
      _ox=$?
      _oend
      _ocat 3
      _ocat 5 >&2
    } 4>"$_oo" 3<"$_oo" 6>"$_oe" 5<"$_oe"
    umask "$_ou"
    if [ -z "$_om" ]; then
      _ox=!
      rm -f "$_oo" "$_oe"
      [ "$_on" = - ] || _otake "$_on" >/dev/null
      _oend
    fi
  fi
  echo "$_om $_ox"
  echo "$_om $_ox" >&2
done
""")


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
