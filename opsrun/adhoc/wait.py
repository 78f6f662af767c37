"""Gates in front of one host: wait until it is ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from opsrun.adhoc.base import Job, Setting, Trail, Worker, connected
from opsrun.adhoc.ping import touch_shell
from opsrun.engine.dispatch import Slot
from opsrun.engine.gates import Check, Gate, Progress
from opsrun.engine.stop import Stop
from opsrun.errors import Cancelled, GateTimeout, UsageError, did_you_mean
from opsrun.events import Outcome, Result, Waiting

ProbeTCP = Callable[[str, int, Stop], None]
"""Connects to address and port and hangs up, at once when stopped; raises `HostError` if it
can't."""


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
        # Of this gate alone: when the waiter gives up, so does the attempt under way.
        stop = Stop(self.setting.engine)
        check = self._check(job, condition, stop)

        def in_place() -> None:
            # The waiter below has given its place back; each attempt takes one for as long as it
            # lasts, so that a thousand waiting hosts are never tried more than --forks at a time.
            with slot.taken():
                check()

        gate = Gate(str(condition), in_place, self.setting.engine, stop)
        with slot.given_back(), self.setting.stop.closing(lambda: stop.cancel("the run ended")):
            self.setting.engine.spawn(gate.probe)
            try:
                return gate.wait_open(timeout, lambda progress: self._tell(job, gate, progress))
            except GateTimeout as error:
                if self.setting.stop.cancelled:
                    raise Cancelled(self.setting.stop.reason, host=job.host) from error
                raise
            finally:
                stop.cancel("nobody waits any more")

    def _tell(self, job: Job, gate: Gate, progress: Progress) -> None:
        self.setting.emit(
            Waiting(
                job.host,
                gate.name,
                progress.attempt,
                progress.elapsed,
                self._timeout,
                progress.last_error,
            )
        )

    def _check(self, job: Job, condition: Condition, stop: Stop) -> Check:
        if condition.kind == "ssh":
            return lambda: self._log_in(job, stop)
        address = job.endpoint[0] if job.endpoint else "127.0.0.1"
        return lambda: self._probe_tcp(address, condition.port, stop)

    def _log_in(self, job: Job, stop: Stop) -> None:
        setting = replace(self.setting, stop=stop)
        with connected(setting, job) as connection:
            touch_shell(setting, job, connection)
