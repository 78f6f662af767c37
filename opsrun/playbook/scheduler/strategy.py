"""The seam between a play and the strategy that orders its work."""

from __future__ import annotations

from typing import Protocol

from opsrun.playbook.messages import TaskEnded
from opsrun.playbook.scheduler.crew import HostState
from opsrun.playbook.scheduler.includes import Group


class Desk(Protocol):
    """Where a strategy puts its orders."""

    def tell(self, host: HostState, for_hosts: tuple[str, ...] = ()) -> None:
        """``host`` is to do the task that it stands at."""

    def load(self, group: Group) -> None:
        """An include is to be loaded."""


class Strategy(Protocol):
    """Decides who does what when."""

    def go_on(self) -> None:
        """Give all orders that can be given now."""

    def ended(self, host: HostState, message: TaskEnded) -> None:
        """A task that was ordered has ended."""

    def parked(self, host: HostState) -> None:
        """A task that was ordered has to wait; its host is not waited for until it is back."""

    def back(self, host: HostState) -> None:
        """The wait of ``host`` is over: it stands where it stood."""

    def loaded(self, group: Group) -> None:
        """An include that was ordered has been loaded."""
