"""Ways to reach hosts: from what the inventory says to a `Job` for each host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from opsrun.adhoc.base import Job
from opsrun.engine.base import Engine
from opsrun.engine.stop import Stop
from opsrun.events import Event, Notice, WorkId, digest
from opsrun.inventory import Host
from opsrun.remote.connection import Transport
from opsrun.secret import Secret
from opsrun.transports.targets.build import ConnectionDefaults, build_target
from opsrun.transports.targets.target import LocalTarget, SSHTarget

if TYPE_CHECKING:
    from opsrun.transports.credentials.keyring import KeyRing
    from opsrun.transports.ssh.client import SSHShared
    from opsrun.transports.ssh.jump import Bastions

Ask = Callable[[str], Secret | None]
"""Asks the operator for a secret; None where there is nobody to ask."""

STORY = 2
"""Verbosity from which on connections tell their story; one more, and paramiko's log comes too."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one host will be reached; nothing is reached yet."""

    host: str
    target: SSHTarget | LocalTarget

    @property
    def endpoint(self) -> tuple[str, int] | None:
        """Address and port; None for this machine itself."""
        if isinstance(self.target, LocalTarget):
            return None
        return self.target.address, self.target.port


def find_ways(hosts: Iterable[Host], defaults: ConnectionDefaults) -> list[Way]:
    """Answer every question of configuration for every host, before the first is reached.

    Raises:
        UsageError: a connection variable or option can't be used; the message names its origin.
        NotBuiltError: one asks for what is not built yet.
        ConfigError: an ssh_config file is wrong.
    """
    config = defaults.read_ssh_config()
    return [
        Way(
            host.name,
            build_target(host.name, host.variables, defaults, config, origin=_origins(host)),
        )
        for host in hosts
    ]


def _origins(host: Host) -> Callable[[str], str]:
    return lambda name: str(host.explain(name)[0].origin)


class Fleetway:
    """Makes jobs: knows what the connections of one run share, and makes it when it is needed.

    paramiko is imported on the first SSH host, so a run on this machine alone never does.
    """

    def __init__(self, engine: Engine, ask: Ask | None = None, verbosity: int = 0) -> None:
        self._engine = engine
        self._ask = ask
        self._verbosity = verbosity
        self.early: list[Event] = []
        """What there was to say before `emit` led anywhere."""
        self.emit: Callable[[Event], None] = self.early.append
        """Takes warnings, and the connections' story."""
        self._shared: SSHShared | None = None
        self._bastions: Bastions | None = None
        self.files_per_host = 2
        """Descriptors that one host takes: a socket and a spare, or the pipes of a process."""
        self._keyring: KeyRing | None = None

    def jobs(self, ways: Sequence[Way], path: tuple[str, ...], what: str) -> list[Job]:
        """A job for each way.

        Args:
            ways: see `find_ways`.
            path: the work's path, see `WorkId`.
            what: what is to be done; its digest becomes part of the work's id.

        Raises:
            ConnectionFailed: a key that was asked for can't be read.
        """
        mark = digest(what)
        targets = [way.target for way in ways if isinstance(way.target, SSHTarget)]
        if targets:
            self._share(targets)
        if len(targets) < len(ways):
            self.files_per_host = 8
        return [
            Job(WorkId(way.host, path, mark), partial(self.transport, way.target), way.endpoint)
            for way in ways
        ]

    def transport(self, target: SSHTarget | LocalTarget) -> Transport:
        """A transport to one host, made anew."""
        if isinstance(target, LocalTarget):
            from opsrun.transports.pipe import LocalTransport

            return LocalTransport(target.host, self._engine)
        from opsrun.transports.ssh.client import SSHTransport

        assert self._shared is not None
        return SSHTransport(target, self._shared, self._bastions)

    def _share(self, targets: Sequence[SSHTarget]) -> None:
        from opsrun.transports.credentials.keyring import KeyRing
        from opsrun.transports.hostkeys.verify import KnownHosts, known_key_types, verify
        from opsrun.transports.ssh.client import SSHShared, SSHTransport
        from opsrun.transports.ssh.jump import Bastions

        self._keyring = KeyRing(ask=self._ask, lock=self._engine.lock(), notify=self._warn)
        hops = dict.fromkeys(hop for target in targets for hop in target.hops)
        self._keyring.prepare([*targets, *hops])
        known = KnownHosts(notify=self._warn)
        self._shared = SSHShared(
            engine=self._engine,
            credentials=self._keyring.offers,
            verify=lambda target, kind, blob: verify(target, known, kind, blob),
            known_key_types=lambda target: known_key_types(target, known),
            trace=self._trace if self._verbosity >= STORY else None,
            log=self._verbosity > STORY,
        )
        shared = self._shared
        self._bastions = Bastions(
            self._engine, lambda hop: SSHTransport(hop, shared, self._bastions)
        )

    def close(self) -> None:
        """Let go of what the connections shared; called when the last of them has ended."""
        if self._bastions is not None:
            self._bastions.close()
        if self._keyring is not None:
            self._keyring.close()

    def _warn(self, words: str) -> None:
        self.emit(Notice("warning", words))

    def _trace(self, host: str, line: str) -> None:
        self.emit(Notice("debug", line, host))

    def probe_tcp(self, address: str, port: int, stop: Stop) -> None:
        """Connect to a port and hang up.

        Raises:
            ConnectionFailed: nobody listens there.
        """
        from opsrun.transports.ssh.dial import Dialler, hang_up, resolve, system_resolver

        target = SSHTarget(host=address, address=address, port=port, user="")
        dialler = Dialler(target, self._engine)
        with stop.closing(dialler.abort):
            hang_up(dialler.dial(resolve(target, self._engine, system_resolver)))
