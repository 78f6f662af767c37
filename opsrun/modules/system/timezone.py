"""timezone: the zone of a host's clock, and which time its hardware clock keeps.

Where systemd runs, timedatectl(1) tells and sets both. Elsewhere the zone is what /etc/localtime
leads to, and its name also stands in /etc/timezone (Debian, Gentoo) or /etc/sysconfig/clock (older
systems of Red Hat's and SUSE's); the hardware clock's time is told by adjtime_config(5), and set by
hwclock(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import (
    Context,
    Diff,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
)
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.packages import missing
from opsrun.modules.requests import Run
from opsrun.modules.system.assigning import assigned, value_of
from opsrun.modules.system.rewriting import BESIDE, TELL, rewriting
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_ZONE = re.compile(r"(?!.*(?:^|/)\.\.?(?:/|\Z))[A-Za-z0-9][\w+./-]*\Z", re.ASCII)
_ZONES = "/usr/share/zoneinfo"
_NAMED = "/etc/timezone"
_CLOCK = "/etc/sysconfig/clock"
_RCS = "/etc/default/rcS"
_KEYS = ("TIMEZONE", "ZONE")
_SYSTEMS = ("Linux", "FreeBSD", "OpenBSD", "NetBSD", "DragonFly", "GNU/kFreeBSD")

_LOOK = r"""
PATH=$PATH:/usr/sbin:/sbin
say system "$(uname -s)"
if [ -d /run/systemd/system ] && command -v timedatectl >/dev/null; then
  if s=$(timedatectl show 2>/dev/null) || s=$(timedatectl status 2>&1); then
    say told "$s"
  else
    say why "$s"
  fi
fi
say ids "$(sed -n 's/^ID\(_LIKE\)\{0,1\}=//p' /etc/os-release 2>/dev/null | tr '"\n' '  ')"
if [ -h /etc/localtime ]; then
  say link "$(readlink /etc/localtime)"
elif [ -f /etc/localtime ]; then
  say copy y
fi
tell /etc/timezone
tell /etc/sysconfig/clock
tell /etc/default/rcS
say local "$(sed -n '3p' /etc/adjtime 2>/dev/null)"
command -v hwclock >/dev/null || say none y
"""
_FIND = r"""
z=ZONE
if [ -f "$z" ] && [ "$(head -c 4 "$z")" = TZif ]; then say zone y; fi
if [ -d /usr/share/zoneinfo ]; then say zones y; fi
if cmp -s "$z" /etc/localtime; then say same y; fi
"""
_LINK = r"""
beside /etc/localtime
ln -s -- ZONE "$t" || exit
if ! e=$(mv -f -- "$t" /etc/localtime 2>&1); then
  case $e in
    *busy*) ;;
    *) printf '%s\n' "$e" >&2; exit 1 ;;
  esac
  # A mount of its own, as in many a container.
  cat -- ZONE >/etc/localtime || exit
fi
"""


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    name = values.get("called")
    if isinstance(name, str) and "{{" not in name and not _ZONE.match(name):
        yield "name", f"{name!r} is no name of a time zone, as Europe/Berlin is one"


@dataclass(frozen=True, slots=True)
class TimezoneSeen:
    """What a host's clocks are set to."""

    systemd: bool
    name: str
    """Of the zone; ``n/a`` where it has none, or where its parts contradict each other."""
    hwclock: str
    files: Mapping[str, str]
    same: bool = False
    """Whether /etc/localtime already has the zone's content."""
    tool: bool = True
    """There is a hwclock(8)."""


@module("community.general.timezone", judged=_judged, one_of=[("name", "hwclock")])
class Timezone(StateModule[TimezoneSeen]):
    """Set the time zone. Services that run already (cron, for one) keep the old one."""

    called: str | None = option(name="name", doc="The zone: Europe/Berlin. None for as it is.")
    hwclock: str | None = option(
        choices=("local", "UTC"),
        aliases=("rtc",),
        doc="The time that the hardware clock keeps. None for as it is.",
    )

    def inspect(self, context: Context) -> Inspection[TimezoneSeen]:
        """What is set, and whether there is such a zone."""
        script = f"{LOOK}{TELL}{_LOOK}"
        if self.called is not None:
            script += _FIND.replace("ZONE", word(self._zone))
        return Inspection(script, self._seen)

    @property
    def _zone(self) -> str:
        return f"{_ZONES}/{self.called}"

    def _seen(self, answer: CommandResult) -> TimezoneSeen:
        answers = Answers(answer)
        if answers.text("system") not in _SYSTEMS:
            raise ModuleError(f"opsrun can't set the time zone of {answers.text('system')}")
        if answers.get("why"):
            raise ModuleError(answers.text("why"))
        if self.called is not None and not answers.get("zone"):
            known = answers.get("zones")
            words = f"there is no time zone {self.called} on this host"
            raise ModuleError(words if known else f"{words}: the package tzdata usually has them")
        files = dict(zip(answers.every("file"), answers.every("content"), strict=True))
        told = answers.get("told")
        if told is not None:
            return TimezoneSeen(True, *_told(told), files)
        hwclock = "local" if answers.text("local").strip() == "LOCAL" else "UTC"
        same = answers.get("copy") is not None and answers.get("same") is not None
        if same and self.called:
            linked = self.called
        else:
            _, found, linked = answers.text("link").rpartition("/zoneinfo/")
            linked = linked if found else ""
        family = {"debian", "ubuntu", "gentoo"} & set(answers.text("ids").split())
        name = _name(files, linked, bool(family), self.called)
        tool = answers.get("none") is None
        return TimezoneSeen(False, name, hwclock, files, same, tool)

    def plan(self, state: TimezoneSeen, context: Context) -> Plan:
        """Set what differs, and nothing else."""
        there = {"name": state.name, "hwclock": state.hwclock}
        wanted = {"name": self.called, "hwclock": self.hwclock}
        asked = [key for key, value in wanted.items() if value is not None]
        diff = Diff({key: there[key] for key in asked}, {key: wanted[key] for key in asked})
        steps = [key for key in asked if there[key] != wanted[key]]
        if not steps:
            return Plan(result=ModuleResult(diff=(diff,)))
        if "hwclock" in steps and not (state.systemd or state.tool):
            raise ModuleError(missing("hwclock"))
        lines = list(self._lines(state, steps))
        msg = ", ".join(f"{key}: {wanted[key]}" for key in steps)
        script = "".join(["PATH=$PATH:/usr/sbin:/sbin\n", *lines])
        return Plan(
            (Run(script),), ModuleResult(True, msg=None if context.check else msg, diff=(diff,))
        )

    def _lines(self, state: TimezoneSeen, steps: list[str]) -> Iterator[str]:
        if state.systemd:
            if "name" in steps:
                yield f"timedatectl set-timezone {word(self.called or '')} || exit\n"
            if "hwclock" in steps:
                local = "yes" if self.hwclock == "local" else "no"
                yield f"timedatectl set-local-rtc {local} || exit\n"
            return
        files = dict(self._files(state, steps))
        if files:
            yield rewriting(files)
        if "name" in steps and not state.same:
            yield BESIDE + _LINK.replace("ZONE", word(self._zone))
        if "hwclock" in steps:
            yield f"hwclock --systohc {'--localtime' if self.hwclock == 'local' else '--utc'}\n"

    def _files(
        self, state: TimezoneSeen, steps: list[str]
    ) -> Iterator[tuple[str, tuple[str, str]]]:
        clock = state.files.get(_CLOCK)
        named = state.files.get(_NAMED)
        if clock is not None:
            yield _CLOCK, (clock, self._clock(clock, steps))
        elif "name" in steps and (named is not None or state.name == _NONE):
            yield _NAMED, (named or "", f"{self.called}\n")
        rcs = state.files.get(_RCS)
        if "hwclock" in steps and rcs is not None:
            yield _RCS, (rcs, assigned(rcs, "UTC", "no" if self.hwclock == "local" else "yes"))

    def _clock(self, text: str, steps: list[str]) -> str:
        if "name" in steps:
            key = next((each for each in _KEYS if value_of(text, each) is not None), "ZONE")
            text = assigned(text, key, f'"{self.called}"')
        if "hwclock" in steps and value_of(text, "UTC") is not None:
            text = assigned(text, "UTC", "false" if self.hwclock == "local" else "true")
        return text


_NONE = "n/a"


def _told(text: str) -> tuple[str, str]:
    """What ``timedatectl show`` says, or ``timedatectl status`` where it is older than 239."""
    pairs = dict(each.strip().partition("=")[::2] for each in text.splitlines())
    if "Timezone" in pairs:
        return pairs["Timezone"], "local" if pairs.get("LocalRTC") == "yes" else "UTC"
    zone = re.search(r"^\s*Time ?zone: (\S+)", text, re.MULTILINE | re.IGNORECASE)
    local = re.search(r"^\s*RTC in local TZ: yes", text, re.MULTILINE)
    return zone[1] if zone else _NONE, "local" if local else "UTC"


def _name(files: Mapping[str, str], linked: str, named: bool, wanted: str | None) -> str:
    """The zone that all say; of what they say apart, the one that is not wanted."""
    said = [linked or _NONE]
    if _CLOCK in files:
        said += [value_of(files[_CLOCK], each) or _NONE for each in _KEYS][-1:]
        suse = value_of(files[_CLOCK], _KEYS[0])
        said[-1] = suse or said[-1]
    elif named or _NAMED in files:
        said.append(files.get(_NAMED, "").strip() or _NONE)
    return next((each for each in reversed(said) if each != wanted), said[-1])
