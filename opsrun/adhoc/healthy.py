"""Work that counts only if its host is well afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opsrun.adhoc.afterwards import ThenWait
from opsrun.adhoc.base import Job, Setting, Trail, Worker
from opsrun.adhoc.lookout import Lookout, Wanted
from opsrun.adhoc.run import Exec
from opsrun.engine.dispatch import Slot
from opsrun.errors import WAITING, BecomeError, ConnectionFailed, GateTimeout, HostError
from opsrun.events import Result


class Healthy(Worker):
    """Does another worker's work, then looks whether the host is well.

    A host that is not has failed, whatever its command ended with; one whose work ended badly is
    not looked at. ``data["health"]`` of the result has an entry for each check, see
    `Lookout.wait`.

    Args:
        setting: what all workers of the run share.
        worker: does the work.
        wanted: what has to hold, and how many seconds it has for that.
        lookout: of the run.
    """

    def __init__(
        self, setting: Setting, worker: Exec | ThenWait, wanted: Wanted, lookout: Lookout
    ) -> None:
        super().__init__(setting)
        self._worker = worker
        self._wanted = wanted
        self._lookout = lookout

    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """See `Worker.act`."""
        with self._lookout.watching(job, slot) as watch:
            # What was there before the command says nothing of how the host is behind it.
            checks = self._wanted.checks
            result = self._worker.act(job, slot, trail, lambda connection: watch.note(checks))
            if not result.outcome.is_good:
                return result
            trail.rc = result.rc
            found: dict[str, Any] = {}
            try:
                watch.wait(self._wanted, found)
            except GateTimeout as error:
                raise HostError(f"not well: {error}", host=job.host, phase=WAITING) from error
            except (ConnectionFailed, BecomeError) as error:
                # Not unreachable: its work was done.
                words = f"not well: {error.message}"
                raise HostError(words, host=job.host, phase=error.phase, hint=error.hint) from error
        return _with(result, found)


def _with(result: Result, found: dict[str, Any]) -> Result:
    return replace(result, data={**result.data, "health": found})
