"""The scripts that ask firewalld's programs, and have them change something."""

from __future__ import annotations

ASK = r"""
tool='' f=''
has firewall-cmd || lack firewall-cmd
zone() {
  if [ -n "$zone" ]; then set -- "$@" "--zone=$zone"; fi
  "$@" 2>&1
}
asked() {
  k=$1
  shift
  e=$(zone "$@")
  r=$?
  # 36 is for all that can go wrong with D-Bus: also that there is none.
  case "$r $e" in
    36*'o such file'*|36*'onnection refused'*) r=252 ;;
  esac
  say "$k.rc" "$r" "$k.words" "$e"
  # shellcheck disable=SC2086 # an option, or none
  if [ "$r" = 112 ]; then say "$k.zones" "$("$tool" $f --get-zones 2>/dev/null)"; fi
}
more() {
  k=$1
  shift
  # Other questions take no zone.
  if [ "$1" = --list-ports ] && [ -n "$zone" ]; then set -- "$@" "--zone=$zone"; fi
  # shellcheck disable=SC2086 # an option, or none
  say "$k" "$("$tool" $f "$@" 2>&1)"
}
"""
"""``asked KEY COMMAND…`` says its status and words; ``more KEY WORDS…`` what else there is to say
where the answer was no."""

PERMANENT = """\
tool=firewall-cmd f=--permanent
asked permanent "$tool" $f {query}
if [ "$r" = 252 ]; then
  tool=firewall-offline-cmd f=
  has "$tool" || lack "$tool"
  asked permanent "$tool" {query}
fi
say tool "$tool"
{more}"""
RUNTIME = """\
tool=${{tool:-firewall-cmd}} f=
if [ "$tool" = firewall-cmd ]; then
  asked runtime "$tool" {query}
  say tool "$tool"
  {more}else
  say runtime.rc 252
fi
"""
DID = r"""
# Of the files that firewall-offline-cmd makes.
umask 022
did() {
  e=$("$@" 2>&1) || {
    r=$?
    printf '%s\n' "$e$changed" >&2
    exit "$r"
  }
  changed=" (what is in effect now is changed already)"
}
"""


def shown(key: str, more: str) -> str:
    """The line that asks the further question of a side, where the answer was no; or none."""
    return f'if [ "$r" = 1 ]; then more {key}.more {more}; fi\n' if more else ""
