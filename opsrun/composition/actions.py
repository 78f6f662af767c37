"""What a run can do on its hosts, as data: each action knows its name, its worker, its identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from opsrun.adhoc.base import Setting, Worker
from opsrun.adhoc.ping import Ping
from opsrun.adhoc.run import Exec
from opsrun.adhoc.wait import Condition, ProbeTCP, Wait
from opsrun.remote.command import Command


class Action(Protocol):
    """One kind of work for every host of a run."""

    @property
    def name(self) -> str:
        """``exec``, ``ping`` or ``wait``; the first part of every work's path."""

    @property
    def words(self) -> str:
        """What is done, as the operator would recognise it."""

    @property
    def becomes(self) -> bool:
        """Whether it is done as the user to become; logging in alone never is."""

    def worker(self, setting: Setting, probe_tcp: ProbeTCP) -> Worker:
        """The worker that does it."""


@dataclass(frozen=True, slots=True)
class ExecAction:
    """Run a command."""

    command: Command
    name: str = "exec"
    becomes: bool = True

    @property
    def words(self) -> str:
        """The command, without its environment: that may hold what is nobody's business."""
        return self.command.script

    def worker(self, setting: Setting, probe_tcp: ProbeTCP) -> Worker:
        """See `Action.worker`."""
        return Exec(setting, self.command)


@dataclass(frozen=True, slots=True)
class PingAction:
    """Log in and do nothing; keep trying for ``patience`` seconds, if that is given."""

    patience: float | None = None
    name: str = "ping"
    words: str = "login and round trip"
    becomes: bool = False

    def worker(self, setting: Setting, probe_tcp: ProbeTCP) -> Worker:
        """See `Action.worker`."""
        return Ping(setting, self.patience)


@dataclass(frozen=True, slots=True)
class WaitAction:
    """Wait until every condition is met."""

    conditions: tuple[Condition, ...]
    timeout: float | None
    name: str = "wait"
    becomes: bool = False

    @property
    def words(self) -> str:
        """The conditions, as they were asked for."""
        return ", ".join(str(condition) for condition in self.conditions)

    def worker(self, setting: Setting, probe_tcp: ProbeTCP) -> Worker:
        """See `Action.worker`."""
        return Wait(setting, self.conditions, self.timeout, probe_tcp)
