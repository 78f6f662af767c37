"""Calculations with networks and addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.addresses import Address, netaddr, parsed
from opsrun.playbook.templating.filters.ipaddr import step, whole
from opsrun.playbook.templating.filters.values import is_list
from opsrun.playbook.templating.library import PluginError

_MOST_ADDRESSES = 2**20


def ipsubnet(value: Any, query: Any = "", index: Any = None) -> str | bool:
    """Parts of networks, by their size or place; false where there is no such part.

    Args:
        value: a network, or an address.
        query: a prefix's length: how many networks of that size ``value`` has, or, of an address,
            the network of that size around it. A network: which of its parts of that size
            ``value`` is, counted from 1. By default the network of ``value``.
        index: of the parts (of an address: of the networks around it, the largest first), the
            one of that number, counted from 0, or from the end.
    """
    found = parsed(value)
    if found is None:
        return False
    if query == "":
        return str(found.net.cidr)
    size = whole(query)
    if size is None or size < 0:
        return _place(found, query)
    if size > (32 if found.net.version == 4 else 128):
        return False
    number = None if index is None else _number(index, "ipsubnet's index")
    if found.net.size == 1:
        return _around(found, size, 0 if number is None else number)
    return _part(found, size, number)


def _place(found: Address, query: Any) -> str:
    whole_net = parsed(query)
    if whole_net is None:
        raise PluginError(f"ipsubnet: expected a prefix's length or a network, not {query!r}")
    if found.net not in whole_net.net:
        raise PluginError(f"{found.net} is not in the network {whole_net.net}")
    return str((found.net.first - whole_net.net.first) // found.net.size + 1)


def _around(found: Address, size: int, index: int) -> str | bool:
    sizes = range(size, found.net.prefixlen) or range(size, size + 1)
    if not -len(sizes) <= index < len(sizes):
        return False
    return str(netaddr().IPNetwork(f"{found.ip}/{sizes[index]}").cidr)


def _part(found: Address, size: int, index: int | None) -> str | bool:
    wider = size - found.net.prefixlen
    if wider < 0:
        raise PluginError(f"{found.net} has no part as large as /{size}")
    count = 2**wider
    if index is None:
        return str(count)
    if not -count <= index < count:
        return False
    first = found.net.first + index % count * (found.net.size >> wider)
    return f"{found.at(first)}/{size}"


def _number(value: Any, name: str) -> int:
    number = whole(value)
    if number is None:
        raise PluginError(f"{name} is a whole number, not {value!r}")
    return number


def nthhost(value: Any, query: Any = "") -> str | bool:
    """The address of that number in a network, from 0, or from the end; false where there is
    none."""
    found, index = parsed(value), whole(query)
    if found is None or index is None or not -found.net.size <= index < found.net.size:
        return False
    return found.at(found.net.first + index % found.net.size)


def network_in_network(value: Any, test: Any = "") -> bool:
    """Whether the network ``value`` holds all of ``test``."""
    outer, inner = parsed(value), parsed(test)
    return outer is not None and inner is not None and inner.net in outer.net


def network_in_usable(value: Any, test: Any = "") -> bool:
    """Whether ``test`` begins with an address that hosts of the network ``value`` can have."""
    outer, inner = parsed(value), parsed(test)
    if outer is None or inner is None or inner.net not in outer.net:
        return False
    first, last = outer.usable or (outer.net.first, outer.net.last)
    return first <= inner.net.first <= last


def next_nth_usable(value: Any, offset: Any) -> str | bool | None:
    """The address so many behind this one; None where the network has none for hosts there."""
    found = parsed(value)
    distance = _number(offset, "next_nth_usable's offset")
    return False if found is None else step(found, distance)


def previous_nth_usable(value: Any, offset: Any) -> str | bool | None:
    """The address so many before this one; None where the network has none for hosts there."""
    found = parsed(value)
    distance = _number(offset, "previous_nth_usable's offset")
    return False if found is None else step(found, -distance)


def reduce_on_network(value: Any, network: Any) -> list[Any]:
    """Those of the addresses that are in ``network``."""
    entries = value if is_list(value) else [value]
    return [each for each in entries if network_in_network(network, each)]


def ipmath(value: Any, amount: Any = None) -> str:
    """The address so many behind this one, in whatever network."""
    found = parsed(value) if isinstance(value, str) and not value.isdigit() else None
    if found is None:
        raise PluginError(f"ipmath expects an address, not {value!r}")
    number = int(found.ip) + _number(amount, "ipmath's amount")
    if not 0 <= number < 2 ** (32 if found.net.version == 4 else 128):
        raise PluginError(f"ipmath: there is no address {amount} from {found.ip}")
    return found.at(number)


def cidr_merge(value: Any, action: str = "merge") -> list[str] | str | None:
    """As few networks as hold all the addresses and no more; with ``span``, the one that holds
    them all."""
    if action not in ("merge", "span"):
        raise PluginError(f"cidr_merge's action is merge or span, not {action!r}")
    nets = [_network(each) for each in (value if is_list(value) else [value])]
    if action == "merge":
        return [str(each) for each in netaddr().cidr_merge(nets)]
    if len(nets) < 2:
        return str(nets[0]) if nets else None
    if len({each.version for each in nets}) > 1:
        raise PluginError("cidr_merge: no network spans IPv4 and IPv6")
    return str(netaddr().spanning_cidr(nets))


def _network(value: Any) -> Any:
    found = parsed(value) if isinstance(value, str) and not value.isdigit() else None
    if found is None:
        raise PluginError(f"cidr_merge expects addresses and networks, not {value!r}")
    return found.net


def ip4_hex(value: Any, delimiter: str = "") -> str:
    """The four bytes of an address of IPv4, each in two digits."""
    try:
        return ipaddress.IPv4Address(str(value)).packed.hex(*str(delimiter)[:1])
    except ValueError as error:
        raise PluginError(f"ip4_hex expects an address of IPv4, not {value!r}") from error


def usable_range(value: Any) -> dict[str, Any]:
    """All addresses of a network, and how many they are."""
    try:
        net = ipaddress.ip_network(str(value))
    except ValueError as error:
        raise PluginError(f"usable_range expects a network: {error}") from error
    if net.num_addresses > _MOST_ADDRESSES:
        raise PluginError(f"usable_range: {net} has more than {_MOST_ADDRESSES} addresses")
    return {"usable_ips": [str(each) for each in net], "number_of_ips": net.num_addresses}


_OF_BOTH: dict[str, Callable[..., Any]] = {
    "ipsubnet": ipsubnet,
    "nthhost": nthhost,
    "network_in_network": network_in_network,
    "network_in_usable": network_in_usable,
    "next_nth_usable": next_nth_usable,
    "previous_nth_usable": previous_nth_usable,
    "reduce_on_network": reduce_on_network,
    "ipmath": ipmath,
    "cidr_merge": cidr_merge,
    "ip4_hex": ip4_hex,
}

FILTERS: dict[str, Callable[..., Any]] = {
    **{f"ansible.utils.{name}": function for name, function in _OF_BOTH.items()},
    **{f"ansible.netcommon.{name}": function for name, function in _OF_BOTH.items()},
    "ansible.utils.usable_range": usable_range,
}
