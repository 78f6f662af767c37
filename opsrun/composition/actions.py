"""What a run can do on its hosts, as data: each action knows its name, its worker, its identity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from opsrun.adhoc.base import Setting, Worker
from opsrun.adhoc.outlook import Outlook
from opsrun.adhoc.run import Exec
from opsrun.errors import UsageError
from opsrun.remote.command import Command

if TYPE_CHECKING:
    # The others of what a run can do are imported by the run that does it.
    from opsrun.adhoc.checks.group import GroupCheck
    from opsrun.adhoc.lookout import Lookout, Wanted
    from opsrun.adhoc.trust import Findings, ScanKeys
    from opsrun.transports.hostkeys.expect import Expectations
    from opsrun.transports.hostkeys.trust import Accepted


class Means(Outlook, Protocol):
    """What can be done to a host, beside running something there; by its name."""

    @property
    def scan_keys(self) -> ScanKeys:
        """See `ScanKeys`."""


class Action(Protocol):
    """One kind of work for every host of a run."""

    @property
    def name(self) -> str:
        """``exec``, ``ping``, ``wait`` or ``trust``; the first part of every work's path."""

    @property
    def words(self) -> str:
        """What is done, as the operator would recognise it."""

    @property
    def becomes(self) -> bool:
        """Whether it is done as the user to become; logging in alone never is."""

    @property
    def harmless(self) -> bool:
        """Whether nothing of the operator's is carried out on the host, or to it, or from it: such
        work needs no confirmation."""

    def worker(self, setting: Setting, means: Means) -> Worker:
        """The worker that does it."""


@dataclass(frozen=True, slots=True)
class ExecAction:
    """Run a command."""

    command: Command
    own: Mapping[str, Command] = field(default_factory=dict)
    """Each host's command, by name, where they differ; ``command`` is what to call them then."""
    ready: Wanted | None = None
    """What each host waits for first."""
    then: Wanted | None = None
    """What each host waits for afterwards; ``ssh`` is a reboot there, see `ThenWait`."""
    health: Wanted | None = None
    """What has to hold after that for its work to have gone well."""
    name: str = "exec"
    becomes: bool = True
    harmless: bool = False

    def __post_init__(self) -> None:
        if not self.command.manner.raw:
            return
        shells = [wanted.needs_own_shell for wanted in (self.ready, self.health) if wanted]
        # A host that is waited for to come back is only logged in to.
        shells += [check.needs_shell for check in self.then.checks] if self.then else []
        if any(shells):
            words = "a host that is sent raw words has no shell for the check"
            raise UsageError(f"{words}: wait for tcp:PORT")

    @property
    def words(self) -> str:
        """The command, without its environment: that may hold what is nobody's business."""
        return self.command.script

    def worker(self, setting: Setting, means: Means) -> Worker:
        """See `Action.worker`."""
        worker = self._exec(setting)
        if self.ready is None and self.then is None and self.health is None:
            return worker
        from opsrun.adhoc.lookout import Lookout

        return self._surrounded(setting, worker, Lookout(setting, means))

    def _surrounded(self, setting: Setting, execution: Exec, lookout: Lookout) -> Worker:
        from opsrun.adhoc.afterwards import ThenWait
        from opsrun.adhoc.healthy import Healthy
        from opsrun.adhoc.when_ready import WhenReady

        worker: Exec | ThenWait | WhenReady = execution
        if self.then is not None:
            worker = ThenWait(setting, execution, self.then, lookout)
        if self.ready is not None:
            worker = WhenReady(setting, worker, self.ready, lookout)
        if self.health is not None:
            return Healthy(setting, worker, self.health, lookout)
        return worker

    def _exec(self, setting: Setting) -> Exec:
        if not self.own:
            return Exec(setting, self.command)
        from opsrun.adhoc.each import ExecEach

        return ExecEach(setting, self.command, self.own)

    @property
    def comes_back(self) -> bool:
        """Whether a host is asked something over a connection of its own beside the command."""
        return any(each is not None and each.needs_shell for each in self._wanted)

    @property
    def groups(self) -> tuple[GroupCheck, ...]:
        """Checks that look at other hosts than the one that waits."""
        return tuple(group for each in self._wanted if each is not None for group in each.groups)

    @property
    def _wanted(self) -> tuple[Wanted | None, ...]:
        return self.ready, self.then, self.health


@dataclass(frozen=True, slots=True)
class PingAction:
    """Log in and do nothing, ``count`` times; keep trying for ``patience`` seconds, if given."""

    patience: float | None = None
    count: int = 1
    name: str = "ping"
    words: str = "login and round trip"
    becomes: bool = False
    harmless: bool = True

    def worker(self, setting: Setting, means: Means) -> Worker:
        """See `Action.worker`."""
        from opsrun.adhoc.ping import Ping

        return Ping(setting, self.patience, self.count)


@dataclass(frozen=True, slots=True)
class WaitAction:
    """Wait until what is wanted holds."""

    wanted: Wanted
    name: str = "wait"
    harmless: bool = True

    @property
    def words(self) -> str:
        """The checks, as they were asked for."""
        return str(self.wanted)

    @property
    def becomes(self) -> bool:
        """Whether something is asked of a shell; a login and a port are anybody's."""
        return self.wanted.needs_shell

    @property
    def groups(self) -> tuple[GroupCheck, ...]:
        """Checks that look at other hosts than the one that waits."""
        return self.wanted.groups

    def worker(self, setting: Setting, means: Means) -> Worker:
        """See `Action.worker`."""
        from opsrun.adhoc.lookout import Lookout
        from opsrun.adhoc.wait import Wait

        return Wait(setting, self.wanted, Lookout(setting, means))


@dataclass(frozen=True, slots=True)
class TrustAction:
    """Ask for host keys; nobody logs in, and nothing is recorded."""

    expect: Expectations | None = None
    """Keys that may be recorded; None for any."""
    findings: Findings = field(default_factory=dict)
    """Filled while the run goes on: what may be recorded."""
    name: str = "trust"
    words: str = "host keys"
    becomes: bool = False
    harmless: bool = True

    def worker(self, setting: Setting, means: Means) -> Worker:
        """See `Action.worker`."""
        from opsrun.adhoc.trust import Trust

        self.findings.clear()
        return Trust(setting, means.scan_keys, self.findings, self.expect)

    def accepted(self, hosts: Iterable[str]) -> list[Accepted]:
        """What may be recorded, in the order of these hosts."""
        found = [self.findings[host] for host in hosts if host in self.findings]
        return [one for one in found if one.keys]
