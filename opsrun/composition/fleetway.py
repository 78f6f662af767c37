"""How a run reaches its hosts: a `Job` for each, over what the connections share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from opsrun.adhoc.base import Job
from opsrun.composition.voice import Voice
from opsrun.composition.ways import Way
from opsrun.engine.base import Engine
from opsrun.engine.crowds import OPEN, Door
from opsrun.events import WorkId, digest
from opsrun.remote.become import BecomeTransport
from opsrun.remote.connection import Transport
from opsrun.secret import Ask, Secret
from opsrun.transports.targets.target import LocalTarget, ProgramTarget, SSHTarget, Target

if TYPE_CHECKING:
    from opsrun.composition.pool import Pool
    from opsrun.transports.credentials.keyring import Credential, KeyRing
    from opsrun.transports.credentials.passphrases import Passphrases
    from opsrun.transports.hostkeys.verify import KnownHosts
    from opsrun.transports.ssh.client import SSHShared, SSHTransport
    from opsrun.transports.ssh.jump import Bastions
    from opsrun.transports.ssh.pacing import Pacer


def nothing() -> None:
    """Let go of nothing: what is kept is kept for all runs, or nothing is."""


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
        verbosity: see `Voice`.
        keeps: connections stay open for whoever comes next, until `close`.
    """

    def __init__(
        self,
        engine: Engine,
        ask: Ask | None = None,
        verbosity: int = 0,
        *,
        keeps: bool = False,
    ) -> None:
        self.engine = engine
        self.ask = ask
        """Asks the operator in the run that is under way."""
        self.voice = Voice(verbosity)
        self.shared: SSHShared | None = None
        """What all SSH connections have in common; None before the first of them."""
        self.known: KnownHosts | None = None
        self.bastions: Bastions | None = None
        self.targets: dict[str, Target] = {}
        """By the host's name."""
        self._pacer: Pacer | None = None
        self._keyring: KeyRing | None = None
        self._passphrases: Passphrases | None = None
        self.pool: Pool[SSHTarget] | None = None
        """Connections that are kept; None where none are."""
        self._renews = False
        if keeps:
            from opsrun.composition.pool import Pool

            self.pool = Pool(engine, self._over_ssh, self.voice.tell_of)

    def jobs(
        self,
        ways: Sequence[Way],
        path: tuple[str, ...],
        what: str,
        *,
        anew: bool = False,
        lets_go: bool = False,
        logs_in: bool = True,
        at_once: int = 1,
    ) -> list[Job]:
        """A job for each way.

        Args:
            ways: see `find_ways`.
            path: the work's path, see `WorkId`.
            what: what is to be done; its digest becomes part of the work's id.
            anew: whether to log in even where a connection was kept.
            lets_go: whether a host's connection is kept for its own work alone, see `Job.let_go`.
            logs_in: whether credentials are needed for more than the jump hosts.
            at_once: how many hosts are worked on at the same time.

        Raises:
            ConnectionFailed: a key that was asked for can't be read.
        """
        mark = digest(what)
        self.targets.update((way.host, way.target) for way in ways)
        targets = [way.target for way in ways if isinstance(way.target, SSHTarget)]
        if targets:
            self._share(targets, logs_in, at_once)
        return [
            self.job(way, WorkId(way.host, path, mark), anew=anew, lets_go=lets_go) for way in ways
        ]

    def job(self, way: Way, work: WorkId, *, anew: bool = False, lets_go: bool = False) -> Job:
        """The job of one way, whose target has been admitted; see `jobs`."""
        return Job(
            work,
            partial(self.transport, way, anew),
            _door(way.target),
            partial(self._to, way.target, True),
            partial(self.let_go, way.target) if lets_go else nothing,
        )

    def renew(self) -> None:
        """Another run begins that admits its targets one by one: look at known hosts anew."""
        self._renews = True

    def admit(self, target: Target, at_once: int) -> None:
        """Make what a connection to ``target`` needs; for those that come one by one.

        Args:
            target: will be reached soon.
            at_once: how many hosts are worked on at the same time.

        Raises:
            ConnectionFailed: a key that was asked for can't be read.
        """
        self.targets[target.host] = target
        if not isinstance(target, SSHTarget):
            return
        if self.shared is None or self._renews:
            self._renews = False
            self._share([target], True, at_once)
        else:
            self._tell_what_has_no_effect([target])
            self._prepared([target], True)

    def transport(self, way: Way, anew: bool = False) -> Transport:
        """A transport to one host, and to the user that its commands run as."""
        transport = self._to(way.target, anew)
        if way.become is None:
            return transport
        return BecomeTransport(transport, way.become, self.engine.now, way.host)

    def _to(self, target: Target, anew: bool) -> Transport:
        if isinstance(target, LocalTarget):
            from opsrun.transports.pipe import LocalTransport

            return LocalTransport(target.host, self.engine)
        if isinstance(target, ProgramTarget):
            from opsrun.transports.programs.program import ProgramTransport

            return ProgramTransport(target, self.engine)
        if self.pool is None or anew:
            return self._over_ssh(target)
        return self.pool.transport(target)

    def let_go(self, target: Target) -> None:
        """Close what is kept of a host's and unused."""
        if self.pool is not None and isinstance(target, SSHTarget):
            self.pool.let_go(target)

    def _over_ssh(self, target: SSHTarget) -> SSHTransport:
        from opsrun.transports.ssh.client import SSHTransport

        assert self.shared is not None
        return SSHTransport(target, self.shared, self.bastions)

    def _share(self, targets: Sequence[SSHTarget], logs_in: bool, at_once: int) -> None:
        from opsrun.transports.hostkeys.verify import KnownHosts, known_key_types, verify
        from opsrun.transports.ssh.client import SSHShared, SSHTransport
        from opsrun.transports.ssh.jump import Bastions
        from opsrun.transports.ssh.pacing import Pacer
        from opsrun.transports.ssh.wire import window_for

        self._tell_what_has_no_effect(targets)
        voice = self.voice
        keyring = self._prepared(targets, logs_in)
        # Anew for each run: somebody may have recorded a key since the last one.
        if self._pacer is None:
            # One for all runs: what a server taught us is true for the next one, too.
            self._pacer = Pacer(self.engine)
        known = self.known = KnownHosts(notify=voice.warn)
        shared = self.shared = SSHShared(
            engine=self.engine,
            credentials=keyring.offers,
            verify=lambda target, kind, blob: verify(target, known, kind, blob),
            known_key_types=lambda target: known_key_types(target, known),
            unlock=self._unlock,
            trace=voice.tell_of if voice.tells_story else None,
            log=voice.tells_all,
            pacer=self._pacer,
            window=window_for(at_once),
        )
        if self.bastions is not None:
            self.bastions.forget_failures()
            return
        self.bastions = Bastions(
            self.engine,
            lambda hop: SSHTransport(hop, self.shared or shared, self.bastions),
            lambda host, words: voice.warn(words, host),
        )

    def _tell_what_has_no_effect(self, targets: Sequence[SSHTarget]) -> None:
        every = [target for one in targets for target in (*one.hops, one)]
        words = dict.fromkeys(each for target in every for each in target.without_effect)
        if words:
            self.voice.tell(f"without effect in ssh_config: {', '.join(words)}")

    def _prepared(self, targets: Sequence[SSHTarget], logs_in: bool) -> KeyRing:
        from opsrun.transports.credentials.keyring import KeyRing
        from opsrun.transports.credentials.passphrases import Passphrases

        if self._keyring is None:
            self._keyring = KeyRing(
                can_ask=self.ask is not None,
                lock=self.engine.lock(),
                notify=self.voice.warn,
                tell=self.voice.tell,
            )
            self._passphrases = Passphrases(self.engine, self._ask, self.voice.warn)
        hops = dict.fromkeys(hop for target in targets for hop in target.hops)
        self._keyring.prepare([*(targets if logs_in else ()), *hops])
        return self._keyring

    def _ask(self, prompt: str, given_up: Callable[[], bool], /) -> Secret | None:
        return None if self.ask is None else self.ask(prompt, given_up)

    def _unlock(self, wanted: Credential, given_up: Callable[[], bool]) -> bool:
        if self._passphrases is None or wanted.locked is None:
            return False
        return self._passphrases.unlock(wanted.locked, given_up)

    def close(self) -> None:
        """Let go of what the connections shared; called when the last of them has ended."""
        if self.pool is not None:
            self.pool.close()
        if self.bastions is not None:
            self.bastions.close()
        if self._keyring is not None:
            self._keyring.close()
