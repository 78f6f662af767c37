"""What is looked at from here, without a shell of the host's: ports, addresses, host keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from socket import socket
from typing import TYPE_CHECKING

from opsrun.engine.stop import Stop
from opsrun.errors import NotBuiltError
from opsrun.transports.targets.target import LocalTarget, ProgramTarget, SSHTarget

if TYPE_CHECKING:
    from opsrun.composition.fleetway import Fleetway
    from opsrun.transports.hostkeys.trust import HostKeys


class Probes:
    """Looks at hosts by their names, as `Outlook` and `Means` promise.

    Args:
        fleetway: that has the ways to them.
    """

    def __init__(self, fleetway: Fleetway) -> None:
        self._fleetway = fleetway
        self._engine = fleetway.engine

    def probe_tcp(self, host: str, port: int, stop: Stop) -> None:
        """Connect to a port of a host's, through its jump host if it has one, and hang up.

        Raises:
            ConnectionFailed: nobody listens there.
            NotBuiltError: no port of the host's can be dialled.
        """
        from opsrun.transports.ssh.dial import DirectRoute, Route, system_resolver
        from opsrun.transports.ssh.jump import JumpRoute

        target = self._fleetway.targets[host]
        if isinstance(target, LocalTarget):
            target = SSHTarget(host=host, address="127.0.0.1", port=port, user="")
        if isinstance(target, ProgramTarget) or target.proxy_command is not None:
            what = "a program" if isinstance(target, ProgramTarget) else "a ProxyCommand"
            raise NotBuiltError(f"a port can't be dialled through {what}; wait for ssh")
        target = replace(target, port=port)
        route: Route = DirectRoute(target, self._engine, system_resolver)
        if target.jump is not None:
            assert self._fleetway.bastions is not None
            route = JumpRoute(target, self._engine, self._fleetway.bastions)
        with stop.closing(route.abort):
            try:
                route.open()
            finally:
                route.hang_up()

    def address(self, host: str) -> str:
        """The name or address that is dialled for a host.

        Raises:
            NotBuiltError: it is reached through a program, and none is known.
        """
        target = self._fleetway.targets[host]
        if isinstance(target, ProgramTarget):
            words = f"{host} is reached through {target.program}"
            raise NotBuiltError(f"{words}, which tells no address to put for {{host}}")
        return target.address if isinstance(target, SSHTarget) else "127.0.0.1"

    @contextmanager
    def dial(self, host: str, address: str, port: int, stop: Stop) -> Iterator[socket]:
        """Connect to any address from here; closed when the block is left, or by the stop.

        Raises:
            ConnectionFailed: nobody listens there; of ``host``, who wanted to know.
        """
        from opsrun.transports.ssh.dial import DirectRoute, system_resolver

        target = SSHTarget(host=host, address=address, port=port, user="")
        route = DirectRoute(target, self._engine, system_resolver)
        with stop.closing(route.abort):
            try:
                yield route.open()
            finally:
                route.hang_up()

    def scan_keys(self, host: str, stop: Stop) -> HostKeys | None:
        """Ask a host for its keys; see `ScanKeys`.

        Raises:
            ConnectionFailed: it did not show them.
        """
        from opsrun.transports.hostkeys.trust import judge
        from opsrun.transports.ssh.scan import KeyScan

        target = self._fleetway.targets[host]
        if not isinstance(target, SSHTarget):
            return None
        assert self._fleetway.shared is not None
        assert self._fleetway.known is not None
        scan = KeyScan(target, self._fleetway.shared, self._fleetway.bastions)
        with stop.closing(scan.close):
            shown = scan.run()
        return judge(target, self._fleetway.known, shown)
