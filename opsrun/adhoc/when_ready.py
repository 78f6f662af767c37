"""Work that waits at its gate first."""

from __future__ import annotations

from opsrun.adhoc.base import Job, Setting, Trail, Worker
from opsrun.adhoc.lookout import Lookout, Wanted
from opsrun.adhoc.run import Before, Runs, nothing
from opsrun.engine.dispatch import Slot
from opsrun.events import Result


class WhenReady(Worker):
    """Does another worker's work on each host as soon as what is wanted holds there.

    Nothing of that work goes out before. ``data["when_ready"]`` of the result tells how long it
    took, see `Lookout.wait`.

    Args:
        setting: what all workers of the run share.
        worker: does the work.
        wanted: what is waited for.
        lookout: of the run.
    """

    def __init__(self, setting: Setting, worker: Runs, wanted: Wanted, lookout: Lookout) -> None:
        super().__init__(setting)
        self._worker = worker
        self._wanted = wanted
        self._lookout = lookout

    def act(self, job: Job, slot: Slot, trail: Trail, before: Before = nothing) -> Result:
        """See `Exec.act`."""
        self._lookout.wait(job, slot, self._wanted, trail.data.setdefault("when_ready", {}))
        return self._worker.act(job, slot, trail, before)
