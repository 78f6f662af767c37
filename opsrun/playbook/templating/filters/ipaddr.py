"""What is known of addresses: ``ipaddr`` and its queries, ``ipv4``, ``ipv6``, ``ipwrap``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.addresses import Address, netaddr, parsed
from opsrun.playbook.templating.filters.values import kind
from opsrun.playbook.templating.library import PluginError

Query = Callable[[Address], Any]


def _address(found: Address) -> str | None:
    """IPv6 has no broadcast, and its first address is one like others (RFC 4291, 2.6.1)."""
    one = not found.starts or found.net.version == 6 or found.net.size == 2
    return str(found.ip) if one else None


def _is_host(found: Address) -> bool:
    return not found.starts or found.net.size == 2


def _host(found: Address) -> str | None:
    return str(found.net) if _is_host(found) else None


def _host_of_network(found: Address) -> str | None:
    return _host(found) if found.net.size > 1 else None


def _gateway(found: Address) -> str | bool:
    """An address that a host of the network can have; false for the network's ends."""
    first, last = found.usable or (found.net.first, found.net.last)
    return str(found.net) if first <= int(found.ip) <= last else False


def _beside(part: str) -> Query:
    def query(found: Address) -> str | None:
        known = _host_of_network(found)
        return None if known is None else f"{found.ip} {getattr(found.net, part)}"

    return query


def _pair(part: str) -> Query:
    return lambda found: f"{found.net.network} {getattr(found.net, part)}"


def _where(holds: Callable[[Any], bool]) -> Query:
    return lambda found: found.written if holds(found.ip) else None


def _is_public(ip: Any) -> bool:
    return bool(ip.is_unicast() and ip.is_global())


def _is_private(ip: Any) -> bool:
    return bool(ip.is_unicast() and not ip.is_global())


def _int(found: Address) -> int | str:
    number = int(found.ip)
    return f"{number}/{found.net.prefixlen}" if found.prefixed else number


def _ipv4(found: Address) -> str | bool:
    if found.net.version == 4:
        return found.written
    try:
        return str(found.net.ipv4())
    except (netaddr().AddrConversionError, netaddr().AddrFormatError, ValueError):
        return False


def _ipv6(found: Address) -> str:
    return found.written if found.net.version == 6 else str(found.net.ipv6())


def _6to4(found: Address) -> str | bool:
    """RFC 3056: the 48 bits of prefix that belong to an address of IPv4."""
    if found.net.version == 6:
        return found.written if found.net in netaddr().IPNetwork("2002::/16") else False
    if found.starts or not found.ip.is_unicast():
        return False
    number = int(found.ip)
    return f"2002:{number >> 16:04x}:{number & 0xFFFF:04x}::1/48"


def _network(found: Address) -> None:
    if not found.prefixed:
        raise PluginError(f"{found.written} is an address, not a network: it has no prefix")


def _usable(pick: Callable[[Address, int, int], str | None]) -> Query:
    def query(found: Address) -> str | None:
        _network(found)
        return None if found.usable is None else pick(found, *found.usable)

    return query


def step(found: Address, distance: int) -> str | None:
    """The address so far from this one, if the network has it for hosts."""
    if found.usable is None:
        return None
    first, last = found.usable
    number = int(found.ip) + distance
    return found.at(number) if first <= number <= last else None


def _size_usable(found: Address) -> int:
    first, last = found.usable or (1, 0)
    return last - first + 1


def _peer(found: Address) -> str:
    """The other end of a line between two: of a /31 (RFC 3021), a /30, or IPv6's same sizes."""
    _network(found)
    number, size = int(found.ip), found.net.size
    if size == 2:
        return found.at(number ^ 1)
    if size != 4:
        raise PluginError(f"{found.net} does not connect two hosts: it is no /30, /31 (/126, /127)")
    if number in (found.net.first, found.net.last):
        raise PluginError(f"{found.net}: the ends of a network of four have no peer")
    return found.at(number ^ 3)


def wrapped(found: Address) -> str:
    """With brackets around IPv6, as URLs have it (RFC 3986, 3.2.2)."""
    if found.net.version == 4:
        return found.written
    return f"[{found.ip}]" + (f"/{found.net.prefixlen}" if found.prefixed else "")


_GATEWAYS = ("address/prefix", "gateway", "gw", "host/prefix", "hostnet", "router")

QUERIES: dict[str, Query] = {
    "": str,
    "6to4": _6to4,
    **dict.fromkeys(("address", "ip"), _address),
    **dict.fromkeys(_GATEWAYS, _gateway),
    "bool": lambda found: True,
    "broadcast": lambda found: found.at(found.net.last) if found.net.size > 2 else None,
    "cidr": lambda found: str(found.net),
    "first_usable": _usable(lambda found, first, last: found.at(first)),
    "host": _host,
    **dict.fromkeys(("hostmask", "wildcard"), lambda found: str(found.net.hostmask)),
    "int": _int,
    "ip/prefix": _host_of_network,
    "ip_netmask": _beside("netmask"),
    "ip_wildcard": _beside("hostmask"),
    **dict.fromkeys(("ipv4", "v4"), _ipv4),
    **dict.fromkeys(("ipv6", "v6"), _ipv6),
    "last_usable": _usable(lambda found, first, last: found.at(last)),
    "link-local": _where(lambda ip: bool(ip.is_link_local())),
    **dict.fromkeys(("lo", "loopback"), _where(lambda ip: bool(ip.is_loopback()))),
    "multicast": _where(lambda ip: bool(ip.is_multicast())),
    "net": lambda found: str(found.net) if found.starts else None,
    "netmask": lambda found: str(found.net.netmask),
    **dict.fromkeys(("network", "network_id"), lambda found: str(found.net.network)),
    **dict.fromkeys(("network/prefix", "subnet"), lambda found: str(found.net.cidr)),
    "network_netmask": _pair("netmask"),
    "network_wildcard": _pair("hostmask"),
    "next_usable": _usable(lambda found, first, last: step(found, 1)),
    "peer": _peer,
    "prefix": lambda found: found.net.prefixlen,
    "previous_usable": _usable(lambda found, first, last: step(found, -1)),
    "private": _where(_is_private),
    "public": _where(_is_public),
    "range_usable": _usable(lambda found, first, last: f"{found.at(first)}-{found.at(last)}"),
    "revdns": lambda found: found.ip.reverse_dns,
    "size": lambda found: found.net.size,
    "size_usable": _size_usable,
    "type": lambda found: "network" if found.starts else "address",
    "unicast": _where(lambda ip: bool(ip.is_unicast())),
    "version": lambda found: found.net.version,
    "wrap": wrapped,
}


def _query(query: Any, name: str) -> Query:
    text = str(query)
    if text in QUERIES:
        return QUERIES[text]
    if not isinstance(query, bool):
        index = whole(text)
        if index is not None:
            return partial(_at_index, index)
        net = parsed(text)
        if net is not None:
            return lambda found: found.written if found.net in net.net else None
    raise PluginError(
        f"{name} has no query {text!r}{did_you_mean(text, QUERIES)}; a number and a network are"
        " queries, too"
    )


def whole(value: Any) -> int | None:
    """``value`` as a whole number, where it is one or spells one."""
    try:
        return int(str(value))
    except ValueError:
        return None


def _at_index(index: int, found: Address) -> str | bool:
    if found.net.size == 1:
        return str(found)
    number = found.net.first + index + (found.net.size if index < 0 else 0)
    inside = found.net.first <= number <= found.net.last
    return f"{found.at(number)}/{found.net.prefixlen}" if inside else False


def _asked(value: Any, query: Query, version: int | None, name: str) -> Any:
    if isinstance(value, list):
        known = [each for each in value if isinstance(each, (str, int, list))]
        asked = (_asked(each, query, version, name) for each in known)
        return [each for each in asked if each]
    if not isinstance(value, (str, int)):
        raise PluginError(f"{name} expects an address or a list of them, not {kind(value)}")
    found = parsed(value, version)
    return False if found is None else query(found)


def ipaddr(value: Any, query: Any = "", version: Any = False, alias: str = "ipaddr") -> Any:
    """What ``query`` finds out about an address; false for what is none.

    Args:
        value: text, a number, or a list, of which the entries are left that the query answers.
        query: a name of `QUERIES`; a number, for that address of the network (from the end, if
            it is negative); a network, for those that are within it.
        version: 4 or 6, to take addresses of that version alone.
        alias: the name of the filter, for messages.
    """
    return _asked(value, _query(query, alias), whole(version) or None, alias)


def ipv4(value: Any, query: Any = "") -> Any:
    """`ipaddr` of IPv4 alone."""
    return ipaddr(value, query, 4, "ipv4")


def ipv6(value: Any, query: Any = "") -> Any:
    """`ipaddr` of IPv6 alone."""
    return ipaddr(value, query, 6, "ipv6")


def ipwrap(value: Any, query: Any = "") -> Any:
    """Addresses of IPv6 in brackets; everything else as it is. ``query`` changes nothing."""
    if isinstance(value, list):
        return [ipwrap(each) for each in value]
    if not isinstance(value, (str, int)):
        raise PluginError(f"ipwrap expects text or a list, not {kind(value)}")
    found = parsed(value)
    if found is None:
        return value
    return wrapped(found) if found.net.version == 6 else str(found)


_OWN = {"ipaddr": ipaddr, "ipv4": ipv4, "ipv6": ipv6, "ipwrap": ipwrap}

FILTERS: dict[str, Callable[..., Any]] = {
    f"{collection}.{name}": function
    for collection in ("ansible.utils", "ansible.netcommon")
    for name, function in _OWN.items()
}
