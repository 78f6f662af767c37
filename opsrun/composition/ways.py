"""Ways to reach hosts: from what the inventory says to a `Job` for each host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from socket import socket
from typing import TYPE_CHECKING

from opsrun.adhoc.base import Job
from opsrun.engine.base import Engine
from opsrun.engine.crowds import OPEN, Door
from opsrun.engine.stop import Stop
from opsrun.errors import NotBuiltError, UsageError
from opsrun.events import Event, Notice, WorkId, digest
from opsrun.inventory import Host
from opsrun.remote.become import BecomeSpec, BecomeTransport
from opsrun.remote.connection import USUAL, Manner, Transport
from opsrun.secret import Ask, Secret
from opsrun.transports.ssh_config.config import SSHConfig
from opsrun.transports.targets.become import become_spec, myself
from opsrun.transports.targets.build import ConnectionDefaults, build_target
from opsrun.transports.targets.target import LocalTarget, ProgramTarget, SSHTarget, Target

if TYPE_CHECKING:
    from opsrun.composition.pool import Pool
    from opsrun.transports.credentials.keyring import Credential, KeyRing
    from opsrun.transports.credentials.passphrases import Passphrases
    from opsrun.transports.hostkeys.known import KnownHosts
    from opsrun.transports.hostkeys.trust import HostKeys
    from opsrun.transports.ssh.client import SSHShared, SSHTransport
    from opsrun.transports.ssh.jump import Bastions
    from opsrun.transports.ssh.pacing import Pacer

STORY = 2
"""Verbosity from which on connections tell their story; one more, and paramiko's log comes too."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one host will be reached; nothing is reached yet."""

    host: str
    target: Target
    become: BecomeSpec | None = None
    """As whom its commands run; None for the login user."""


def find_ways(
    hosts: Iterable[Host], defaults: ConnectionDefaults, *, becomes: bool = False
) -> list[Way]:
    """Answer every question of configuration for every host, before the first is reached.

    Args:
        hosts: whom to reach.
        defaults: what holds for all of them.
        becomes: whether what is done there is done as another user, where that is asked for.

    Raises:
        UsageError: a connection variable or option can't be used; the message names its origin.
        NotBuiltError: one asks for what is not built yet.
        ConfigError: an ssh_config file is wrong.
    """
    config = defaults.read_ssh_config()
    ways = [_find_way(host, defaults, config, becomes) for host in hosts]
    asked = defaults.become
    if becomes and asked and not asked.everywhere and not any(way.become for way in ways):
        raise UsageError(
            "there is a become user, method or password, and no host that becomes anybody: "
            "say --become (-b) too"
        )
    return ways


def check_manner(ways: Iterable[Way], manner: Manner) -> None:
    """Refuse what some way has no means for, before the first host is reached.

    Raises:
        NotBuiltError: a terminal, or raw words, where that is not to be had.
        UsageError: raw words for this machine's shell.
    """
    if manner == USUAL:
        return
    what = "--raw" if manner.raw else "--pty"
    for way in ways:
        if way.become is not None:
            raise NotBuiltError(f"{way.host}: {what} doesn't go with become ({way.become.method})")
        if isinstance(way.target, ProgramTarget):
            raise NotBuiltError(f"{way.host}: {what} doesn't go through {way.target.program}")
        if isinstance(way.target, LocalTarget) and manner.raw:
            raise UsageError(f"{way.host}: --raw is for hosts that are reached over SSH")


def _find_way(host: Host, defaults: ConnectionDefaults, config: SSHConfig, becomes: bool) -> Way:
    origin = _origins(host)
    target = build_target(host.name, host.variables, defaults, config, origin=origin)
    if not becomes:
        return Way(host.name, target)
    spec = become_spec(
        host.name, host.variables, defaults.become, _login_user(target), origin=origin
    )
    return Way(host.name, target, spec)


def _login_user(target: object) -> str | None:
    """Who logs in, where we know it."""
    if isinstance(target, LocalTarget):
        return myself()
    return target.user if isinstance(target, SSHTarget) else None


def _origins(host: Host) -> Callable[[str], str]:
    variables = host.variables
    return lambda name: str(variables.value(name).origin)


def _door(target: Target) -> Door:
    """What a host's login passes together with others'."""
    if not isinstance(target, SSHTarget):
        return OPEN
    from opsrun.transports.ssh.pacing import door

    return door(target)


class Fleetway:
    """Makes jobs: knows what the connections of one run share, and makes it when it is needed.

    paramiko is imported on the first SSH host, so a run on this machine alone never does.

    Args:
        engine: what the connections wait with.
        ask: asks the operator for a passphrase.
        verbosity: from `STORY` on, connections tell their story.
        keeps: connections stay open for the next run, until `close`.
    """

    def __init__(
        self,
        engine: Engine,
        ask: Ask | None = None,
        verbosity: int = 0,
        *,
        keeps: bool = False,
    ) -> None:
        self._engine = engine
        self.ask = ask
        """Asks the operator in the run that is under way."""
        self._verbosity = verbosity
        self.early: list[Event] = []
        """What there was to say while no run was under way."""
        self._runs: list[Callable[[Event], None]] = []
        self._shared: SSHShared | None = None
        self._known: KnownHosts | None = None
        self._bastions: Bastions | None = None
        self._pacer: Pacer | None = None
        self._keyring: KeyRing | None = None
        self._passphrases: Passphrases | None = None
        self._targets: dict[str, Target] = {}
        self.pool: Pool[SSHTarget] | None = None
        """Connections that are kept; None where none are."""
        if keeps:
            from opsrun.composition.pool import Pool

            self.pool = Pool(engine, self._over_ssh, self._tell_story)

    def jobs(
        self,
        ways: Sequence[Way],
        path: tuple[str, ...],
        what: str,
        *,
        anew: bool = False,
        logs_in: bool = True,
        at_once: int = 1,
    ) -> list[Job]:
        """A job for each way.

        Args:
            ways: see `find_ways`.
            path: the work's path, see `WorkId`.
            what: what is to be done; its digest becomes part of the work's id.
            anew: whether to log in even where a connection was kept.
            logs_in: whether credentials are needed for more than the jump hosts.
            at_once: how many hosts are worked on at the same time.

        Raises:
            ConnectionFailed: a key that was asked for can't be read.
        """
        mark = digest(what)
        self._targets.update((way.host, way.target) for way in ways)
        targets = [way.target for way in ways if isinstance(way.target, SSHTarget)]
        if targets:
            self._share(targets, logs_in, at_once)
        return [
            Job(
                WorkId(way.host, path, mark),
                partial(self.transport, way, anew),
                _door(way.target),
                partial(self._to, way.target, True),
            )
            for way in ways
        ]

    def transport(self, way: Way, anew: bool = False) -> Transport:
        """A transport to one host, and to the user that its commands run as."""
        transport = self._to(way.target, anew)
        if way.become is None:
            return transport
        return BecomeTransport(transport, way.become, self._engine.now, way.host)

    def _to(self, target: Target, anew: bool) -> Transport:
        if isinstance(target, LocalTarget):
            from opsrun.transports.pipe import LocalTransport

            return LocalTransport(target.host, self._engine)
        if isinstance(target, ProgramTarget):
            from opsrun.transports.programs.program import ProgramTransport

            return ProgramTransport(target, self._engine)
        if self.pool is None or anew:
            return self._over_ssh(target)
        return self.pool.transport(target)

    def _over_ssh(self, target: SSHTarget) -> SSHTransport:
        from opsrun.transports.ssh.client import SSHTransport

        assert self._shared is not None
        return SSHTransport(target, self._shared, self._bastions)

    def _share(self, targets: Sequence[SSHTarget], logs_in: bool, at_once: int) -> None:
        from opsrun.transports.hostkeys.verify import KnownHosts, known_key_types, verify
        from opsrun.transports.ssh.client import SSHShared, SSHTransport
        from opsrun.transports.ssh.jump import Bastions
        from opsrun.transports.ssh.pacing import Pacer
        from opsrun.transports.ssh.wire import window_for

        self._tell_what_has_no_effect(targets)
        keyring = self._prepared(targets, logs_in)
        # Anew for each run: somebody may have recorded a key since the last one.
        if self._pacer is None:
            # One for all runs: what a server taught us is true for the next one, too.
            self._pacer = Pacer(self._engine)
        known = self._known = KnownHosts(notify=self._warn)
        shared = self._shared = SSHShared(
            engine=self._engine,
            credentials=keyring.offers,
            verify=lambda target, kind, blob: verify(target, known, kind, blob),
            known_key_types=lambda target: known_key_types(target, known),
            unlock=self._unlock,
            trace=self._trace if self._verbosity >= STORY else None,
            log=self._verbosity > STORY,
            pacer=self._pacer,
            window=window_for(at_once),
        )
        if self._bastions is not None:
            self._bastions.forget_failures()
            return
        self._bastions = Bastions(
            self._engine,
            lambda hop: SSHTransport(hop, self._shared or shared, self._bastions),
            lambda host, words: self.emit(Notice("warning", words, host)),
        )

    def _tell_what_has_no_effect(self, targets: Sequence[SSHTarget]) -> None:
        every = [target for one in targets for target in (*one.hops, one)]
        words = dict.fromkeys(each for target in every for each in target.without_effect)
        if words:
            self._tell_of_all(f"without effect in ssh_config: {', '.join(words)}")

    def _prepared(self, targets: Sequence[SSHTarget], logs_in: bool) -> KeyRing:
        from opsrun.transports.credentials.keyring import KeyRing
        from opsrun.transports.credentials.passphrases import Passphrases

        if self._keyring is None:
            self._keyring = KeyRing(
                can_ask=self.ask is not None,
                lock=self._engine.lock(),
                notify=self._warn,
                tell=self._tell_of_all,
            )
            self._passphrases = Passphrases(self._engine, self._ask, self._warn)
        hops = dict.fromkeys(hop for target in targets for hop in target.hops)
        self._keyring.prepare([*(targets if logs_in else ()), *hops])
        return self._keyring

    def _ask(self, prompt: str, given_up: Callable[[], bool], /) -> Secret | None:
        return None if self.ask is None else self.ask(prompt, given_up)

    def _unlock(self, wanted: Credential, given_up: Callable[[], bool]) -> bool:
        if self._passphrases is None or wanted.locked is None:
            return False
        return self._passphrases.unlock(wanted.locked, given_up)

    def take_early(self) -> list[Event]:
        """What there was to say before a run that could say it."""
        early = self.early[:]
        self.early.clear()
        return early

    def speak_through(self, emit: Callable[[Event], None]) -> None:
        """A run has begun, whose stream takes warnings, and the connections' story."""
        self._runs.append(emit)

    def fall_silent(self, emit: Callable[[Event], None]) -> None:
        """That run is over; what there is to say from now on is said by another one."""
        if emit in self._runs:
            self._runs.remove(emit)

    def emit(self, event: Event) -> None:
        """Say something through the latest run that is under way, or else through the next one."""
        latest = self._runs[-1:]
        (latest[0] if latest else self.early.append)(event)

    def close(self) -> None:
        """Let go of what the connections shared; called when the last of them has ended."""
        if self.pool is not None:
            self.pool.close()
        if self._bastions is not None:
            self._bastions.close()
        if self._keyring is not None:
            self._keyring.close()

    def _warn(self, words: str) -> None:
        self.emit(Notice("warning", words))

    def _tell_of_all(self, line: str) -> None:
        """A line of the story that is no one host's."""
        if self._verbosity >= STORY:
            self.emit(Notice("debug", line))

    def _tell_story(self, host: str, line: str) -> None:
        if self._verbosity >= STORY:
            self._trace(host, line)

    def _trace(self, host: str, line: str) -> None:
        self.emit(Notice("debug", line, host))

    def probe_tcp(self, host: str, port: int, stop: Stop) -> None:
        """Connect to a port of a host's, through its jump host if it has one, and hang up.

        Raises:
            ConnectionFailed: nobody listens there.
            NotBuiltError: no port of the host's can be dialled.
        """
        from opsrun.transports.ssh.dial import DirectRoute, Route, system_resolver
        from opsrun.transports.ssh.jump import JumpRoute

        target = self._targets[host]
        if isinstance(target, LocalTarget):
            target = SSHTarget(host=host, address="127.0.0.1", port=port, user="")
        if isinstance(target, ProgramTarget) or target.proxy_command is not None:
            what = "a program" if isinstance(target, ProgramTarget) else "a ProxyCommand"
            raise NotBuiltError(f"a port can't be dialled through {what}; wait for ssh")
        target = replace(target, port=port)
        route: Route = DirectRoute(target, self._engine, system_resolver)
        if target.jump is not None:
            assert self._bastions is not None
            route = JumpRoute(target, self._engine, self._bastions)
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
        target = self._targets[host]
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

        target = self._targets[host]
        if not isinstance(target, SSHTarget):
            return None
        assert self._shared is not None
        assert self._known is not None
        scan = KeyScan(target, self._shared, self._bastions)
        with stop.closing(scan.close):
            shown = scan.run()
        return judge(target, self._known, shown)
