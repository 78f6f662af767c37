"""A gate of one host's own, with its prober and its one waiter."""

from __future__ import annotations

from collections.abc import Callable

from opsrun.adhoc.base import Job, Setting
from opsrun.engine.dispatch import Slot
from opsrun.engine.gates import Gate, Progress
from opsrun.engine.stop import Stop
from opsrun.errors import Cancelled, GateTimeout, OpsrunError
from opsrun.events import Waiting


class GatedWait:
    """Waits for one condition, says every few seconds what for, and holds no place meanwhile.

    Args:
        setting, job, slot: as a worker has them.
        name: what is waited for.
        timeout: seconds; None for no limit.
        attempts: so many at most; None for no limit.
    """

    def __init__(
        self,
        setting: Setting,
        job: Job,
        slot: Slot,
        name: str,
        timeout: float | None,
        *,
        attempts: int | None = None,
    ) -> None:
        self._setting = setting
        self._job = job
        self._slot = slot
        self._name = name
        self._timeout = timeout
        self._attempts = attempts
        self._gate: Gate | None = None

    @property
    def failure(self) -> OpsrunError | None:
        """What the latest attempt ended with."""
        return self._gate.failure if self._gate else None

    def until(self, check: Callable[[Stop], None]) -> Progress:
        """Wait until ``check`` passes; it is given the stop that ends its attempts.

        Raises:
            GateTimeout: it did not in time.
            Cancelled: the run was ended.
        """
        # Of this gate alone: when the waiter gives up, so does the attempt under way.
        stop = Stop(self._setting.engine)

        def in_place() -> None:
            # The waiter below has given its place back; each attempt takes one for as long as it
            # lasts, so that a thousand waiting hosts are never tried more than --forks at a time.
            with self._slot.taken():
                check(stop)

        gate = self._gate = Gate(
            self._name, in_place, self._setting.engine, stop, attempts=self._attempts
        )
        with (
            self._slot.given_back(),
            self._setting.stop.closing(lambda: stop.cancel("the run ended")),
        ):
            self._setting.engine.spawn(gate.probe)
            try:
                return gate.wait_open(self._timeout, self._tell)
            except GateTimeout as error:
                if self._setting.stop.cancelled:
                    raise Cancelled(self._setting.stop.reason, host=self._job.host) from error
                raise
            finally:
                stop.cancel("nobody waits any more")

    def _tell(self, progress: Progress) -> None:
        self._setting.emit(
            Waiting(
                self._job.host,
                self._name,
                progress.attempt,
                progress.elapsed,
                self._timeout,
                progress.last_error,
            )
        )
