"""Units of systemd: what systemctl(1) tells of one, and what brings it into a state.

A unit that does not come up is told with the last lines of its journal; see systemctl(1) and
journalctl(1), systemd.unit(5) for the states of units, and sd_booted(3) for hosts that systemctl is
on and systemd is not in charge of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.modules.base import ModuleError, ModuleResult, Plan
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.requests import Run
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_SYSTEMCTL = r"""
LC_ALL=C
export LC_ALL
if [ -z "${XDG_RUNTIME_DIR-}" ] && [ -d "/run/user/$(id -u)" ]; then
  XDG_RUNTIME_DIR=/run/user/$(id -u)
  export XDG_RUNTIME_DIR
fi
sc() { systemctl --no-pager "--$scope" "$@" </dev/null; }
if ! command -v systemctl >/dev/null 2>&1; then
  echo "there is no systemctl on this host" >&2
  exit 127
fi
"""
"""Wants ``scope``."""

_UNIT = r"""
if [ "$scope" != global ]; then
  if o=$(sc show -- "$u" 2>/dev/null); then
    say show "$o"
    case $o in
      *LoadState=not-found*)
        say units "$(sc list-unit-files --no-legend --plain 2>/dev/null | cut -d ' ' -f 1)"
        ;;
    esac
  else
    say why "$(sc show -- "$u" 2>&1 >/dev/null)"
    say units "$(ls /etc/systemd/system /usr/lib/systemd/system /lib/systemd/system 2>/dev/null)"
  fi
fi
say enabled "$(sc is-enabled -l -- "$u" 2>/dev/null)"
"""
"""Tells of the unit ``u``. Of an indirect one, `-l` also lists what enabled it."""

_ACT = r"""
tell_why() {
  say props "$(sc show -p ActiveState -p SubState -p Result -p InvocationID -- "$u" 2>/dev/null)"
  journalctl --sync >/dev/null 2>&1
  i=$(sc show -p InvocationID -- "$u" 2>/dev/null)
  i=${i#*=}
  case $scope in user) o=--user ;; *) o=--system ;; esac
  j=
  if [ -n "$i" ]; then
    j=$(journalctl "$o" --no-pager -q -o cat -n 12 "_SYSTEMD_INVOCATION_ID=$i" + \
      "INVOCATION_ID=$i" + "USER_INVOCATION_ID=$i" 2>/dev/null)
  fi
  [ -n "$j" ] || j=$(journalctl "$o" --no-pager -q -o cat -n 12 -u "$u" 2>/dev/null)
  say journal "$j"
}
act() {
  e=$(sc "$@" 2>&1) && {
    say "did $1" "$e"
    return
  }
  say rc "$?" failed "$1" words "$e"
  case $1 in start | stop | restart | reload) tell_why ;; esac
  exit 0
}
is_up() {
  s=$(sc show -p ActiveState -p SubState -- "$u" 2>/dev/null)
  case $s in
    *ActiveState=failed* | *SubState=auto-restart*)
      say rc 1 failed start words "it was started, and ended at once"
      tell_why
      exit 0
      ;;
  esac
}
"""
"""``act VERB ...`` has systemctl do something, and ends the script where it did not."""

_PROPERTY = re.compile(r"([A-Za-z][A-Za-z0-9]*)=(.*)", re.DOTALL)
_NOT_BOOTED = ("not been booted with systemd", "Running in chroot", "Host is down")
_NO_BUS = ("Failed to connect to bus", "Failed to connect to user scope bus")
_RUNNING = ("active", "activating", "reloading")
_OFF = ("", "disabled", "masked", "masked-runtime", "linked", "linked-runtime", "bad")
_NOT_ON = ("indirect", "alias")
"""As the only line: nothing of what they stand for is enabled."""
_FIXED = ("static", "transient")
"""Kinds of units that can be neither enabled nor disabled."""
_WILD = re.compile(r"[*?\[]")
_DONE = {"reloaded": "started", "restarted": "started"}


@dataclass(frozen=True, slots=True)
class UnitWish:
    """What is wanted of a unit."""

    name: str
    state: str | None = None
    enabled: bool | None = None
    masked: bool | None = None
    scope: str = "system"
    force: bool = False
    no_block: bool = False

    def head(self) -> str:
        """Begins each script about it."""
        return f"{LOOK}scope={self.scope}\nu={word(self.name)}\n{_SYSTEMCTL}"

    def checked(self) -> UnitWish:
        """Itself. ModuleError: that can't be had of any unit."""
        if _WILD.search(self.name):
            raise ModuleError(f"name: {self.name!r}: one unit, patterns can't be had")
        if self.name.startswith("-") or not self.name.strip():
            raise ModuleError(f"name: {self.name!r} is no name of a unit")
        if self.scope == "global" and self.state is not None:
            raise ModuleError("scope: global has no units that run: state needs system or user")
        return self


@dataclass(frozen=True, slots=True)
class UnitSeen:
    """A unit of the host."""

    status: Mapping[str, str]
    """Its properties; empty where only its file is known."""
    enabled: str
    """As is-enabled has it; empty where there is no such unit."""
    offline: str = ""
    """systemctl's words, where systemd is not in charge of the host."""
    near: str = ""
    """A hint at units of a similar name."""

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        if self.status:
            return self.status.get("LoadState") != "not-found"
        return bool(self.enabled)

    @property
    def masked(self) -> bool:
        """Whether it can't be started at all."""
        return self.enabled.startswith("masked") or self.status.get("LoadState") == "masked"

    @property
    def on(self) -> bool:
        """Whether it is taken for enabled."""
        return self.kind not in _OFF and self.enabled not in _NOT_ON

    @property
    def kind(self) -> str:
        """The first line of that."""
        return self.enabled.partition("\n")[0]


def reload_script(scope: str, *, reload: bool, reexec: bool) -> str:
    """Has systemd read its files again, or begin anew."""
    verbs = [("daemon-reload", reload), ("daemon-reexec", reexec)]
    lines = "".join(f"sc {verb} || exit\n" for verb, wanted in verbs if wanted)
    return f"scope={scope}\n{_SYSTEMCTL}{lines}"


def look_script(wish: UnitWish) -> str:
    """Tells of a unit, for `seen`."""
    return f"{wish.head()}{_UNIT}"


def seen(answers: Answers, wish: UnitWish) -> UnitSeen:
    """What that script told.

    Raises:
        ModuleError: systemd can't be asked.
    """
    why = answers.text("why")
    if why and not any(each in why for each in _NOT_BOOTED):
        hint = ""
        if wish.scope == "user" and any(each in why for each in _NO_BUS):
            hint = (
                " (a user has an instance of systemd while logged in, or with loginctl(1)'s "
                "enable-linger; XDG_RUNTIME_DIR says where)"
            )
        raise ModuleError(f"{why.strip()}{hint}", rc=1)
    units = answers.text("units").split()
    known = units if "." in wish.name else [each.removesuffix(".service") for each in units]
    near = did_you_mean(wish.name, known) if units else ""
    return UnitSeen(properties(answers.text("show")), answers.text("enabled").strip(), why, near)


def properties(text: str) -> dict[str, str]:
    """What ``systemctl show`` prints; a value in braces may have several lines."""
    found: dict[str, str] = {}
    open_: str | None = None
    for line in text.splitlines():
        if open_ is not None:
            found[open_] += f"\n{line}"
            open_ = None if line.rstrip().endswith("}") else open_
            continue
        match = _PROPERTY.match(line)
        if match is not None:
            name, value = match[1], match[2]
            found[name] = value.strip()
            if value.startswith("{") and not value.rstrip().endswith("}"):
                open_ = name
    return found


def plan(seen: UnitSeen, wish: UnitWish) -> Plan:
    """What has to change."""
    _possible(seen, wish)
    data: dict[str, Any] = {"name": wish.name, "status": dict(seen.status)}
    if wish.enabled is not None:
        data["enabled"] = wish.enabled
    if wish.state is not None:
        data["state"] = _DONE.get(wish.state, wish.state)
    acts = list(_acts(seen, wish))
    result = ModuleResult(bool(acts), data=data, warnings=tuple(_warnings(seen, wish)))
    if not acts:
        return Plan(result=result)
    return Plan((Run(f"{wish.head()}{_ACT}{''.join(acts)}", environment=True),), result)


def _possible(seen: UnitSeen, wish: UnitWish) -> None:
    if not seen.exists and (wish.masked is None or (wish.state, wish.enabled) != (None, None)):
        raise ModuleError(f"Could not find the requested service {wish.name}: host{seen.near}")
    if seen.offline and wish.state is not None:
        raise ModuleError(
            f"{seen.offline.strip()} (systemd is not in charge of this host, as in most containers:"
            " its units can be enabled and masked, and none can be started or stopped)",
            rc=1,
        )
    if seen.status.get("LoadState") in ("error", "bad-setting"):
        told = seen.status.get("LoadError", "").strip()
        raise ModuleError(
            f"Error loading unit file '{wish.name}': {told or seen.status['LoadState']} "
            f"(systemd-analyze verify {seen.status.get('FragmentPath') or wish.name} tells more)"
        )


def _warnings(seen: UnitSeen, wish: UnitWish) -> Iterator[str]:
    if wish.enabled and seen.kind == "static":
        yield (
            f"{wish.name} is static: it has no [Install] section, so it is started when something "
            "else asks for it, and enabling it does nothing"
        )


def _acts(seen: UnitSeen, wish: UnitWish) -> Iterator[str]:
    if wish.masked is False and seen.masked:
        yield 'act unmask -- "$u"\n'
    if wish.enabled is True and not seen.on:
        yield f'act enable {"--force " if wish.force else ""}-- "$u"\n'
    if wish.enabled is False and seen.on and seen.kind not in _FIXED:
        yield 'act disable -- "$u"\n'
    if wish.masked is True and not seen.masked:
        yield f'act mask {"--force " if wish.force else ""}-- "$u"\n'
    verb = _verb(seen, wish.state)
    if verb is not None:
        yield f'act {verb} {"--no-block " if wish.no_block else ""}-- "$u"\n'
        if verb in ("start", "restart") and not wish.no_block:
            yield "is_up\n"


def _verb(seen: UnitSeen, state: str | None) -> str | None:
    active = seen.status.get("ActiveState", "")
    running = active in _RUNNING
    if state == "started":
        return None if running else "start"
    if state == "stopped":
        return "stop" if running or active == "deactivating" else None
    if state == "reloaded":
        return "reload" if running else "start"
    return "restart" if state == "restarted" else None


def concluded(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    """What the changes came to.

    Raises:
        ModuleError: one of them failed: systemctl's words, and the last lines of the journal.
    """
    answers = Answers(answer)
    failed = answers.get("failed")
    if failed is None:
        return result
    name = result.data["name"]
    words = answers.text("words").strip()
    props = properties(answers.text("props"))
    told = f"Unable to {failed} service {name}: {words}"
    if failed in ("mask", "unmask"):
        told = f"Failed to {failed} the service ({name}): {words}"
    if props.get("Result") not in (None, "", "success"):
        told += f"\nIt is {props.get('ActiveState')} ({props['Result']})."
    journal = answers.text("journal").strip()
    if journal:
        told += f"\nThe last lines of its journal:\n{journal}"
    raise ModuleError(told, rc=answers.number("rc") or 1, status=result.data.get("status", {}))
