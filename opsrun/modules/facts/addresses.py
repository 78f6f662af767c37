"""One interface with its addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Link:
    """An interface, as it becomes known."""

    told: dict[str, Any] = field(default_factory=dict)
    """``device``, ``mtu``, ``type`` and so on."""
    v4: dict[str, str] | None = None
    """Its first address."""
    secondaries: list[dict[str, str]] = field(default_factory=list)
    v6: list[dict[str, str]] = field(default_factory=list)

    def add4(self, address: dict[str, str]) -> None:
        """One more address; the first one is the interface's own."""
        if self.v4 is None:
            self.v4 = address
        else:
            self.secondaries.append(address)

    def all4(self) -> list[dict[str, str]]:
        """All addresses of IPv4."""
        return [*([self.v4] if self.v4 else []), *self.secondaries]

    def to_dict(self) -> dict[str, Any]:
        """As the fact has it."""
        found: dict[str, Any] = dict(self.told)
        if self.v4 is not None:
            found["ipv4"] = self.v4
        if self.secondaries:
            found["ipv4_secondaries"] = self.secondaries
        if self.v6:
            found["ipv6"] = self.v6
        return found


def v4(address: ipaddress.IPv4Interface, broadcast: str) -> dict[str, str]:
    """An address as facts have it."""
    return {
        "address": str(address.ip),
        "broadcast": broadcast,
        "netmask": str(address.netmask),
        "network": str(address.network.network_address),
        "prefix": str(address.network.prefixlen),
    }


def v6(address: ipaddress.IPv6Interface, scope: str) -> dict[str, str]:
    """An address as facts have it."""
    bare = str(ipaddress.IPv6Address(int(address.ip)))
    return {"address": bare, "prefix": str(address.network.prefixlen), "scope": scope}
