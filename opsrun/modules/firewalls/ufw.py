"""ufw: the uncomplicated firewall's rules, policies and state, by ufw(8)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.users.entries import TOOLS
from opsrun.modules.wording import text_of, word
from opsrun.remote.command import CommandResult

_DIRECTIONS = {"incoming": "incoming", "in": "incoming", "outgoing": "outgoing", "out": "outgoing"}
_CHAINS = {"incoming": "INPUT", "outgoing": "OUTPUT", "routed": "FORWARD"}
_POLICIES = {"allow": "ACCEPT", "deny": "DROP", "reject": "REJECT"}
_TUPLE = "### tuple ### "
_NUMBER = "$number"
"""Stands in a command for where a rule is inserted."""
_FROM = {
    "zero": "0",
    "first-ipv4": "1",
    "last-ipv4": "old > 0 ? old : 1",
    "first-ipv6": "old + 1",
    "last-ipv6": "new > 0 ? old + new : old + 1",
}
"""What numbers count from, by the numbers of rules of both protocols: those of the newer one are
behind."""
_SETTING = re.compile(r"""^([A-Z_]+)=["']?(.*?)["']?\s*$""", re.MULTILINE)

_LOOK = r"""
has ufw || lack ufw
for f in /etc/default/ufw /etc/ufw/ufw.conf; do
  [ ! -r "$f" ] || say settings "$(cat "$f")"
done
old=0 new=0
for n in user user6; do
  for d in /etc/ufw /lib/ufw /var/lib/ufw; do
    if [ -r "$d/$n.rules" ]; then
      say "$n" "$(cat "$d/$n.rules")"
      c=$(grep -c '^### tuple' <"$d/$n.rules")
      if [ "$n" = user ]; then old=$c; else new=$c; fi
      break
    fi
  done
done
say status "$(ufw status verbose 2>&1)"
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is."""

    settings: Mapping[str, str]
    status: str
    same: bool
    """Whether the rules would be the same ones behind the rule's command."""
    number: str
    """Where a rule is inserted."""


def _tuples(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(_TUPLE)]


def would_be(dry: str) -> dict[str, list[str]]:
    """The rules that a dry run tells, by the name of their file; of those that it touches.

    >>> would_be("*filter\\n:ufw6-user-input - [0:0]\\n### tuple ### allow any 1 ::/0 any ::/0 in")
    {'user6': ['### tuple ### allow any 1 ::/0 any ::/0 in']}
    """
    found = {}
    for section in dry.split("*filter\n")[1:]:
        found["user6" if section.startswith(":ufw6-") else "user"] = _tuples(section)
    return found


@module(
    "community.general.ufw",
    one_of=(("state", "default", "rule", "logging"),),
    exclusive=(("name", "proto", "logging"),),
)
class Ufw(StateModule[Found]):
    """See to it that the firewall has a rule or a policy, or that it is on or off."""

    state: str | None = option(
        choices=("disabled", "enabled", "reloaded", "reset"),
        doc="Whether it is on, also after the next boot; ``reset``: as it was at first.",
    )
    default: str | None = option(
        aliases=("policy",), choices=("allow", "deny", "reject"), doc="What becomes of the rest."
    )
    direction: str | None = option(
        choices=("in", "incoming", "out", "outgoing", "routed"), doc="Of which packets."
    )
    logging: str | None = option(
        choices=("on", "off", "low", "medium", "high", "full"), doc="How much is logged."
    )
    rule: str | None = option(
        choices=("allow", "deny", "limit", "reject"), doc="What becomes of such packets."
    )
    delete: bool = option(False, doc="Whether the rule goes.")
    insert: int | None = option(doc="Before which number it is inserted.")
    insert_relative_to: str = option(
        "zero",
        choices=tuple(_FROM),
        doc="What that number counts from: past the last rule, it is the last.",
    )
    log: bool = option(False, doc="Whether new connections of it are logged.")
    route: bool = option(False, doc="Whether it is about packets that are passed on.")
    interface: str | None = option(aliases=("if",), doc="Of which interface, by ``direction``.")
    interface_in: str | None = option(aliases=("if_in",), doc="Where they come in.")
    interface_out: str | None = option(aliases=("if_out",), doc="Where they go out.")
    from_ip: str = option("any", aliases=("from", "src"), doc="Where they come from.")
    from_port: str | None = option(doc="From which port.")
    to_ip: str = option("any", aliases=("dest", "to"), doc="Where they go.")
    to_port: str | None = option(aliases=("port",), doc="To which port.")
    proto: str | None = option(
        aliases=("protocol",),
        choices=("any", "tcp", "udp", "ipv6", "esp", "ah", "gre", "igmp", "vrrp"),
        doc="Of which protocol.",
    )
    called: str | None = option(name="name", aliases=("app",), doc="Of which known application.")
    comment: str | None = option(doc="A remark.")

    # -- what there is

    def inspect(self, context: Context) -> Inspection[Found]:
        """Settings, rules, and what a dry run of the rule's command says."""
        self._check()
        script = f"{LOOK}{TOOLS}{_LOOK}"
        if self.rule:
            script += self._trial()
        return Inspection(script, self._found)

    def _trial(self) -> str:
        """A dry run, which prints the rules as they would be."""
        plain = self._command(["--dry-run", *self._words("0")])
        if self.insert is None:
            return f'e=$({plain} 2>&1)\nsay rc "$?" dry "$e"\n'
        lines = [f"number=$(({_FROM[self.insert_relative_to]} + {self.insert}))\n"]
        if self.insert_relative_to != "zero":
            # What is inserted behind the last rule is appended.
            lines.append('[ "$number" -le "$((old + new))" ] || number=0\n')
        there = self._command(["--dry-run", *self._words(_NUMBER)])
        # One for the same packets stays in its place, and there it is changed.
        lines.append(
            f'e="Skipping inserting existing rule"\nrc=0\n'
            f'if [ "$number" -gt 0 ]; then\n  e=$({there} 2>&1)\n  rc=$?\nfi\n'
            f'case $e in\n  *"Skipping inserting existing rule"*)\n    number=0\n'
            f"    e=$({plain} 2>&1)\n    rc=$?\n    ;;\nesac\n"
            'say rc "$rc" dry "$e" number "$number"\n'
        )
        return "".join(lines)

    def _check(self) -> None:
        if "'" in (self.comment or ""):
            raise ModuleError("comment: ufw takes no single quotes in one")
        if self.default and self.rule:
            raise ModuleError("default and rule exclude each other: two tasks do both")
        if self.interface and (self.interface_in or self.interface_out):
            raise ModuleError("interface excludes interface_in and interface_out")
        if self.rule and self.interface and not self.direction:
            raise ModuleError("interface needs direction: in or out")
        if self.rule and self.interface_in and self.interface_out and not self.route:
            raise ModuleError("both interface_in and interface_out are for route: true alone")
        if self.default and self.direction in ("in", "out"):
            raise ModuleError("a policy has direction incoming, outgoing or routed")

    def _found(self, answer: CommandResult) -> Found:
        answers = Answers(answer)
        if answers.number("rc") not in (None, 0):
            words = answers.text("dry").partition("\nUsage:")[0].strip()
            raise ModuleError(words, rc=answers.number("rc"))
        settings = {name: value for each in answers.every("settings")
                    for name, value in _SETTING.findall(each)}  # fmt: skip
        same = all(
            rules == _tuples(answers.text(name))
            for name, rules in would_be(answers.text("dry")).items()
        )
        return Found(settings, answers.text("status"), same, answers.text("number"))

    # -- the commands

    def _words(self, number: str) -> list[str]:
        return list(self._rule_words(number))

    def _rule_words(self, number: str) -> Iterator[str]:
        assert self.rule is not None
        yield from ("route",) if self.route else ()
        yield from ("delete",) if self.delete else ()
        if self.insert is not None and not self.delete and number != "0":
            yield from ("insert", number)
        yield self.rule
        if self.interface:
            yield from (self._side, "on", self.interface)
        elif not (self.interface_in or self.interface_out) and self.direction:
            yield self._side
        if self.interface_in:
            yield from ("in", "on", self.interface_in)
        if self.interface_out:
            yield from ("out", "on", self.interface_out)
        yield from ("log",) if self.log else ()
        yield from ("from", self.from_ip)
        yield from ("port", self.from_port) if self.from_port else ()
        yield from ("to", self.to_ip)
        yield from ("port", self.to_port) if self.to_port else ()
        yield from ("proto", self.proto) if self.proto else ()
        yield from ("app", self.called) if self.called else ()
        yield from ("comment", self.comment) if self.comment and not self.delete else ()

    @property
    def _side(self) -> str:
        return {"incoming": "in", "outgoing": "out"}.get(self.direction or "", self.direction or "")

    def _command(self, words: Sequence[str]) -> str:
        shown = [f'"{each}"' if each == _NUMBER else word(each) for each in words]
        return f"ufw {' '.join(shown)} </dev/null"

    # -- what has to change

    def plan(self, state: Found, context: Context) -> Plan:
        """The commands that are needed, and what the firewall says of itself then."""
        commands = [list(each) for each in self._needed(state)]
        told = [f"ufw {' '.join(each)}" for each in commands]
        result = ModuleResult(bool(commands), msg=state.status, data={"commands": told})
        if not commands:
            return Plan(result=result)
        lines = [f"e=$({self._command(each)} 2>&1) || {{ echo \"$e\" >&2; exit 1; }}\n"
                 for each in commands]  # fmt: skip
        return Plan((Run(f"{''.join(lines)}ufw status verbose\n"),), result)

    def _needed(self, state: Found) -> Iterator[Sequence[str]]:
        on = state.settings.get("ENABLED", "no").lower() == "yes"
        active = on and "Status: active" in state.status
        if self.state == "reset":
            yield ("--force", "reset")
        if self.default:
            direction = self.direction or "incoming"
            chain = _CHAINS[_DIRECTIONS.get(direction, direction)]
            if state.settings.get(f"DEFAULT_{chain}_POLICY") != _POLICIES[self.default]:
                yield ("default", self.default, direction)
        if self.logging and not self._logs_so(state):
            yield ("logging", self.logging)
        if self.rule and not state.same:
            yield self._words(state.number)
        if self.state == "enabled" and not active:
            yield ("--force", "enable")
        if self.state == "disabled" and (on or "Status: active" in state.status):
            yield ("--force", "disable")
        if self.state == "reloaded":
            yield ("--force", "reload")

    def _logs_so(self, state: Found) -> bool:
        level = state.settings.get("LOGLEVEL", "")
        return level != "off" if self.logging == "on" else level == self.logging

    def conclude(self, plan: Plan, answers: Sequence[Any]) -> ModuleResult:
        """With what the firewall says of itself now."""
        return _told(plan.result, answers[-1])

    @classmethod
    def concluded(cls, recipe: Mapping[str, Any], answer: CommandResult) -> ModuleResult:
        """See `Module.concluded`."""
        if not answer.ok:
            raise ModuleError.of(answer)
        return _told(ModuleResult.from_dict(recipe["result"]), answer)


def _told(result: ModuleResult, answer: CommandResult) -> ModuleResult:
    return ModuleResult(result.changed, msg=text_of(answer.stdout).strip(), data=result.data)
