"""Work that counts only if its host is well afterwards."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from opsrun.adhoc.base import Job, Setting, Trail, Worker
from opsrun.adhoc.lookout import Lookout, Wanted, Watch
from opsrun.adhoc.run import Runs
from opsrun.engine.dispatch import Slot
from opsrun.errors import (
    WAITING,
    BecomeError,
    Cancelled,
    ConnectionFailed,
    GateTimeout,
    HostError,
)
from opsrun.events import Result, WorkId


@dataclass(frozen=True, slots=True)
class _Held:
    """Work that went well, on a host that is still to be looked at."""

    result: Result
    trail: Trail
    watch: Watch
    open: ExitStack
    """Of the watch."""


class Healthy(Worker):
    """Does another worker's work; when all of the batch have ended, looks whether the host is well.

    What a host does to the others shows only when they are done as well, so it is not enough that
    it was well right behind its own command. A host that is not well has failed, whatever its
    command ended with; one whose work ended badly is not looked at, and has its result at once.
    ``data["health"]`` of the result has an entry for each check, see `Lookout.wait`; its duration
    is that of the work and of the look, without the time between them.

    Args:
        setting: what all workers of the run share.
        worker: does the work.
        wanted: what has to hold, and how many seconds it has for that.
        lookout: of the run.
    """

    looks_back = True

    def __init__(self, setting: Setting, worker: Runs, wanted: Wanted, lookout: Lookout) -> None:
        super().__init__(setting)
        self._worker = worker
        self._wanted = wanted
        self._lookout = lookout
        self._held: dict[WorkId, _Held] = {}

    def __call__(self, job: Job, slot: Slot) -> bool:
        """Do the work; its result is emitted here only where it is a bad one."""
        trail = Trail()
        with ExitStack() as stack:
            watch = stack.enter_context(self._lookout.watching(job, slot))
            result = self.started(job, trail, lambda: self._work(job, slot, trail, watch))
            if result.outcome.is_good:
                self._held[job.work] = _Held(result, trail, watch, stack.pop_all())
                return True
        return self.over(job, result)

    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """The work alone; see `Worker.act`."""
        return self._worker.act(job, slot, trail)

    def _work(self, job: Job, slot: Slot, trail: Trail, watch: Watch) -> Result:
        # What was there before the command says nothing of how the host is behind it.
        checks = self._wanted.checks
        return self._worker.act(job, slot, trail, lambda connection: watch.note(checks))

    def look_back(self, job: Job, slot: Slot) -> bool:
        """See `Worker.look_back`."""
        held = self._held.pop(job.work)
        done, trail = held.result, held.trail
        # A bad end has no other result than what it leaves in the trail.
        trail.rc, trail.data = done.rc, dict(done.data)
        with held.open:
            result = self.timed(job, trail, lambda: self._looked_at(job, held))
        seconds = done.duration + result.duration
        return self.over(job, replace(result, started=done.started, duration=seconds))

    def _looked_at(self, job: Job, held: _Held) -> Result:
        stop, found = self.setting.stop, dict[str, Any]()
        if stop.cancelled:
            raise Cancelled(stop.reason, host=job.host, phase=WAITING)
        try:
            held.watch.wait(self._wanted, found)
        except GateTimeout as error:
            raise HostError(f"not well: {error}", host=job.host, phase=WAITING) from error
        except (ConnectionFailed, BecomeError) as error:
            # Not unreachable: its work was done.
            words = f"not well: {error.message}"
            raise HostError(words, host=job.host, phase=error.phase, hint=error.hint) from error
        return replace(held.result, data={**held.result.data, "health": found})
