"""Names, groups and addresses of a lab's hosts: pure, apart from the check that a port is free."""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opsrun.errors import LabError, UsageError

DEFAULT_HOSTS = 8
"""As many as ``inventories/lab.yml`` lists."""
MAX_HOSTS = 10_000

_TURNS = ("web", "db", "web", "app")
_NAME = re.compile(r"([a-z][a-z-]*)[0-9]+\Z")
_PER_NET = 250
_PORTS = range(20_000, 32_768)
"""Below the ports that Linux hands out to clients (ip_local_port_range)."""


@dataclass(frozen=True, slots=True)
class LabHost:
    """One host of a lab."""

    name: str
    """Inventory name, ``web01``."""
    address: str
    """Its own loopback address."""
    port: int

    @property
    def group(self) -> str:
        """The name without its number."""
        return group_of(self.name)


def group_of(name: str) -> str:
    """The group of a host: its name without the number.

    Raises:
        UsageError: the name is not lower-case letters followed by a number.
    """
    found = _NAME.match(name)
    if found is None:
        raise UsageError(f"{name!r} can't be a host of the lab: letters and a number, as in web01")
    return found[1]


def host_names(count: int) -> tuple[str, ...]:
    """Names for ``count`` hosts: half web, a quarter each of db and app, numbered from 1.

    Sorted by group; numbers have two digits, or as many as the largest needs.

    Raises:
        UsageError: no count that a lab can have.
    """
    if not 1 <= count <= MAX_HOSTS:
        raise UsageError(f"a lab has 1 to {MAX_HOSTS} hosts, not {count}")
    sizes = dict.fromkeys(("web", "db", "app"), 0)
    for number in range(count):
        sizes[_TURNS[number % len(_TURNS)]] += 1
    return tuple(
        f"{group}{number:0{max(2, len(str(size)))}}"
        for group, size in sizes.items()
        for number in range(1, size + 1)
    )


def checked_names(hosts: int | Sequence[str]) -> tuple[str, ...]:
    """The hosts' names, made up for a number, checked where they are given.

    Raises:
        UsageError: no host, a name twice, or one that no lab takes.
    """
    if isinstance(hosts, int):
        return host_names(hosts)
    for name in hosts:
        group_of(name)
    if not hosts or len(set(hosts)) < len(hosts):
        raise UsageError("a lab needs at least one host, and each name once")
    return tuple(hosts)


def pick_addresses(count: int, rng: random.Random) -> tuple[str, ...]:
    """``count`` neighbouring loopback addresses somewhere in 127.64.0.0 to 127.254.255.250."""
    nets = -(-count // _PER_NET)
    second, third = rng.randint(64, 254), rng.randint(0, 256 - nets)
    return tuple(
        f"127.{second}.{third + number // _PER_NET}.{1 + number % _PER_NET}"
        for number in range(count)
    )


def is_free(address: str, port: int) -> bool:
    """True when a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def place(
    names: Sequence[str],
    rng: random.Random | None = None,
    free: Callable[[str, int], bool] = is_free,
) -> tuple[LabHost, ...]:
    """Give each name a loopback address and one port on which all of them are free.

    Another program may take the port before the servers do: the caller starts over then.

    Raises:
        LabError: twenty random places were all taken, or there is no 127/8 to listen on.
    """
    rng = rng or random.SystemRandom()
    for _ in range(20):
        addresses, port = pick_addresses(len(names), rng), rng.choice(_PORTS)
        if all(free(address, port) for address in addresses):
            return tuple(
                LabHost(name, address, port) for name, address in zip(names, addresses, strict=True)
            )
    raise LabError("found no loopback addresses to listen on: the lab needs Linux's 127.0.0.0/8")
