"""Service managers beside systemd: what each is asked, in its own words.

Scripts below ``/etc/init.d`` as the Linux Standard Base has them (with update-rc.d(8) or
chkconfig(8)), OpenRC (rc-service(8), rc-update(8)), and by their documentation alone FreeBSD
(service(8)) and OpenBSD (rcctl(8)).
"""

from __future__ import annotations

from dataclasses import dataclass

from opsrun.modules.wording import word

FIND = r"""
s=
for d in /etc/init.d /etc/rc.d/init.d /etc/rc.d /usr/local/etc/rc.d; do
  if [ -z "$s" ] && [ -f "$d/$n" ]; then s=$d/$n; fi
done
if [ -z "$m" ]; then
  if [ -d /run/systemd/system ]; then m=systemd
  else
    case $(uname) in
      FreeBSD | DragonFly) m=freebsd ;;
      OpenBSD) m=openbsd ;;
      *)
        m=sysv
        if command -v rc-service >/dev/null 2>&1; then
          if [ -d /run/openrc ] || [ -z "$s" ]; then m=openrc; fi
          if [ -n "$s" ]; then case $(head -n 1 "$s") in *openrc-run*) m=openrc ;; esac; fi
        fi
        if [ $m = sysv ] && [ -z "$s" ] && command -v systemctl >/dev/null 2>&1; then m=systemd; fi
        ;;
    esac
  fi
fi
"""
"""Wants the service ``n`` and the manager ``m``, or nothing; leaves its script in ``s``."""

CALL = r"""
ask() {
  case $m in
    sysv) "$s" "$@" ;;
    openrc) rc-service -- "$n" "$@" ;;
    freebsd) v=$1 && shift && service "$n" "one$v" "$@" ;;
    openbsd) v=$1 && shift && case $v in
      status) rcctl check "$n" ;;
      *) rcctl "$v" "$n" ;;
    esac ;;
  esac </dev/null
}
is_enabled() {
  case $m in
    sysv)
      for l in /etc/rc[2345].d/S[0-9][0-9]"$n" /etc/rc.d/rc[2345].d/S[0-9][0-9]"$n"; do
        if [ -h "$l" ] || [ -e "$l" ]; then return 0; fi
      done
      return 1
      ;;
    openrc) [ -h "/etc/runlevels/$runlevel/$n" ] ;;
    freebsd) service "$n" enabled ;;
    openbsd) rcctl get "$n" status >/dev/null ;;
  esac
}
"""
"""``ask VERB ARGUMENT...`` and ``is_enabled``; wants ``runlevel``."""

LOOK_AT = r"""
say manager "$m" script "$s"
case $m in
  sysv) [ -n "$s" ] && there=y || there='' ;;
  openrc) rc-service --exists -- "$n" >/dev/null 2>&1 && there=y || there='' ;;
  freebsd) [ -n "$s" ] && there=y || there='' ;;
  openbsd) rcctl get "$n" >/dev/null 2>&1 && there=y || there='' ;;
esac
if [ -n "$there" ]; then
  say there y
  is_enabled >/dev/null 2>&1 && say enabled y
  # shellcheck disable=SC2086 # they are words
  if [ -n "$pattern" ]; then
    say ps "$(ps -A -o args 2>/dev/null || ps -o args 2>/dev/null || ps ax)"
  else
    o=$(cd / && ask status $arguments 2>&1)
    say rc "$?" status "$o"
  fi
else
  say names "$(ls /etc/init.d /etc/rc.d/init.d /etc/rc.d /usr/local/etc/rc.d 2>/dev/null)"
fi
"""
"""Wants ``pattern`` (empty for none) and ``arguments``."""

DO = r"""
t=$(mktemp) || exit
trap 'rm -f -- "$t"' EXIT
umask 022
cd / || exit
ran() {
  w=$1
  shift
  "$@" >"$t" 2>&1 </dev/null && return
  say rc "$?" failed "$w" words "$(cat "$t")"
  exit 0
}
linked() { ls /etc/rc?.d/[SK][0-9][0-9]"$n" >/dev/null 2>&1; }
turn() {
  case $m in
    openrc)
      case $1 in on) v=add ;; *) v=delete ;; esac
      ran "$1" rc-update "$v" "$n" "$runlevel"
      ;;
    freebsd)
      case $1 in on) v=enable ;; *) v=disable ;; esac
      ran "$1" service "$n" "$v"
      ;;
    openbsd)
      case $1 in on) v=enable ;; *) v=disable ;; esac
      ran "$1" rcctl "$v" "$n"
      ;;
    *)
      if command -v update-rc.d >/dev/null 2>&1; then
        linked || ran "$1" update-rc.d "$n" defaults
        case $1 in on) v=enable ;; *) v=disable ;; esac
        ran "$1" update-rc.d "$n" "$v"
      elif command -v chkconfig >/dev/null 2>&1; then
        ran "$1" chkconfig --add "$n"
        ran "$1" chkconfig "$n" "$1"
      else
        say rc 127 failed "$1" words "there is neither update-rc.d nor chkconfig on this host"
        exit 0
      fi
      ;;
  esac
}
stays_up() {
  for i in 1 2 3; do
    o=$(ask status "$@" 2>&1)
    r=$?
    case $r in 1 | 2 | 3 | 32) ;; *) return ;; esac
    [ $i = 3 ] || sleep 1
  done
  say rc "$r" failed start words "it was started, and does not run: $o $(cat "$t")"
  exit 0
}
"""
"""``ran WHAT PROGRAM ARGUMENT...`` ends the script where that fails; ``turn on`` and ``turn off``;
``stays_up``."""

MANAGERS = {
    "auto": "",
    "service": "",
    "systemd": "systemd",
    "systemd_service": "systemd",
    "sysvinit": "sysv",
    "openrc": "openrc",
    "bsd": "",
}
"""What ``use`` may say, and which manager that is; empty for whichever there is."""


@dataclass(frozen=True, slots=True)
class ScriptSeen:
    """A service of such a manager."""

    manager: str
    there: bool
    enabled: bool = False
    running: bool | None = None
    """None where its script does not tell."""
    names: tuple[str, ...] = ()
    """Other services, where there is none of that name."""


def head(name: str, manager: str, runlevel: str, arguments: str, pattern: str | None) -> str:
    """Begins each script about a service.

    Args:
        arguments: words for its script; split, and none of them a pattern.
    """
    return (
        f"n={word(name)} m={word(manager)} runlevel={word(runlevel)}\n"
        f"arguments={word(arguments)} pattern={word(pattern or '')}\n{FIND}"
    )


def is_running(rc: int | None, words: str) -> bool | None:
    """What a status action said: by its exit status (LSB 5.0, 22.2), or else by its words."""
    if rc == 0:
        return True
    if rc in (1, 2, 3, 32):
        return False
    low = words.lower()
    if any(each in low for each in ("not running", "stopped", "inactive", "dead", "not started")):
        return False
    return True if "running" in low or "started" in low else None
