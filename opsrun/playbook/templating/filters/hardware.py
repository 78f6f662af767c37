"""Hardware addresses (EUI-48, EUI-64), and what IPv6 makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.addresses import netaddr, parsed
from opsrun.playbook.templating.filters.values import kind, one_of
from opsrun.playbook.templating.library import PluginError

_FORMATS = {
    "bare": "mac_bare",
    "cisco": "mac_cisco",
    "eui48": "mac_eui48",
    "linux": "mac_unix_expanded",
    "pgsql": "mac_pgsql",
    "postgresql": "mac_pgsql",
    "psql": "mac_pgsql",
    "unix": "mac_unix",
    "win": "mac_eui48",
}
_QUERIES = ("", "bool", "int", *_FORMATS)


def _eui(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    try:
        return netaddr().EUI(value)
    except (netaddr().AddrFormatError, ValueError):
        return None


def hwaddr(value: Any, query: str = "", alias: str = "hwaddr") -> Any:
    """A hardware address in another form.

    Args:
        value: text in whatever form, or a number.
        query: the form: ``linux``, ``unix``, ``cisco``, ``win``, ``bare``, ``pgsql``, ``int``;
            ``bool``: whether it is an address. By default the text as it is, None if it is none.
        alias: the name of the filter, for messages.
    """
    one_of(query, _QUERIES, f"{alias}'s query")
    if not isinstance(value, (str, int)):
        raise PluginError(f"{alias} expects text or a number, not {kind(value)}")
    found = _eui(value)
    if query in ("", "bool"):
        return None if found is None else query == "bool" or str(value)
    if found is None:
        raise PluginError(f"{alias}: {value!r} is no hardware address")
    if query == "int":
        return int(found)
    if found.version != 48:
        raise PluginError(f"{alias}: {value!r} has 64 bits; {query} is a form of 48")
    return str(netaddr().EUI(int(found), 48, dialect=getattr(netaddr(), _FORMATS[query])))


def macaddr(value: Any, query: str = "") -> Any:
    """`hwaddr`."""
    return hwaddr(value, query, "macaddr")


def slaac(value: Any, query: Any = "") -> str | bool:
    """The address that a host with the hardware address ``query`` gives itself in a network
    (RFC 4862, with the interface's number of RFC 4291, appendix A); false without both."""
    found, eui = parsed(value), _eui(query)
    if found is None or eui is None or found.net.version != 6:
        return False
    return str(eui.ipv6(found.net.first))


_OWN: dict[str, Callable[..., Any]] = {"hwaddr": hwaddr, "macaddr": macaddr, "slaac": slaac}

FILTERS: dict[str, Callable[..., Any]] = {
    f"{collection}.{name}": function
    for collection in ("ansible.utils", "ansible.netcommon")
    for name, function in _OWN.items()
}
