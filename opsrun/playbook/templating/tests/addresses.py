"""What addresses are: ``is ansible.utils.ipv4``, ``in_network``, ``private`` … Networks with
bits behind their prefix are none here."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import a_list

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MAC = re.compile(
    r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12}", re.I
)


def _address(value: Any) -> _Address | None:
    try:
        return ipaddress.ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _network(value: Any) -> _Network | None:
    try:
        return ipaddress.ip_network(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _of_address(name: str, holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def call(value: Any) -> bool:
        found = _address(value)
        return found is not None and holds(found)

    call.__name__ = name
    return call


def _of_network(name: str, holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def call(value: Any) -> bool:
        found = _network(value)
        return found is not None and holds(found)

    call.__name__ = name
    return call


def _is_hostmask(number: int) -> bool:
    return 0 < number < 2**32 - 1 and number & (number + 1) == 0


def _is_netmask(number: int) -> bool:
    low = number ^ (2**32 - 1)
    return number > 0 and low & (low + 1) == 0


def subnet_of(value: Any, other: Any) -> bool:
    """Whether a network, or an address, is within another network."""
    inner, outer = _network(value), _network(other)
    if isinstance(inner, ipaddress.IPv4Network) and isinstance(outer, ipaddress.IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, ipaddress.IPv6Network) and isinstance(outer, ipaddress.IPv6Network):
        return inner.subnet_of(outer)
    return False


def supernet_of(value: Any, other: Any) -> bool:
    """Whether another network is within this one."""
    return subnet_of(other, value)


def in_any_network(value: Any, others: Any) -> bool:
    """Whether it is within one or more of several networks."""
    return any(subnet_of(value, each) for each in a_list(others, "'is in_any_network'"))


def in_one_network(value: Any, others: Any) -> bool:
    """Whether it is within exactly one of several networks."""
    return [subnet_of(value, each) for each in a_list(others, "'is in_one_network'")].count(
        True
    ) == 1


def mac(value: Any) -> bool:
    """Whether a text is a hardware address of 48 bits: in pairs of digits, in fours, or
    without separators."""
    return isinstance(value, str) and _MAC.fullmatch(value) is not None


def resolvable(value: Any) -> bool:
    """Whether the controller finds an address for the name."""
    try:
        return bool(isinstance(value, str) and value and socket.getaddrinfo(value, None))
    except (OSError, UnicodeError):
        return False


_V4, _V6 = ipaddress.IPv4Address, ipaddress.IPv6Address

_ADDRESSES: dict[str, Callable[[Any], bool]] = {
    "ip_address": lambda found: True,
    "ipv4_address": lambda found: isinstance(found, _V4),
    "ipv6_address": lambda found: isinstance(found, _V6),
    "ipv4_hostmask": lambda found: isinstance(found, _V4) and _is_hostmask(int(found)),
    "ipv4_netmask": lambda found: isinstance(found, _V4) and _is_netmask(int(found)),
    "ipv6_ipv4_mapped": lambda found: getattr(found, "ipv4_mapped", None) is not None,
    "ipv6_sixtofour": lambda found: getattr(found, "sixtofour", None) is not None,
    "ipv6_teredo": lambda found: getattr(found, "teredo", None) is not None,
    "loopback": lambda found: bool(found.is_loopback),
    "multicast": lambda found: bool(found.is_multicast),
    "private": lambda found: bool(found.is_private),
    "public": lambda found: bool(found.is_global),
    "reserved": lambda found: bool(found.is_reserved),
    "unspecified": lambda found: bool(found.is_unspecified),
}
_NETWORKS: dict[str, Callable[[Any], bool]] = {
    "ip": lambda found: True,
    "ipv4": lambda found: bool(found.version == 4),
    "ipv6": lambda found: bool(found.version == 6),
}
_OWN: dict[str, Callable[..., bool]] = {
    **{name: _of_address(name, holds) for name, holds in _ADDRESSES.items()},
    **{name: _of_network(name, holds) for name, holds in _NETWORKS.items()},
    **dict.fromkeys(("in_network", "subnet_of"), subnet_of),
    "supernet_of": supernet_of,
    "in_any_network": in_any_network,
    "in_one_network": in_one_network,
    "mac": mac,
    "resolvable": resolvable,
}

TESTS: dict[str, Callable[..., Any]] = {
    f"ansible.utils.{name}": function for name, function in _OWN.items()
}
