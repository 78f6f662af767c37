"""Interfaces and addresses, as ip(8) tells them."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from opsrun.modules.looking import Answers

_LINK = re.compile(r"\d+: ([^:@\s]+)(?:@\S+)?: <([^>]*)> (.*)")
_TYPES = {"ether": "ether", "loopback": "loopback", "infiniband": "infiniband"}


def network(answers: Answers) -> dict[str, Any]:
    """``interfaces``, one fact for each of them, all addresses and the default ones."""
    links = _links(answers.text("link"))
    _addresses(answers.text("addr"), links)
    v4 = [a["address"] for each in links.values() for a in _all(each, "ipv4")]
    v6 = [a["address"] for each in links.values() for a in _all(each, "ipv6")]
    facts: dict[str, Any] = {"interfaces": list(links)}
    facts |= {re.sub(r"[-:.]", "_", name): each for name, each in links.items()}
    facts["all_ipv4_addresses"] = [each for each in v4 if not each.startswith("127.")]
    facts["all_ipv6_addresses"] = [each for each in v6 if each != "::1"]
    facts["default_ipv4"] = _default(answers.text("route4"), links, "ipv4")
    facts["default_ipv6"] = _default(answers.text("route6"), links, "ipv6")
    return facts


def _links(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in text.splitlines():
        match = _LINK.match(line)
        if match is None:
            continue
        flags, rest = match[2].split(","), match[3]
        each: dict[str, Any] = {"device": match[1], "active": "UP" in flags}
        each["promisc"] = "PROMISC" in flags
        mtu = re.search(r"\bmtu (\d+)", rest)
        if mtu is not None:
            each["mtu"] = int(mtu[1])
        kind = re.search(r"link/(\S+)(?: ([0-9a-f:]{17}))?", rest)
        if kind is not None:
            each["type"] = _TYPES.get(kind[1], "unknown")
            if kind[2] and kind[1] != "loopback":
                each["macaddress"] = kind[2]
        found[match[1]] = each
    return found


def _addresses(text: str, links: dict[str, dict[str, Any]]) -> None:
    for line in text.splitlines():
        words = line.split()
        if len(words) < 4 or words[1].partition("@")[0] not in links:
            continue
        name, family, written = words[1].partition("@")[0], words[2], words[3]
        each = links[name]
        try:
            found = ipaddress.ip_interface(written)
        except ValueError:
            continue
        if family == "inet":
            broadcast = words[words.index("brd") + 1] if "brd" in words else ""
            told = {
                "address": str(found.ip),
                "broadcast": broadcast,
                "netmask": str(found.netmask),
                "network": str(found.network.network_address),
                "prefix": str(found.network.prefixlen),
            }
            if "ipv4" in each:
                each.setdefault("ipv4_secondaries", []).append(told)
            else:
                each["ipv4"] = told
        elif family == "inet6":
            scope = words[words.index("scope") + 1] if "scope" in words else ""
            told = {
                "address": str(found.ip),
                "prefix": str(found.network.prefixlen),
                "scope": scope,
            }
            each.setdefault("ipv6", []).append(told)


def _all(link: dict[str, Any], family: str) -> list[dict[str, Any]]:
    if family == "ipv6":
        return list(link.get("ipv6", ()))
    return [*([link["ipv4"]] if "ipv4" in link else []), *link.get("ipv4_secondaries", ())]


def _default(route: str, links: dict[str, dict[str, Any]], family: str) -> dict[str, Any]:
    words = route.split()

    def after(word: str) -> str:
        return words[words.index(word) + 1] if word in words[:-1] else ""

    link = links.get(after("dev"))
    if link is None or not after("src"):
        return {}
    address = next((a for a in _all(link, family) if a["address"] == after("src")), {})
    found = {"interface": after("dev"), "address": after("src"), "gateway": after("via")}
    if family == "ipv4":
        found["alias"] = after("dev")
    found |= {key: link[key] for key in ("macaddress", "mtu", "type") if key in link}
    return {key: value for key, value in {**address, **found}.items() if value != ""}
