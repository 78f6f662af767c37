"""From a host's address to a connected socket, dialled by ourselves and within deadlines."""

from __future__ import annotations

import _socket
import errno
import ipaddress
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed
from opsrun.remote.deadline import Deadline
from opsrun.transports.targets.target import SSHTarget

AddressInfo = tuple[int, tuple[Any, ...]]
"""Address family, and the address in that family's form (see socket(2))."""

Resolver = Callable[[str, int], Sequence[AddressInfo]]

_FAMILIES = {"any": None, "inet": int(socket.AF_INET), "inet6": int(socket.AF_INET6)}

_WORDS = {
    errno.ECONNREFUSED: ("connection refused", "is sshd running, and on this port?"),
    errno.EHOSTUNREACH: ("no route to host", "is the host up, and the address right?"),
    errno.ENETUNREACH: ("network unreachable", "is there a route to this network?"),
    errno.ETIMEDOUT: ("no answer", "is the host up, and the port not filtered?"),
    errno.ECONNRESET: ("connection reset", "something on the way refuses the connection"),
    errno.EMFILE: ("too many open files", "lower --forks, or raise the limit (ulimit -n)"),
}


def system_resolver(name: str, port: int) -> list[AddressInfo]:
    """Ask the system's resolver (getaddrinfo(3)).

    The C module's function: the one in `socket` may have been made cooperative, and this call
    runs on a native thread.
    """
    found = _socket.getaddrinfo(name, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
    return list(dict.fromkeys((int(family), sockaddr) for family, _, _, _, sockaddr in found))


def resolve(target: SSHTarget, engine: Engine, resolver: Resolver) -> Sequence[AddressInfo]:
    """Addresses to dial, in the resolver's order; a literal address asks nobody.

    Raises:
        ConnectionFailed: phase dns.
    """
    literal = _literal(target.address, target.port)
    if literal is not None:
        return [literal]
    seconds = target.timeouts.dns
    try:
        found = engine.offload(resolver, target.address, target.port, timeout=seconds)
    except TimeoutError:
        words = f"no answer for {target.address} within {seconds:g} s"
        raise _failed(target, "dns", words, "the resolver is slow, or out of reach") from None
    except (OSError, UnicodeError) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _failed(
            target, "dns", f"{target.address}: {words}", "check the name, or set ansible_host"
        ) from error
    family = _FAMILIES[target.address_family]
    wanted = [address for address in found if family in (None, address[0])]
    if not wanted:
        kind = "" if family is None else f" {target.address_family}"
        raise _failed(target, "dns", f"{target.address} has no{kind} address", "set ansible_host")
    return wanted


def _literal(address: str, port: int) -> AddressInfo | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if parsed.version == 4:
        return socket.AF_INET, (address, port)
    zone = address.partition("%")[2]
    scope = socket.if_nametoindex(zone) if zone and not zone.isdigit() else int(zone or 0)
    return socket.AF_INET6, (address.partition("%")[0], port, 0, scope)


class Route(Protocol):
    """A way to one host's SSH server, whatever lies between."""

    def open(self) -> Any:
        """Something with a socket's ``recv send settimeout shutdown close``, connected.

        Raises:
            ConnectionFailed: with the phase that did not end well.
        """

    def hang_up(self) -> None:
        """Close what was opened most recently; whoever waits for it wakes up."""

    def abort(self) -> None:
        """Give up, also in the middle of `open`; safe from any other task."""


class DirectRoute:
    """Resolves the name, and dials; see `Route`."""

    def __init__(self, target: SSHTarget, engine: Engine, resolver: Resolver) -> None:
        self._target = target
        self._engine = engine
        self._resolver = resolver
        self._dialler = Dialler(target, engine)
        self.hang_up = self._dialler.hang_up
        self.abort = self._dialler.abort

    def open(self) -> socket.socket:
        """See `Route.open`."""
        return self._dialler.dial(resolve(self._target, self._engine, self._resolver))


class Dialler:
    """Connects one socket; `abort` wakes it from any other task."""

    def __init__(self, target: SSHTarget, engine: Engine) -> None:
        self._target = target
        self._engine = engine
        self._socket: socket.socket | None = None
        self._aborted = False

    def abort(self) -> None:
        """Give up, also in the middle of a connect."""
        self._aborted = True
        self.hang_up()

    def hang_up(self) -> None:
        """Close the socket, if there is one."""
        if self._socket is not None:
            hang_up(self._socket)

    def dial(self, addresses: Sequence[AddressInfo]) -> socket.socket:
        """A connected socket to the first address that answers.

        Each address gets a fair part of what is left of the deadline, so that a black-holed one
        can't use up the time of those behind it.

        Raises:
            ConnectionFailed: phase tcp; of the last address tried.
        """
        deadline = Deadline("tcp", self._target.timeouts.tcp, self._engine.now)
        last: ConnectionFailed | None = None
        for position, (family, address) in enumerate(addresses):
            share = (deadline.remaining() or 0.0) / (len(addresses) - position)
            if self._aborted or share <= 0:
                break
            try:
                return self._connect(family, address, share)
            except OSError as error:
                last = self._translate(error, address, deadline)
        if last is None:
            last = _failed(self._target, "tcp", "given up", "")
        raise last

    def _connect(self, family: int, address: tuple[Any, ...], seconds: float) -> socket.socket:
        sock = self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(seconds)
            sock.connect(address)
            # Worth 10 to 20 % on short commands: SSH writes small packets.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            sock.close()
            raise
        return sock

    def _translate(
        self, error: OSError, address: tuple[Any, ...], deadline: Deadline
    ) -> ConnectionFailed:
        where = f"{address[0]} port {address[1]}"
        if isinstance(error, TimeoutError) and error.errno is None:
            words, hint = f"no answer within {deadline.elapsed():.1f} s", _WORDS[errno.ETIMEDOUT][1]
        elif error.errno in _WORDS:
            words, hint = _WORDS[error.errno]
        else:
            words, hint = (os.strerror(error.errno) if error.errno else str(error)), ""
        failure = _failed(self._target, "tcp", f"{where}: {words}", hint)
        failure.__cause__ = error
        return failure


def hang_up(sock: socket.socket) -> None:
    """Close a socket so that whoever waits for it, in any thread, wakes up."""
    try:
        # close() alone leaves a thread in recv() or connect() where it is.
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()


def _failed(target: SSHTarget, phase: str, message: str, hint: str) -> ConnectionFailed:
    return ConnectionFailed(message, host=target.host, phase=phase, hint=hint)
