"""IP addresses as filters take them: text, or a number, with or without the prefix of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opsrun.playbook.templating.library import PluginError

if TYPE_CHECKING:
    import types

    from netaddr import IPAddress, IPNetwork


def netaddr() -> types.ModuleType:
    """The package netaddr, which costs time to import. Raises PluginError."""
    try:
        import netaddr as found
    except ImportError as error:
        raise PluginError(
            "filters of addresses need the Python package netaddr: pip install netaddr"
        ) from error
    return found


@dataclass(frozen=True, slots=True)
class Address:
    """An address, or a network, and how it was written."""

    net: IPNetwork
    """The address with its network: a single address has all bits in its prefix."""
    prefixed: bool
    """Whether a prefix or a mask was written."""
    written: str
    """The text that was given; for numbers, the address and its prefix."""

    @property
    def ip(self) -> IPAddress:
        """The address alone."""
        return self.net.ip

    @property
    def starts(self) -> bool:
        """Whether the address is the first one of a network of several."""
        return self.net.size > 1 and int(self.net.ip) == self.net.first

    @property
    def usable(self) -> tuple[int, int] | None:
        """The first and the last address for hosts: of more than two, all but both ends (the
        broadcast address, and the network's own); of two, both (RFC 3021). None for one."""
        if self.net.size == 1:
            return None
        ends = 0 if self.net.size == 2 else 1
        return self.net.first + ends, self.net.last - ends

    def at(self, number: int) -> str:
        """The text of an address of the same kind."""
        return str(netaddr().IPAddress(number, self.net.version))

    def __str__(self) -> str:
        return str(self.net if self.prefixed else self.net.ip)


def parsed(value: Any, version: int | None = None) -> Address | None:
    """What ``value`` says, if it is an address of ``version`` (4, 6); None if it isn't.

    A number below 2³² is of IPv4, unless ``version`` says otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)) or not value:
        return None
    text = str(value)
    number, slash, prefix = text.partition("/")
    if number.isascii() and number.isdigit():
        return _of_number(int(number), prefix if slash else None, version)
    try:
        net = netaddr().IPNetwork(text)
    except (netaddr().AddrFormatError, ValueError):
        return None
    return _wanted(Address(net, bool(slash), text), version)


def _of_number(number: int, prefix: str | None, version: int | None) -> Address | None:
    kind = version if version and prefix is None else 4 if number < 2**32 else 6
    try:
        net = netaddr().IPNetwork(netaddr().IPAddress(number, kind))
        if prefix is not None:
            net = netaddr().IPNetwork(f"{net.ip}/{prefix}")
    except (netaddr().AddrFormatError, ValueError):
        return None
    return _wanted(Address(net, prefix is not None, str(net)), version)


def _wanted(found: Address, version: int | None) -> Address | None:
    return found if version in (None, found.net.version) else None
