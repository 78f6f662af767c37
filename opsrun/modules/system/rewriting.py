"""Small files of a host's settings: told as they are, and put in their places again, whole."""

from __future__ import annotations

from opsrun.modules.wording import word

TELL = r"""
tell() {
  [ -f "$1" ] || return 0
  c=$(cat -- "$1" && echo x) || exit
  say file "$1"
  say content "${c%x}"
}
"""
"""``tell PATH`` says what is in a file, if there is one; wants `opsrun.modules.looking.LOOK`."""

BESIDE = r"""
beside() {
  # What somebody left who was killed; the number is the process's.
  for t in "${1%/*}/.${1##*/}".*.opsrun; do
    p=${t%.opsrun}
    p=${p##*.}
    case $p in
      *[!0-9]*) ;;
      *) kill -0 "$p" 2>/dev/null || rm -f -- "$t" ;;
    esac
  done
  t=${1%/*}/.${1##*/}.$$.opsrun
  trap 'rm -f -- "$t"' EXIT
  trap 'exit 143' HUP INT TERM
}
"""
"""``beside PATH`` sets ``t``: a name in the same directory, whose file is gone with the script."""

_REWRITE = r"""
rewrite() {
  f=$1
  if [ -h "$f" ]; then f=$(readlink -f -- "$f") || exit; fi
  c=
  if [ -e "$f" ]; then c=$(cat -- "$f" && echo x) || exit; fi
  if [ "${c%x}" != "$2" ]; then
    printf '%s\n' "$f has changed since it was read: nothing was written" >&2
    exit 1
  fi
  beside "$f"
  if [ -e "$f" ]; then cp -p -- "$f" "$t" || exit; else (umask 022 && : >"$t") || exit; fi
  # A shell's own words on what it can't write are none: cat(1) says why.
  printf '%s' "$3" | cat >"$t" || exit
  if ! e=$(mv -f -- "$t" "$f" 2>&1); then
    case $e in
      *busy*) ;;
      *) printf '%s\n' "$e" >&2; exit 1 ;;
    esac
    # A mount of its own, as a container's /etc/hostname is.
    printf '%s' "$3" | cat >"$f" || {
      printf '%s' "$2" >"$f"
      exit 1
    }
  fi
}
"""


def rewriting(files: dict[str, tuple[str, str]]) -> str:
    """A script that writes files, by path: what is in them (nothing where there is none), and what
    shall be."""
    lines = "".join(
        f"mkdir -p -- {word(path.rpartition('/')[0] or '/')} || exit\n"
        f"rewrite {word(path)} {word(old)} {word(new)}\n"
        for path, (old, new) in sorted(files.items())
    )
    return f"{BESIDE}{_REWRITE}umask 022\n{lines}" if files else ""
