"""A rule of iptables(8) as the words that its programs take.

Extensions (``-m``) come right before the first of their options, unless the task names them: those
come early.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opsrun.modules.firewalls.iptables import Iptables


def words_of(rule: Iptables, *, counters: bool = True) -> tuple[str, ...]:
    """What says of a rule which packets it is for, and what becomes of them.

    Args:
        counters: whether they are given: where a rule is looked for, it has none.
    """
    return tuple(_words(rule, counters))


def _words(rule: Iptables, counters: bool) -> Iterator[str]:
    yield from _value("-w", rule.wait)
    yield from _plain("-p", rule.protocol)
    yield from _plain("-s", rule.source)
    yield from _plain("-d", rule.destination)
    for each in rule.match or ():
        yield from ("-m", each)
    yield from _flags(rule.tcp_flags)
    yield from _value("-j", rule.jump)
    if (rule.jump or "").lower() == "tee":
        yield from _value("--gateway", rule.gateway)
    yield from _value("--log-prefix", rule.log_prefix)
    yield from _value("--log-level", rule.log_level)
    yield from _value("--to-destination", rule.to_destination)
    yield from _value("--to-source", rule.to_source)
    yield from _value("-g", rule.goto)
    yield from _plain("-i", rule.in_interface)
    yield from _plain("-o", rule.out_interface)
    yield from _fragment(rule.fragment)
    if rule.set_counters and counters:
        yield from ("-c", *rule.set_counters.split())
    yield from _plain("--source-port", rule.source_port)
    yield from _plain("--destination-port", rule.destination_port)
    yield from _value("--to-ports", rule.to_ports)
    yield from _ports("--dports", rule.destination_ports)
    yield from _marked(rule)
    yield from _syn(rule.syn)
    yield from _states(rule)
    yield from _ranges(rule)
    yield from _set(rule)
    yield from _limited(rule)
    yield from _owned(rule)
    yield from _refused(rule)
    version = "--icmpv6-type" if rule.ip_version == "ipv6" else "--icmp-type"
    yield from _plain(version, rule.icmp_type)
    if rule.comment:
        yield from () if "comment" in (rule.match or ()) else ("-m", "comment")
        yield from ("--comment", rule.comment)


def _value(option: str, value: str | None) -> Iterator[str]:
    if value:
        yield from (option, value)


def _plain(option: str, value: str | None) -> Iterator[str]:
    """What may be turned round: an exclamation mark stands before its option."""
    if value:
        turned = value.startswith("!")
        yield from ("!", option, value[1:].strip()) if turned else (option, value)


def _ports(option: str, ports: Sequence[str] | None) -> Iterator[str]:
    if ports:
        yield from ("-m", "multiport", option, ",".join(ports))


def _flags(flags: Mapping[str, object] | None) -> Iterator[str]:
    if flags:
        yield from ("--tcp-flags", _joined(flags.get("flags")), _joined(flags.get("flags_set")))


def _joined(names: object) -> str:
    if isinstance(names, (list, tuple)):
        return ",".join(map(str, names))
    return str(names or "")


def _fragment(fragment: str | None) -> Iterator[str]:
    if fragment is not None:
        yield from ("!", "-f") if fragment.startswith("!") else ("-f",)


def _marked(rule: Iptables) -> Iterator[str]:
    yield from _value("--set-dscp", rule.set_dscp_mark)
    yield from _value("--set-dscp-class", rule.set_dscp_mark_class)


def _syn(syn: str) -> Iterator[str]:
    if syn == "match":
        yield "--syn"
    elif syn == "negate":
        yield from ("!", "--syn")


def _states(rule: Iptables) -> Iterator[str]:
    if not rule.ctstate:
        return
    # The older extension knows the same states, by an option of its own.
    old = "state" in (rule.match or ()) and "conntrack" not in (rule.match or ())
    if not old and "conntrack" not in (rule.match or ()):
        yield from ("-m", "conntrack")
    yield from ("--state" if old else "--ctstate", ",".join(rule.ctstate))


def _ranges(rule: Iptables) -> Iterator[str]:
    if (rule.src_range or rule.dst_range) and "iprange" not in (rule.match or ()):
        yield from ("-m", "iprange")
    yield from _plain("--src-range", rule.src_range)
    yield from _plain("--dst-range", rule.dst_range)


def _set(rule: Iptables) -> Iterator[str]:
    if not rule.match_set:
        return
    if "set" not in (rule.match or ()):
        yield from ("-m", "set")
    turned = rule.match_set.startswith("!")
    yield from ("!",) if turned else ()
    yield from ("--match-set", rule.match_set.removeprefix("!").strip())
    yield from (rule.match_set_flags,) if rule.match_set_flags else ()


def _limited(rule: Iptables) -> Iterator[str]:
    if (rule.limit or rule.limit_burst) and "limit" not in (rule.match or ()):
        yield from ("-m", "limit")
    yield from _value("--limit", rule.limit)
    yield from _value("--limit-burst", rule.limit_burst)


def _owned(rule: Iptables) -> Iterator[str]:
    for option, owner in (("--uid-owner", rule.uid_owner), ("--gid-owner", rule.gid_owner)):
        if owner:
            yield from () if "owner" in (rule.match or ()) else ("-m", "owner")
            yield from _plain(option, owner)


def _refused(rule: Iptables) -> Iterator[str]:
    if not rule.reject_with:
        return
    if rule.jump is None:
        yield from ("-j", "REJECT")
    yield from ("--reject-with", rule.reject_with)
