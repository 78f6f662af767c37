"""The shell text around a user's own command: marks, times, the end; read by `outcome`."""

from __future__ import annotations

from opsrun.remote.phrases import phrase

# The inner subshell is there so that its parent, and not the command, says of a signal that it
# came: that is the only way in which a shell tells one from an exit status past 128. In a
# substitution, which takes a process less, bash says nothing.
AROUND = phrase("""\
IFS=
tell() { printf '%s\\n' "$mark $1"; }
any() { for f; do if [ -e "$f" ] || [ -h "$f" ]; then return 0; fi; done; return 1; }
ran() { { (exec "$@" >&3 2>&4 3>&- 4>&-); echo "rc $?"; } 2>&1; }
told() {
  s=${1##*rc }
  case $1 in "rc $s") n=n ;; *) n=y ;; esac
  printf '\\n%s\\n' "$mark end $n $s $(date '+%Y-%m-%d %H:%M:%S.%N')"
  exit "$s"
}
run() {
  tell "start $(date '+%Y-%m-%d %H:%M:%S.%N')"
  exec 3>&1 4>&2
  if [ -z "${BASH_VERSION-}" ]; then told "$(ran "$@")"; fi
  ran "$@" | {
    n=
    while IFS= read -r l; do n=$n$l; done
    told "$n" >&3
  }
}
""")
"""Wants ``mark``. ``run PROGRAM ARGUMENT...`` runs one, ``tell CODE`` says why none is run."""

FIND = phrase("""\
found() {
  case $1 in
    */*) set -- "$1" "$1" ;;
    *)
      IFS=:
      # shellcheck disable=SC2086 # its parts are meant
      for d in $PATH; do
        if [ -f "${d:-.}/$1" ] && [ -x "${d:-.}/$1" ]; then return 0; fi
      done
      IFS=
      set -- "$1" ""
      ;;
  esac
  if [ -z "$2" ] || [ ! -e "$2" ]; then tell "missing"; exit 0; fi
  if [ -d "$2" ] || [ ! -x "$2" ]; then tell "denied"; exit 0; fi
}
""")
"""Wants ``tell``. ``found PROGRAM`` looks for it as execvp(3) does: a shell would take a builtin of
its own. It ends the script where there is none."""

NO_PROGRAM = {"missing": (2, "No such file or directory"), "denied": (13, "Permission denied")}
"""Errno and words of what ``found`` says."""
