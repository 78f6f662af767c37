"""Interfaces, addresses and routes where there is no ip(8).

ifconfig(8) prints them in three ways: net-tools' new and old one (busybox has the old one) and that
of BSD. Without it /proc/net tells: addresses stand in ``fib_trie`` and ``if_inet6``, and belong to
the interface whose connected route in ``route`` holds them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from opsrun.modules.facts.addresses import Link, v4, v6
from opsrun.modules.facts.files import Files
from opsrun.modules.looking import Answers

_HEAD = re.compile(r"([^\s:]+(?::\d+)?)(?::\s|\s+Link encap:(?P<encap>\S+))")
_MAC = re.compile(r"\b(?:ether|HWaddr|lladdr)\s+([0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5})\b")
_INET = re.compile(r"\binet (?:addr:)?\s*([0-9.]+)")
_MASK = re.compile(r"\b(?:netmask |Mask:)\s*(0x[0-9a-fA-F]{8}|[0-9.]+)")
_BROADCAST = re.compile(r"\b(?:broadcast |Bcast:)\s*([0-9.]+)")
_INET6 = re.compile(
    r"\binet6 (?:addr: ?)?\s*([0-9a-fA-F:.]+)(?:%\S+)?(?:/(\d+)|\s+prefixlen (\d+))"
)
_SCOPES = {0x00: "global", 0x10: "host", 0x20: "link", 0x40: "site"}
_FLAG_UP, _FLAG_GATEWAY = 0x1, 0x2


def links(told: str, net: Files) -> dict[str, Link]:
    """Interfaces by name.

    Args:
        told: what ``ifconfig -a`` printed; empty where there is none.
        net: what is in /proc/net.
    """
    return _ifconfig(told) if told.strip() else _proc(net)


def _ifconfig(text: str) -> dict[str, Link]:
    found: dict[str, Link] = {}
    for block in re.split(r"\n(?=\S)", text):
        head = _HEAD.match(block)
        if head is None:
            continue
        name = head[1]
        flags = re.search(r"<([^>]*)>", block)
        words = flags[1].split(",") if flags is not None else block.split()
        mtu = re.search(r"\b(?:mtu |MTU:)([0-9]{1,9})", block)
        link = found[name] = Link({"device": name, "active": "UP" in words})
        link.told["promisc"] = "PROMISC" in words
        link.told["type"] = "loopback" if "LOOPBACK" in words else "unknown"
        if mtu is not None:
            link.told["mtu"] = int(mtu[1])
        mac = _MAC.search(block)
        if mac is not None:
            link.told |= {"type": "ether", "macaddress": mac[1].lower()}
        for line in block.splitlines():
            _line(line, link)
    return found


def _line(line: str, link: Link) -> None:
    four, six = _INET.search(line), _INET6.search(line)
    if four is not None:
        mask = _MASK.search(line)
        broadcast = _BROADCAST.search(line)
        netmask = mask[1] if mask is not None else "255.255.255.255"
        if netmask.startswith("0x"):
            netmask = str(ipaddress.IPv4Address(int(netmask, 16)))
        try:
            address = ipaddress.IPv4Interface(f"{four[1]}/{netmask}")
        except ValueError:
            return
        link.add4(v4(address, broadcast[1] if broadcast is not None else ""))
    elif six is not None:
        try:
            found = ipaddress.IPv6Interface(f"{six[1]}/{six[2] or six[3]}")
        except ValueError:
            return
        link.v6.append(v6(found, _scope(found.ip)))


def _scope(address: ipaddress.IPv6Address) -> str:
    if address.is_loopback:
        return "host"
    return "link" if address.is_link_local else "site" if address.is_site_local else "global"


def _proc(net: Files) -> dict[str, Link]:
    found: dict[str, Link] = {}
    for line in net.text("/proc/net/dev").splitlines()[2:]:
        name, colon, _ = line.strip().rpartition(":")
        if colon:
            found[name] = Link({"device": name, "active": True, "promisc": False})
    connected = list(_connected(net.text("/proc/net/route")))
    for address in _own(net.text("/proc/net/fib_trie")):
        if address.is_loopback:
            name, network = "lo", ipaddress.IPv4Network("127.0.0.0/8")
        else:
            held = (pair for pair in connected if address in pair[1])
            name, network = next(held, ("", ipaddress.IPv4Network((address, 32))))
        if name in found:
            interface = ipaddress.IPv4Interface(f"{address}/{network.prefixlen}")
            broadcast = str(network.broadcast_address) if 0 < network.prefixlen < 31 else ""
            found[name].add4(v4(interface, "" if name == "lo" else broadcast))
    for line in net.text("/proc/net/if_inet6").splitlines():
        words = line.split()
        if len(words) == 6 and words[5] in found and re.fullmatch(r"[0-9a-f]{32}", words[0]):
            six = ipaddress.IPv6Interface((int(words[0], 16), min(int(words[2], 16), 128)))
            found[words[5]].v6.append(v6(six, _SCOPES.get(int(words[3], 16), "unknown")))
    return found


def _own(trie: str) -> Iterator[ipaddress.IPv4Address]:
    """Local addresses, each once."""
    seen: set[str] = set()
    last = ""
    for line in trie.splitlines():
        leaf = re.search(r"\|-- ([0-9.]+)", line)
        if leaf is not None:
            last = leaf[1]
        elif "/32 host LOCAL" in line and last and last not in seen:
            seen.add(last)
            try:
                yield ipaddress.IPv4Address(last)
            except ValueError:
                continue


def _number(text: str) -> int:
    return int(text, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,8}", text) else 0


def _little(text: str) -> ipaddress.IPv4Address:
    """An address as /proc/net/route has it: the bytes of the machine's own order, as a number."""
    return ipaddress.IPv4Address(_number(text).to_bytes(4, "little"))


def _rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) >= 8 and _number(words[3]) & _FLAG_UP:
            yield words


def _connected(text: str) -> Iterator[tuple[str, ipaddress.IPv4Network]]:
    for words in _rows(text):
        if not _number(words[3]) & _FLAG_GATEWAY and _number(words[7]):
            try:
                yield words[0], ipaddress.IPv4Network(f"{_little(words[1])}/{_little(words[7])}")
            except ValueError:
                continue


def routes(answers: Answers, net: Files, known: dict[str, Link]) -> list[dict[str, str]]:
    """The default routes of IPv4 and IPv6, with the address that is seen from afar."""
    four = _through(answers.text("get4")) or _gateway(net.text("/proc/net/route"))
    six = _through(answers.text("get6")) or _gateway6(net.text("/proc/net/ipv6_route"))
    found = []
    for route, family in ((four, 4), (six, 6)):
        link = known.get(route.get("interface", ""))
        several: list[dict[str, Any]] = []
        if link is not None:
            several = [*link.all4()] if family == 4 else [*link.v6]
        wide = [each for each in several if each.get("scope") in (None, "global")]
        address = wide[0]["address"] if wide else ""
        found.append({**route, "address": address} if route else {})
    return found


def _through(told: str) -> dict[str, str]:
    """What ``route -n get default`` of BSD prints."""
    pairs = dict(re.findall(r"^\s*(gateway|interface): (\S+)", told, re.MULTILINE))
    return pairs if "interface" in pairs else {}


def _gateway(text: str) -> dict[str, str]:
    rows = [words for words in _rows(text) if not _number(words[1]) and not _number(words[7])]
    if not rows:
        return {}
    best = min(rows, key=lambda words: int(words[6]) if words[6].isdecimal() else 0)
    gateway = str(_little(best[2])) if _number(best[3]) & _FLAG_GATEWAY else ""
    return {"interface": best[0], "gateway": gateway}


def _gateway6(text: str) -> dict[str, str]:
    for line in text.splitlines():
        words = line.split()
        if len(words) == 10 and set(words[0]) == {"0"} and words[1] == "00" and words[9] != "lo":
            if not re.fullmatch(r"[0-9a-f]{32}", words[4]):
                continue
            gateway = ipaddress.IPv6Address(int(words[4], 16))
            return {"interface": words[9], "gateway": str(gateway) if int(gateway) else ""}
    return {}
