"""Is the host there: login, shell, and how long a round trip takes."""

from __future__ import annotations

from dataclasses import replace

from opsrun.adhoc.base import Job, Setting, Trail, Worker, connected, persevere
from opsrun.adhoc.gated import GatedWait
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.errors import ConnectionFailed, GateTimeout, HostError
from opsrun.events import Outcome, Result
from opsrun.remote.capture import Capture
from opsrun.remote.command import Command
from opsrun.remote.connection import Connection
from opsrun.remote.running import Running

_NOTHING = Command(":", timeout=15.0)


class Ping(Worker):
    """Logs in and has the shell do nothing, behind a gate that opens when that went well.

    ``data`` of the result: ``login`` and ``round_trip``, both seconds; the latter is a command that
    does nothing, from the request for its channel to its exit status.

    Args:
        setting: what all workers of the run share.
        patience: seconds to keep trying; None tries once.
    """

    def __init__(self, setting: Setting, patience: float | None = None) -> None:
        super().__init__(setting)
        self._patience = patience

    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """See `Worker.act`."""
        once = None if self._patience else 1
        wait = GatedWait(self.setting, job, slot, "ssh", self._patience, attempts=once)

        def check(stop: Stop) -> None:
            setting = replace(self.setting, stop=stop)
            if self._patience:
                # The gate's own attempts are enough.
                trail.data = log_in(setting, job, slot)
            else:
                trail.data = persevere(
                    setting, job, slot, trail, lambda: log_in(setting, job, slot)
                )

        try:
            attempts = wait.until(check).attempt
            trail.attempts = max(attempts, trail.attempts)
        except GateTimeout as error:
            raise self._unreachable(job, wait, error) from error
        return Result(job.host, job.work, Outcome.OK, attempts=trail.attempts, data=trail.data)

    def _unreachable(self, job: Job, wait: GatedWait, error: GateTimeout) -> HostError:
        failure = wait.failure
        if self._patience is None and isinstance(failure, HostError):
            return failure
        phase = failure.phase if isinstance(failure, HostError) else "run"
        return ConnectionFailed(str(error), host=job.host, phase=phase)


def log_in(setting: Setting, job: Job, slot: Slot) -> dict[str, float]:
    """Log in and touch the shell: ``{"login": seconds, "round_trip": seconds}``.

    Raises:
        HostError: see `connected` and `touch_shell`.
    """
    before = setting.engine.now()
    with connected(setting, job, slot) as connection:
        login = setting.engine.now() - before
        round_trip = touch_shell(setting, job, connection)
    return {"login": round(login, 6), "round_trip": round(round_trip, 6)}


def touch_shell(setting: Setting, job: Job, connection: Connection) -> float:
    """Have the host's shell do nothing; how many seconds that took.

    Raises:
        ConnectionFailed: it logged us in, but there is no shell that works.
    """
    captures = [Capture(4096, setting.budget) for _ in range(2)]
    running = Running(_NOTHING, captures[0], captures[1], setting.engine.now)
    with setting.stop.closing(running.interrupt):
        ended = running.run(connection, setting.stop, job.host)
    if ended.ok:
        return ended.duration
    words = captures[1].bytes().decode(errors="replace").strip().partition("\n")[0]
    status = f"signal {ended.signal}" if ended.signal else f"exit status {ended.rc}"
    raise ConnectionFailed(
        f"logged in, but the shell ended with {status}" + (f": {words}" if words else ""),
        host=job.host,
        phase="exec",
        hint="is the account locked, or its shell no shell?",
    )
