"""firewalld: what its zones let through, by firewall-cmd(1); firewall-offline-cmd(1) without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.modules.base import (
    Context,
    Diff,
    Inspection,
    ModuleError,
    ModuleResult,
    Plan,
    StateModule,
    Steps,
)
from opsrun.modules.firewalls import zones
from opsrun.modules.firewalls.asking import ASK, DID, PERMANENT, RUNTIME, shown
from opsrun.modules.firewalls.zones import Thing
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.users.entries import TOOLS, command
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_THINGS = (*zones.CALLED, "target")
_SWITCHES = ("icmp_block_inversion", "masquerade", "forward")
_ON = ("enabled", "present")
_NOT_RUNNING = 252
"""firewall-cmd(1), exit codes."""
_NO = 1
_ONLY_PERMANENT = "zones and their targets are only changed permanently"
_INVALID_ZONE = 112
_UNKNOWN = (101, 107)
"""INVALID_SERVICE and INVALID_ICMPTYPE: what is not known is not enabled."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two configurations: what it is now, and what is permanent."""

    runtime: bool
    on: bool
    """Whether it has the thing, or the zone."""
    told: str
    """What else it is: the target."""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is."""

    sides: tuple[Side, ...]
    tool: str


def _judged(values: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    given = [each for each in _THINGS if values.get(each) is not None]
    state = values.get("state")
    for each in ("interface", "target"):
        if each in given and values.get("zone") is None:
            yield each, "needs zone"
    port = values.get("port")
    if isinstance(port, str) and "/" not in port and "{" not in port:
        yield "port", f"{port!r} has no protocol: {port}/tcp"
    yield from _forwards(values.get("port_forward"))
    if state in ("present", "absent") and given and given != ["target"]:
        yield "state", f"{given[0]} is enabled or disabled; present and absent are for zones"
    if state in ("present", "absent") and not given and values.get("zone") is None:
        yield "zone", f"which one is to be {state}?"
    if state in ("enabled", "disabled") and not given:
        yield "state", f"what is to be {state}? None of {', '.join(_THINGS)} is given"
    if values.get("offline") is True and values.get("permanent") in (None, False):
        yield "offline", "is for permanent: true alone"
    if state in ("present", "absent") or given == ["target"]:
        if values.get("permanent") in (None, False):
            yield "permanent", f"has to be true: {_ONLY_PERMANENT}"
        if values.get("immediate") is True and values.get("offline") in (None, False):
            yield "immediate", f"has to be false: {_ONLY_PERMANENT}"


def _forwards(given: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(given, (list, tuple)):
        return
    if len(given) != 1:
        yield "port_forward", "takes one, and no more"
    for each in given:
        if not isinstance(each, Mapping):
            continue
        for name in each:
            if name not in zones.FORWARD:
                yield "port_forward", f"has no {name!r}{did_you_mean(str(name), zones.FORWARD)}"
        for name in zones.FORWARD[:3]:
            if each.get(name) in (None, ""):
                yield "port_forward", f"needs {name}"
        if each.get("proto") not in ("tcp", "udp", None) and "{" not in str(each["proto"]):
            yield "port_forward", f"proto is tcp or udp, and not {each['proto']!r}"


@module("ansible.posix.firewalld", exclusive=(_THINGS,), judged=_judged)
class Firewalld(StateModule[Found]):
    """See to it that a zone of firewalld lets something through, or does not."""

    state: str = option(
        required=True,
        choices=("absent", "disabled", "enabled", "present"),
        doc="Whether it is to be; ``present`` and ``absent`` are for zones, and targets.",
    )
    zone: str | None = option(doc="The zone; the host's default one.")
    permanent: bool = option(False, doc="Whether the configuration on disk is changed.")
    immediate: bool = option(
        False, doc="Whether it is changed now, too; without ``permanent``, it always is."
    )
    offline: bool = option(
        False, doc="Whether ``immediate`` means nothing while firewalld does not run."
    )
    timeout: int = option(0, doc="Seconds until what was changed now is as it was; 0: never.")
    service: str | None = option(doc="A service by the name that firewalld has for it.")
    port: str | None = option(doc="A port or a range with its protocol: ``8000-8010/tcp``.")
    protocol: str | None = option(doc="A protocol as in protocols(5).")
    port_forward: list[dict[str, Any]] | None = option(
        elements="dict",
        doc="One port that goes elsewhere: ``port``, ``proto``, ``toport``, ``toaddr``.",
    )
    rich_rule: str | None = option(doc="A rule, see firewalld.richlanguage(5).")
    source: str | None = option(doc="Addresses whose packets are the zone's.")
    interface: str | None = option(doc="An interface whose packets are the zone's.")
    icmp_block: str | None = option(doc="A kind of ICMP that is blocked.")
    icmp_block_inversion: bool | None = option(
        doc="That only such kinds are let through; ``false`` turns ``state`` round."
    )
    masquerade: bool | None = option(
        doc="That packets that go out get our address; ``false`` turns ``state`` round."
    )
    forward: bool | None = option(
        doc="That packets go between the zone's interfaces; ``false`` turns ``state`` round."
    )
    target: str | None = option(
        choices=("default", "ACCEPT", "DROP", "%%REJECT%%"),
        doc="What becomes of the rest; ``default`` again where ``state`` says no.",
    )

    # -- what is wanted

    @property
    def _thing(self) -> Thing | None:
        for name, kind in zones.CALLED.items():
            given = getattr(self, name)
            if given is None:
                continue
            if name in _SWITCHES:
                return Thing(kind, None)
            value = zones.forwarding(given[0]) if name == "port_forward" else given
            return Thing(kind, str(value))
        return None

    @property
    def _wanted(self) -> bool:
        turned = any(getattr(self, name) is False for name in _SWITCHES)
        return (self.state in _ON) is not turned

    @property
    def _target(self) -> str:
        assert self.target is not None
        return self.target if self.state in _ON else "default"

    @property
    def _now(self) -> bool:
        return self.immediate or not self.permanent

    # -- what there is

    def steps(self, context: Context) -> Steps:
        """See `StateModule.steps`; with what the daemon's words may mean."""
        try:
            return (yield from super().steps(context))
        except ModuleError as error:
            raise ModuleError(zones.hinted(zones.plain(error.msg)), **error.data) from error

    def inspect(self, context: Context) -> Inspection[Found]:
        """What both configurations say, as far as they are asked for."""
        thing, zone = self._thing, self.zone or ""
        if thing is not None:
            query, more = word(thing.word("query")), self._more(thing)
        elif self.target is not None:
            query, more = "--get-target", ""
        else:
            # All zones: it is no question to one of them.
            query, more, zone = "--get-zones", "", ""
        script = f"{LOOK}{TOOLS}{ASK}zone={word(zone)}\n"
        if self.permanent:
            script += PERMANENT.format(query=query, more=shown("permanent", more))
        if self._now and thing is not None:
            script += RUNTIME.format(query=query, more=shown("runtime", more))
        return Inspection(script, self._found)

    def _more(self, thing: Thing) -> str:
        """A question for what ``no`` does not tell."""
        if thing.kind == "port":
            return "--list-ports"
        if not self._wanted:
            return ""
        if thing.kind == "source":
            return word(f"--get-zone-of-source={thing.value}")
        return zones.KNOWN.get(thing.kind, "")

    def _found(self, answer: CommandResult) -> Found:
        answers = Answers(answer)
        offline = answers.text("tool") == "firewall-offline-cmd"
        sides = []
        if self._thing is None and self._now and not offline:
            raise ModuleError(f"immediate can't be had: {_ONLY_PERMANENT}, and firewalld runs")
        if self._thing is not None and self._now and not (offline and self.offline):
            sides.append(self._side(answers, runtime=True))
        if self.permanent:
            sides.append(self._side(answers, runtime=False))
        return Found(tuple(sides), answers.text("tool"))

    def _side(self, answers: Answers, *, runtime: bool) -> Side:
        key = "runtime" if runtime else "permanent"
        rc, words = answers.number(f"{key}.rc"), zones.plain(answers.text(f"{key}.words"))
        if rc == _NOT_RUNNING:
            why = "firewalld does not run, and so nothing can be changed at once"
            raise ModuleError(f"{why}: permanent: true with offline: true does without", rc=rc)
        if rc in _UNKNOWN and not self._wanted:
            rc = _NO
        if rc == _INVALID_ZONE:
            known = answers.text(f"{key}.zones").split()
            raise ModuleError(words + did_you_mean(self.zone or "", known), rc=rc)
        if rc not in (0, _NO):
            raise ModuleError(words, rc=rc)
        if self._thing is not None:
            on = rc == 0 or self._there(self._thing, answers.text(f"{key}.more"), key)
            return Side(runtime, on, "")
        last = words.splitlines()[-1:] or [""]
        if self.target is not None:
            return Side(runtime, last[0] == self._target, last[0])
        return Side(runtime, self.zone in last[0].split(), "")

    def _there(self, thing: Thing, more: str, key: str) -> bool:
        """Whether it is there although the answer was no. ModuleError: it can't be changed."""
        value = thing.value or ""
        names = more.split()
        if thing.kind == "port":
            return self._in_range(value, names, key)
        if thing.kind in zones.KNOWN and self._wanted and value not in names:
            code = "INVALID_SERVICE" if thing.kind == "service" else "INVALID_ICMPTYPE"
            unknown = f"{code}: firewalld knows no {thing.kind.partition('-')[0]} {value!r}"
            raise ModuleError(unknown + did_you_mean(value, names))
        if thing.kind == "source" and self._wanted and len(names) == 1 and names[0] != self.zone:
            raise ModuleError(f"ZONE_CONFLICT: {value} is of the zone {names[0]} ({key})")
        return False

    def _in_range(self, port: str, ports: list[str], key: str) -> bool:
        other = zones.around(port, ports)
        if other is None:
            return False
        if self._wanted:
            return zones.within(port, other)
        if key == "permanent":
            # firewall-cmd says success, and leaves it open.
            told = f"{port} is open as a part of {other}, which only goes as a whole"
            raise ModuleError(f"NOT_ENABLED: {told} ({key})")
        return zones.within(port, other)

    # -- what has to change

    def plan(self, state: Found, context: Context) -> Plan:
        """A command for each configuration that is not so; the one that is in effect first."""
        wrong = [side for side in state.sides if side.on is not self._goal]
        result = ModuleResult(
            bool(wrong), msg=self._told(state), diff=self._diff(wrong), warnings=self._warnings
        )
        if not wrong:
            return Plan(result=result)
        script = "changed=\n" + "".join(self._apply(side, state.tool) for side in wrong)
        return Plan((Run(DID + script),), result)

    @property
    def _goal(self) -> bool:
        return True if self.target is not None else self._wanted

    def _apply(self, side: Side, tool: str) -> str:
        first = [tool] if side.runtime or tool != "firewall-cmd" else [tool, "--permanent"]
        zone = [f"--zone={self.zone}"] if self.zone else []
        thing = self._thing
        if thing is None and self.target is None:
            verb = "new" if self._wanted else "delete"
            return f"did {command(*first, f'--{verb}-zone={self.zone}')}\n"
        if thing is None:
            return f"did {command(*first, *zone, f'--set-target={self._target}')}\n"
        verb = "add" if self._wanted else "remove"
        if self._wanted and thing.kind == "interface":
            verb = "change"
        times = side.runtime and self._wanted and self.timeout and not self._lasts
        time = [f"--timeout={self.timeout}"] if times else []
        return f"did {command(*first, *zone, thing.word(verb), *time)}\n"

    @property
    def _lasts(self) -> bool:
        return self._thing is None or self._thing.kind in zones.LASTING

    @property
    def _warnings(self) -> tuple[str, ...]:
        if not self.timeout or (self._now and self._wanted and not self._lasts):
            return ()
        return ("timeout has no effect: it is for what is enabled at once, and can have an end",)

    def _told(self, state: Found) -> str:
        sides = ["now" if each.runtime else "permanently" for each in state.sides]
        offline = " (firewalld does not run)" if state.tool == "firewall-offline-cmd" else ""
        return f"{self._subject} {' and '.join(sides)}{offline}"

    @property
    def _subject(self) -> str:
        zone = f"zone {self.zone}" if self.zone else "the default zone"
        if self.target is not None:
            return f"{zone}: target {self._target}"
        told = {True: "enabled", False: "disabled"}[self._wanted]
        return f"{zone}: {self._thing} {told}" if self._thing else f"{zone}: {self.state}"

    def _diff(self, wrong: list[Side]) -> tuple[Diff, ...]:
        if not wrong:
            return ()
        before = "".join(self._line(side, was=True) for side in wrong)
        return (Diff(before, "".join(self._line(side, was=False) for side in wrong)),)

    def _line(self, side: Side, *, was: bool) -> str:
        when = "runtime" if side.runtime else "permanent"
        zone = self.zone or "default"
        if self.target is not None:
            return f"{when} {zone}: target {side.told if was else self._target}\n"
        if self._thing is None:
            told = "present" if self._goal is not was else "absent"
        else:
            told = "enabled" if self._goal is not was else "disabled"
        return f"{when} {zone}: {self._thing or 'zone'} {told}\n"
