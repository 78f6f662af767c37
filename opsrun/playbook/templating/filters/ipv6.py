"""Parts and forms of addresses: filters of ``ansible.utils``."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from opsrun.playbook.templating.filters.values import one_of
from opsrun.playbook.templating.library import PluginError

_FORMS = ("compress", "expand", "x509")


def ipcut(value: Any, amount: Any) -> str:
    """The first ``amount`` bits of an address, or the last where it is negative; what doesn't
    fill a group is a group of its own."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise PluginError(f"ipcut expects a number of bits, not {amount!r}")
    address = _address(value, "ipcut")
    bits = f"{int(address):0{address.max_prefixlen}b}"
    chosen = bits[:amount] if amount >= 0 else bits[amount:]
    size, base, mark = (16, "x", ":") if address.version == 6 else (8, "d", ".")
    groups = [chosen[at : at + size] for at in range(0, len(chosen), size)]
    return mark.join(format(int(group, 2), base) for group in groups)


def ipv6form(value: Any, form: Any = None, **named: Any) -> str:
    """An address in another form: ``compress``, ``expand``, or ``x509`` (all groups, without
    zeros before them)."""
    if set(named) - {"format"}:
        raise PluginError(f"ipv6form has no option {min(set(named) - {'format'})!r}")
    wanted = one_of(named.get("format", form), _FORMS, "ipv6form's format")
    address = _address(value, "ipv6form")
    if wanted == "expand":
        return address.exploded
    if wanted == "compress":
        return address.compressed
    if address.version == 4:
        raise PluginError(f"ipv6form: x509 is a form of IPv6, and {value} is none")
    return ipcut(value, 128)


def _address(value: Any, name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError as error:
        raise PluginError(f"{name} expects an address, not {value!r}") from error


FILTERS: dict[str, Callable[..., Any]] = {
    "ansible.utils.ipcut": ipcut,
    "ansible.utils.ipv6form": ipv6form,
}
