"""iptables: rules, chains and policies of the kernel's packet filter, by iptables(8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.modules.base import Context, Inspection, ModuleError, ModuleResult, Plan, StateModule
from opsrun.modules.firewalls.rule import words_of
from opsrun.modules.looking import LOOK, Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run
from opsrun.modules.users.entries import TOOLS
from opsrun.modules.wording import word
from opsrun.remote.command import CommandResult

_OTHER = 1
"""What ``-C`` ends in where there is no such rule: iptables(8). Above it something is wrong."""
_NO_CHAIN = ("does not exist", "No chain/target/match", "Couldn't load target")

_LOOK = r"""
has "$tool" || lack "$tool"
if [ -n "$chain" ]; then set -- "$@" -S "$chain"; else set -- "$@" -S; fi
e=$("$tool" "$@" 2>&1)
say listed "$?" list "$e"
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of it."""

    chain: bool
    policy: str | None
    """None for a chain that has none."""
    rules: int
    """In the chain, or in all of the table."""
    rule: bool
    """Whether this one is there."""
    words: str
    """Of the program, where it could not list the chain."""


@module("iptables", required_if=(("jump", "TEE", ("gateway",)), ("jump", "tee", ("gateway",))))
class Iptables(StateModule[Found]):
    """See to it that a rule stands in a chain of the packet filter, or a chain or policy is there.

    What it does lasts until the next boot.
    """

    chain: str | None = option(doc="The chain; all of the table's where it is flushed.")
    table: str = option(
        "filter", choices=("filter", "nat", "mangle", "raw", "security"), doc="The table."
    )
    state: str = option("present", choices=("absent", "present"), doc="Whether it is to be there.")
    action: str = option(
        "append", choices=("append", "insert"), doc="Whether a new rule is the last or the first."
    )
    rule_num: str | None = option(doc="Before which number it is inserted.")
    ip_version: str = option("ipv4", choices=("ipv4", "ipv6"), doc="Of which protocol.")
    chain_management: bool = option(
        False, doc="Whether the chain itself comes, or goes where no rule is named."
    )
    policy: str | None = option(
        choices=("ACCEPT", "DROP", "QUEUE", "RETURN"), doc="What the chain does with the rest."
    )
    flush: bool = option(False, doc="Whether all rules go.")
    wait: str | None = option(doc="Seconds to wait for others that change rules.")
    numeric: bool = option(False, doc="Without effect: numbers are never turned into names.")
    protocol: str | None = option(doc="tcp, udp, icmp …; with ``!`` all others.")
    source: str | None = option(doc="Addresses or a network it comes from; with ``!`` all others.")
    destination: str | None = option(doc="The same where it goes.")
    match: list[str] | None = option(elements="str", doc="Extensions that are asked for by name.")
    tcp_flags: dict[str, Any] | None = option(
        doc="``flags`` that are looked at, and ``flags_set`` among them."
    )
    jump: str | None = option(doc="What becomes of it: a target, or a chain that comes back.")
    goto: str | None = option(doc="A chain that does not come back.")
    gateway: str | None = option(doc="Where TEE sends a copy.")
    log_prefix: str | None = option(doc="What its lines in the log begin with.")
    log_level: str | None = option(
        choices=(*"01234567", "emerg", "alert", "crit", "error", "warning", "notice", "info",
                 "debug"),
        doc="How grave those lines are, as in syslog.conf(5).",
    )  # fmt: skip
    to_destination: str | None = option(doc="The address that DNAT gives.")
    to_source: str | None = option(doc="The address that SNAT gives.")
    to_ports: str | None = option(doc="The ports that REDIRECT and MASQUERADE give.")
    in_interface: str | None = option(doc="Where it comes in; with ``!`` all others.")
    out_interface: str | None = option(doc="Where it goes out; with ``!`` all others.")
    fragment: str | None = option(doc="Second and further pieces; ``!`` for the first and whole.")
    set_counters: str | None = option(doc="Packets and bytes that the rule begins with.")
    source_port: str | None = option(doc="A port or a range it comes from.")
    destination_port: str | None = option(doc="A port or a range it goes to.")
    destination_ports: list[str] | None = option(elements="str", doc="Several of those.")
    set_dscp_mark: str | None = option(doc="The DSCP mark that is set, as a number.")
    set_dscp_mark_class: str | None = option(doc="The same by a name: CS1, AF21 …")
    syn: str = option(
        "ignore", choices=("ignore", "match", "negate"), doc="Whether it begins a connection."
    )
    ctstate: list[str] | None = option(elements="str", doc="States of connections.")
    src_range: str | None = option(doc="From which to which address it comes.")
    dst_range: str | None = option(doc="From which to which address it goes.")
    match_set: str | None = option(doc="A set of ipset(8).")
    match_set_flags: str | None = option(
        choices=("src", "dst", "src,dst", "dst,src", "dst,dst", "src,src"),
        doc="Which of its sides are looked up there.",
    )
    limit: str | None = option(doc="How often at most: ``2/second``.")
    limit_burst: str | None = option(doc="How many at once before that counts.")
    uid_owner: str | None = option(doc="Whose it is, by user; with ``!`` all others'.")
    gid_owner: str | None = option(doc="Whose it is, by group.")
    reject_with: str | None = option(doc="What REJECT answers.")
    icmp_type: str | None = option(doc="Which kind of ICMP.")
    comment: str | None = option(doc="A remark.")

    # -- what there is

    def inspect(self, context: Context) -> Inspection[Found]:
        """The chain, and whether it has the rule."""
        if self.chain is None and not self.flush:
            raise ModuleError("chain is needed, unless flush is set")
        head = f"tool={self._tool}\nchain={word(self.chain or '')}\n"
        script = f"{LOOK}{TOOLS}{head}set -- -t {self.table}{self._waits}\n{_LOOK}"
        if self._about_rule:
            script += f'e=$({self._call("-C")} 2>&1)\nsay rc "$?" words "$e"\n'
        return Inspection(script, self._found)

    @property
    def _tool(self) -> str:
        return "ip6tables" if self.ip_version == "ipv6" else "iptables"

    @property
    def _waits(self) -> str:
        return f" -w {word(self.wait)}" if self.wait else ""

    @property
    def _about_rule(self) -> bool:
        if self.flush or self.policy:
            return False
        return bool(words_of(self)) or not self.chain_management

    def _call(self, action: str, *more: str, rule: bool = True) -> str:
        counted = action in ("-A", "-I")
        words = [*more, *(words_of(self, counters=counted) if rule else ())]
        chain = [] if self.chain is None else [self.chain]
        told = " ".join(map(word, [*chain, *words]))
        waits = "" if rule else self._waits
        return f"{self._tool} -t {self.table}{waits} {action} {told}".rstrip()

    def _found(self, answer: CommandResult) -> Found:
        answers = Answers(answer)
        words = answers.text("words")
        rc = answers.number("rc") or 0
        if rc > _OTHER and not any(each in words for each in _NO_CHAIN):
            raise ModuleError(words, rc=rc)
        lines = answers.text("list").splitlines()
        there = answers.number("listed") == 0
        policy = [line.split()[2] for line in lines if line.startswith("-P ")]
        return Found(
            there,
            policy[0] if there and len(policy) == 1 else None,
            sum(line.startswith("-A ") for line in lines),
            self._about_rule and rc == 0,
            "" if there else answers.text("list"),
        )

    # -- what has to change

    def plan(self, state: Found, context: Context) -> Plan:
        """One or two calls of the program."""
        calls = self._calls(state, context)
        result = ModuleResult(bool(calls), data=self._data)
        if not calls:
            return Plan(result=result)
        script = "".join(f"{each} || exit\n" for each in calls)
        return Plan((Run(script),), result)

    @property
    def _data(self) -> Mapping[str, Any]:
        data = {"ip_version": self.ip_version, "table": self.table, "chain": self.chain}
        told = {**data, "flush": self.flush, "rule": " ".join(words_of(self))}
        return {**told, "state": self.state, "chain_management": self.chain_management}

    def _calls(self, state: Found, context: Context) -> list[str]:
        if self.flush:
            self._there(state, context)
            idle = state.chain and not state.rules
            return [] if idle else [self._call("-F", rule=False)]
        if self.policy:
            return self._policy(state, self.policy, context)
        if not self._about_rule:
            if self.state == "present":
                return [] if state.chain else [self._call("-N", rule=False)]
            return [self._call("-X", rule=False)] if state.chain else []
        if self.state == "absent":
            return [self._call("-D")] if state.rule else []
        if state.rule:
            return []
        made = self.chain_management and not state.chain
        first = [self._call("-N", rule=False)] if made else []
        number = (self.rule_num,) if self.rule_num and self.action == "insert" else ()
        return [*first, self._call("-I" if self.action == "insert" else "-A", *number)]

    def _policy(self, state: Found, policy: str, context: Context) -> list[str]:
        self._there(state, context)
        if state.chain and state.policy is None:
            raise ModuleError(f"{self.chain} has no policy: only the chains of the kernel have one")
        return [] if state.policy == policy else [self._call("-P", policy, rule=False)]

    def _there(self, state: Found, context: Context) -> None:
        # In check mode, an earlier task may be about to make the chain.
        if not state.chain and not context.check:
            raise ModuleError(state.words)
