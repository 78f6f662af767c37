"""Waiting until one host is ready, and nothing else."""

from __future__ import annotations

from opsrun.adhoc.base import Job, Setting, Trail, Worker
from opsrun.adhoc.lookout import Lookout, Wanted
from opsrun.engine.dispatch import Slot
from opsrun.events import Outcome, Result


class Wait(Worker):
    """Waits for what is wanted; ``data`` of the result: see `Lookout.wait`.

    Args:
        setting: what all workers of the run share.
        wanted: what is waited for.
        lookout: of the run.
    """

    def __init__(self, setting: Setting, wanted: Wanted, lookout: Lookout) -> None:
        super().__init__(setting)
        self._wanted = wanted
        self._lookout = lookout

    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """See `Worker.act`."""
        self._lookout.wait(job, slot, self._wanted, trail.data)
        return Result(job.host, job.work, Outcome.OK, data=trail.data)
