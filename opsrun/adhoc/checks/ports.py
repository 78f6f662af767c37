"""``tcp:PORT``, ``tcp:HOST:PORT`` and ``port-free:PORT``: who listens, and who doesn't."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from opsrun.adhoc.checks.base import Attempt, HostCheck, Sight, not_yet, port_of, wrong
from opsrun.engine.stop import Stop
from opsrun.errors import ConnectionFailed, UsageError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")
_SIX = re.compile(r"\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]\Z")


@dataclass(frozen=True, slots=True)
class PortCheck(HostCheck):
    """Passes when the host takes a connection to the port, through its jump host if it has one."""

    port: int

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`."""
        return partial(sight.knock, self.port)

    def __str__(self) -> str:
        return f"tcp:{self.port}"


@dataclass(frozen=True, slots=True)
class AddressCheck:
    """Passes when this machine gets a connection to an address, whoever's it is."""

    address: str
    port: int
    is_shared = True
    needs_shell = False
    pattern = None

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`."""
        return partial(self._look, sight)

    def _look(self, sight: Sight, stop: Stop) -> None:
        with sight.dial(self.address, self.port, stop):
            pass

    def __str__(self) -> str:
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"tcp:{address}:{self.port}"


@dataclass(frozen=True, slots=True)
class PortFreeCheck(HostCheck):
    """Passes when the host itself says that nobody listens at the port.

    A refusal says so. Silence doesn't: a filter, or a host that is down, is silent as well.
    """

    port: int

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`."""
        return partial(self._look, sight)

    def _look(self, sight: Sight, stop: Stop) -> None:
        try:
            sight.knock(self.port, stop)
        except ConnectionFailed as error:
            if error.refused:
                return
            raise
        raise not_yet(sight.host, f"somebody listens at port {self.port}")

    def __str__(self) -> str:
        return f"port-free:{self.port}"


def parse_tcp(text: str, rest: str) -> PortCheck | AddressCheck:
    """Read what follows ``tcp:``.

    Raises:
        UsageError: it is neither a port nor an address and a port.
    """
    address, colon, port = rest.rpartition(":")
    if not colon:
        return PortCheck(port_of(text, rest))
    return AddressCheck(_address(text, address), port_of(text, port))


def parse_free(text: str, rest: str) -> PortFreeCheck:
    """Read what follows ``port-free:``.

    Raises:
        UsageError: it is no port.
    """
    return PortFreeCheck(port_of(text, rest))


def _address(text: str, address: str) -> str:
    if found := _SIX.match(address):
        return found[1]
    if _NAME.match(address):
        return address
    if ":" in address and not address.startswith("["):
        raise UsageError(
            f"can't wait for {text!r}: an IPv6 address stands in brackets, as in tcp:[::1]:443"
        )
    raise wrong(text, "tcp:PORT or tcp:HOST:PORT")
