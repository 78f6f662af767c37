"""Interfaces and addresses: of ip(8), else of ifconfig(8), else of /proc/net."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from opsrun.modules.facts import oldnet
from opsrun.modules.facts.addresses import Link, v4, v6
from opsrun.modules.facts.files import Files
from opsrun.modules.looking import Answers

_LINK = re.compile(r"\d+: ([^:@\s]+)(?:@\S+)?: <([^>]*)> (.*)")
_KINDS = {"ether": "ether", "loopback": "loopback", "infiniband": "infiniband", "ppp": "ppp"}
_TYPES = {1: "ether", 32: "infiniband", 512: "ppp", 772: "loopback", 65534: "tunnel"}
"""ARPHRD_… of if_arp.h."""
_BONDING = ("mode", "miimon", "lacp_rate", "primary")
_PROMISC = 0x100
"""IFF_PROMISC of if.h."""


def network(answers: Answers, files: Files) -> dict[str, Any]:
    """``interfaces``, one fact for each of them, all addresses and the default ones."""
    if answers.get("addr") is not None:
        links = _addresses(answers.text("addr"))
        routes = [_route(answers.text(f"route{family}")) for family in (4, 6)]
    else:
        links = oldnet.links(answers.text("ifconfig"), Files(answers.text("net"), ""))
        routes = oldnet.routes(answers, Files(answers.text("net"), ""), links)
    for name, link in links.items():
        link.told = {**_hardware(files, name), **link.told, **_details(files, name)}
    names = {name: re.sub(r"[-:.]", "_", name) for name in links}
    facts: dict[str, Any] = {"interfaces": [names[name] for name in links]}
    facts |= {names[name]: link.to_dict() for name, link in links.items()}
    every4 = [each["address"] for link in links.values() for each in link.all4()]
    every6 = [each["address"] for link in links.values() for each in link.v6]
    facts["all_ipv4_addresses"] = [
        each for each in dict.fromkeys(every4) if not each.startswith("127.")
    ]
    facts["all_ipv6_addresses"] = [each for each in dict.fromkeys(every6) if each != "::1"]
    facts["default_ipv4"] = _default(routes[0], links, "ipv4")
    facts["default_ipv6"] = _default(routes[1], links, "ipv6")
    own = {f"ipv{n}": set(_local(answers.text(f"local{n}"))) for n in (4, 6)}
    if answers.get("local4") is None:
        own = {"ipv4": set(every4), "ipv6": set(every6)}
        if "127.0.0.1" in every4:
            own["ipv4"].add("127.0.0.0/8")
    facts["locally_reachable_ips"] = {family: sorted(told) for family, told in own.items()}
    return facts


def _addresses(text: str) -> dict[str, Link]:
    found: dict[str, Link] = {}
    link: Link | None = None
    for line in text.splitlines():
        match = _LINK.match(line)
        if match is not None:
            link = found[match[1]] = _link(match[1], match[2].split(","), match[3])
            continue
        words = line.split()
        if link is None or len(words) < 2:
            continue
        if words[0].startswith("link/"):
            link.told["type"] = _KINDS.get(words[0].removeprefix("link/"), "unknown")
            if re.fullmatch(r"([0-9a-f]{2}:){5,}[0-9a-f]{2}", words[1]) and words[0] != _LOOP:
                link.told["macaddress"] = words[1]
        elif words[0] in ("inet", "inet6"):
            _address(words, link, found)
    return found


_LOOP = "link/loopback"


def _link(name: str, flags: list[str], rest: str) -> Link:
    mtu = re.search(r"\bmtu ([0-9]{1,9})", rest)
    told: dict[str, Any] = {"device": name, "active": "UP" in flags, "promisc": "PROMISC" in flags}
    return Link(told | ({"mtu": int(mtu[1])} if mtu is not None else {}))


def _address(words: list[str], link: Link, links: dict[str, Link]) -> None:
    """One line of it: ``inet A/N [peer B/N] [brd C] scope S … [LABEL]``."""

    def after(word: str) -> str:
        return words[words.index(word) + 1] if word in words[:-1] else ""

    written = words[1]
    if "peer" in words and "/" not in written:
        written += f"/{after('peer').partition('/')[2] or 32}"
    try:
        found = ipaddress.ip_interface(written)
    except ValueError:
        return
    if isinstance(found, ipaddress.IPv6Interface):
        link.v6.append(v6(found, after("scope")))
        return
    told = v4(found, after("brd"))
    name = link.told["device"]
    link.add4(told)
    label = words[-1]
    if label.startswith(f"{name}:"):
        # An alias: an interface of its own, as far as old programs are concerned.
        links.setdefault(label, Link()).secondaries.append(told)


def _hardware(files: Files, name: str) -> dict[str, Any]:
    """What programs that tell of addresses may leave out."""
    top = f"/sys/class/net/{name}"
    found: dict[str, Any] = {}
    mtu, address = files.number(f"{top}/mtu"), files.value(f"{top}/address")
    if mtu is not None:
        found["mtu"] = mtu
    if re.fullmatch(r"([0-9a-f]{2}:){5,}[0-9a-f]{2}", address) and address.strip("0:"):
        found["macaddress"] = address
    return found


def _details(files: Files, name: str) -> dict[str, Any]:
    """What /sys/class/net tells of an interface."""
    top = f"/sys/class/net/{name}"
    found: dict[str, Any] = {}
    kind = files.number(f"{top}/type")
    if kind is not None:
        found["type"] = _TYPES.get(kind, "unknown")
    speed = files.number(f"{top}/speed")
    if speed is not None:
        found["speed"] = speed
    state = files.value(f"{top}/operstate")
    if state:
        found["active"] = state != "down"
    flags = files.value(f"{top}/flags")
    if re.fullmatch(r"0x[0-9a-fA-F]+", flags):
        found["promisc"] = bool(int(flags, 16) & _PROMISC)
    if files.target(f"{top}/device"):
        found["pciid"] = files.target(f"{top}/device").rsplit("/", 1)[-1]
    return found | _bridge(files, top) | _bond(files, top)


def _bridge(files: Files, top: str) -> dict[str, Any]:
    if files.get(f"{top}/bridge/bridge_id") is None:
        return {}
    return {
        "type": "bridge",
        "id": files.value(f"{top}/bridge/bridge_id"),
        "stp": files.value(f"{top}/bridge/stp_state") == "1",
        "interfaces": files.names(f"{top}/brif"),
    }


def _bond(files: Files, top: str) -> dict[str, Any]:
    if files.get(f"{top}/bonding/mode") is None:
        return {}
    told = {name: files.value(f"{top}/bonding/{name}").split(" ")[0] for name in _BONDING}
    found: dict[str, Any] = {name: value for name, value in told.items() if value}
    found["slaves"] = files.value(f"{top}/bonding/slaves").split()
    found["all_slaves_active"] = files.value(f"{top}/bonding/all_slaves_active") == "1"
    return {"type": "bonding", **found}


def _route(told: str) -> dict[str, str]:
    words = told.split()

    def after(word: str) -> str:
        return words[words.index(word) + 1] if word in words[:-1] else ""

    return {"interface": after("dev"), "address": after("src"), "gateway": after("via")}


def _default(route: dict[str, str], links: dict[str, Link], family: str) -> dict[str, Any]:
    name = route.get("interface", "")
    link = links.get(name)
    if link is None or not route.get("address"):
        return {}
    several = link.all4() if family == "ipv4" else link.v6
    address = next((each for each in several if each["address"] == route["address"]), {})
    found: dict[str, Any] = {key: value for key, value in route.items() if value}
    if family == "ipv4":
        found["alias"] = name
    found |= {key: link.told[key] for key in ("macaddress", "mtu", "type") if key in link.told}
    return {**address, **found}


def _local(told: str) -> Iterator[str]:
    for line in told.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "local":
            yield words[1]
