"""Is the host there: login, shell, and how long a round trip takes."""

from __future__ import annotations

from opsrun.adhoc.base import Job, Setting, Trail, Worker, connected
from opsrun.engine.dispatch import Slot
from opsrun.errors import ConnectionFailed
from opsrun.events import Outcome, Result
from opsrun.remote.capture import Capture
from opsrun.remote.command import Command
from opsrun.remote.connection import Connection
from opsrun.remote.running import Running

_NOTHING = Command(":", timeout=15.0)


class Ping(Worker):
    """Logs in and has the shell do nothing.

    ``data`` of the result: ``login`` and ``round_trip``, both seconds; the latter is a command that
    does nothing, from the request for its channel to its exit status.
    """

    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """See `Worker.act`."""
        return self.persevere(job, slot, trail, lambda: self._attempt(job, trail))

    def _attempt(self, job: Job, trail: Trail) -> Result:
        before = self.setting.engine.now()
        with connected(self.setting, job) as connection:
            login = self.setting.engine.now() - before
            round_trip = touch_shell(self.setting, job, connection)
        data = {"login": round(login, 6), "round_trip": round(round_trip, 6)}
        return Result(job.host, job.work, Outcome.OK, attempts=trail.attempts, data=data)


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
