"""One host, as checks look at it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from opsrun.adhoc.base import Job, Setting, connected
from opsrun.adhoc.checks.base import WITHIN, Sight
from opsrun.adhoc.lines import Lines, Shelf
from opsrun.adhoc.outlook import Outlook
from opsrun.adhoc.ping import log_in
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.remote.command import CommandResult
from opsrun.remote.connection import Connection


class HostSight:
    """See `Sight`.

    Args:
        setting: what all workers of the run share.
        job: the way to the host.
        slot: its place, and its door.
        outlook: see `Outlook`.
        shelf: of the run.
    """

    def __init__(
        self, setting: Setting, job: Job, slot: Slot, outlook: Outlook, shelf: Shelf
    ) -> None:
        self.host = job.host
        self.engine: Engine = setting.engine
        self._setting = setting
        self._job = job
        self._slot = slot
        self._outlook = outlook
        self._shelf = shelf
        engine = setting.engine
        self._lines = Lines(self._connected, job.host, engine.now, shelf, engine.lock())
        self._children: list[HostSight] = []

    def _connected(self, stop: Stop) -> AbstractContextManager[Connection]:
        return connected(replace(self._setting, stop=stop), self._job, self._slot)

    def address(self) -> str:
        """See `Sight.address`."""
        return self._outlook.address(self.host)

    def log_in(self, stop: Stop) -> None:
        """See `Sight.log_in`."""
        # Over a connection that was kept it would say nothing, and nobody becomes anybody.
        job = replace(self._job, transport=self._job.afresh or self._job.transport)
        log_in(replace(self._setting, stop=stop), job, self._slot)

    def knock(self, port: int, stop: Stop) -> None:
        """See `Sight.knock`."""
        self._outlook.probe_tcp(self.host, port, stop)

    def dial(self, address: str, port: int, stop: Stop) -> AbstractContextManager[Any]:
        """See `Sight.dial`."""
        return self._outlook.dial(self.host, address, port, stop)

    def run(
        self, script: str, stop: Stop, *, apart: bool = False, seconds: float = WITHIN
    ) -> CommandResult:
        """See `Sight.run`."""
        return self._lines.run(script, stop, apart=apart, seconds=seconds)

    def members(self, pattern: str) -> tuple[Sight, ...]:
        """See `Sight.members`."""
        found = [self._of(job) for job in self._outlook.jobs_of(pattern)]
        self._children += found
        return tuple(found)

    def apart(self) -> Sight:
        """See `Sight.apart`."""
        return self._of(self._job)

    def _of(self, job: Job) -> HostSight:
        return HostSight(self._setting, job, self._slot.beside(), self._outlook, self._shelf)

    def place(self) -> AbstractContextManager[None]:
        """See `Sight.place`."""
        return self._slot.taken()

    def close(self) -> None:
        """See `Sight.close`."""
        self._lines.close()
        for child in self._children:
            child.close()
