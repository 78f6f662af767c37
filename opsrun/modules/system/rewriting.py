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
  t=$f.$$.opsrun
  if [ -e "$f" ]; then cp -p -- "$f" "$t" || exit; else (umask 022 && : >"$t") || exit; fi
  if ! printf '%s' "$3" >"$t"; then
    rm -f -- "$t"
    exit 1
  fi
  if ! e=$(mv -f -- "$t" "$f" 2>&1); then
    rm -f -- "$t"
    case $e in
      *busy*) ;;
      *) printf '%s\n' "$e" >&2; exit 1 ;;
    esac
    # A mount of its own, as a container's /etc/hostname is.
    printf '%s' "$3" >"$f" || {
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
    return f"{_REWRITE}umask 022\n{lines}" if files else ""
