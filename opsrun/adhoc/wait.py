"""Gates in front of one host: wait until it is ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from opsrun.adhoc.base import Job, Setting, Trail, Worker
from opsrun.adhoc.gated import GatedWait
from opsrun.adhoc.ping import log_in
from opsrun.engine.dispatch import Slot
from opsrun.engine.gates import Progress
from opsrun.engine.stop import Stop
from opsrun.errors import UsageError, did_you_mean
from opsrun.events import Outcome, Result

ProbeTCP = Callable[[str, int, Stop], None]
"""Connects to a port of the host with this name and hangs up, at once when stopped; raises
`HostError` if it can't."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What ``--for`` asks for: ``ssh``, or ``tcp:PORT`` on the host's own address."""

    kind: str
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read ``ssh`` or ``tcp:PORT``.

        Raises:
            UsageError: it is neither.
        """
        kind, _, rest = text.partition(":")
        if kind == "ssh" and not rest:
            return cls("ssh")
        if kind != "tcp":
            hint = did_you_mean(kind, ("ssh", "tcp"))
            raise UsageError(f"can't wait for {text!r}: expected ssh or tcp:PORT{hint}")
        if not (rest.isascii() and rest.isdigit() and 0 < int(rest) < 65536):
            raise UsageError(f"can't wait for {text!r}: a port is a number from 1 to 65535")
        return cls("tcp", int(rest))

    def __str__(self) -> str:
        return f"tcp:{self.port}" if self.kind == "tcp" else self.kind


class Wait(Worker):
    """Waits until every condition has been met, one after the other, all within one timeout.

    ``data`` of the result: for each condition the seconds and the attempts that it took.
    """

    def __init__(
        self,
        setting: Setting,
        conditions: tuple[Condition, ...],
        timeout: float | None,
        probe_tcp: ProbeTCP,
    ) -> None:
        super().__init__(setting)
        self._conditions = conditions
        self._timeout = timeout
        self._probe_tcp = probe_tcp

    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """See `Worker.act`."""
        started = self.setting.engine.now()
        for condition in self._conditions:
            left = None
            if self._timeout is not None:
                left = max(0.0, self._timeout - (self.setting.engine.now() - started))
            progress = self._await(job, slot, condition, left)
            trail.data[str(condition)] = {
                "seconds": round(progress.elapsed, 3),
                "attempts": progress.attempt,
            }
        return Result(job.host, job.work, Outcome.OK, data=trail.data)

    def _await(self, job: Job, slot: Slot, condition: Condition, timeout: float | None) -> Progress:
        wait = GatedWait(self.setting, job, slot, str(condition), timeout)
        return wait.until(lambda stop: self._check(job, slot, condition, stop))

    def _check(self, job: Job, slot: Slot, condition: Condition, stop: Stop) -> None:
        if condition.kind == "ssh":
            log_in(replace(self.setting, stop=stop), job, slot)
        else:
            self._probe_tcp(job.host, condition.port, stop)
