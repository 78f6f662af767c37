"""Is the host there: login, shell, and how long a round trip takes."""

from __future__ import annotations

from dataclasses import replace

from opsrun.adhoc.asking import PATIENCE, ask
from opsrun.adhoc.base import Job, Setting, Trail, Worker, connected, persevere
from opsrun.adhoc.gated import GatedWait
from opsrun.adhoc.tally import Tally
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.errors import (
    Cancelled,
    CommandTimeout,
    ConnectionFailed,
    GateTimeout,
    HostError,
)
from opsrun.events import Outcome, Result
from opsrun.remote.command import Command
from opsrun.remote.connection import Connection

_NOTHING = Command(":", timeout=PATIENCE)


class Ping(Worker):
    """Logs in and has the shell do nothing, behind a gate that opens when that went well.

    ``data`` of the result: see `Tally.data`. A round trip is a command that does nothing, from the
    request for its channel to its exit status.

    Args:
        setting: what all workers of the run share.
        patience: seconds to keep trying; it ends a series of round trips that has begun. None tries
            once.
        count: round trips over the one login, each when the last one is back.
    """

    def __init__(self, setting: Setting, patience: float | None = None, count: int = 1) -> None:
        super().__init__(setting)
        self._patience = patience
        self._count = count

    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """See `Worker.act`."""
        once = None if self._patience else 1
        wait = GatedWait(self.setting, job, slot, "ssh", self._patience, attempts=once)
        tally = Tally(self._count)

        def attempt(setting: Setting) -> None:
            nonlocal tally
            tally = Tally(self._count)
            measure(setting, job, slot, tally)

        def check(stop: Stop) -> None:
            setting = replace(self.setting, stop=stop)
            if self._patience:
                # The gate's own attempts are enough.
                attempt(setting)
            else:
                persevere(setting, job, slot, trail, lambda: attempt(setting))

        try:
            trail.attempts = max(wait.until(check).attempt, trail.attempts)
        except GateTimeout as error:
            # In the middle of a series the host is there, and what was measured so far holds.
            if not tally.seconds:
                raise self._unreachable(job, wait, error) from error
        finally:
            trail.data = dict(tally.data())
        if tally.broken is not None:
            raise _cut_short(tally, tally.broken)
        return Result(job.host, job.work, Outcome.OK, attempts=trail.attempts, data=trail.data)

    def _unreachable(self, job: Job, wait: GatedWait, error: GateTimeout) -> HostError:
        failure = wait.failure
        if self._patience is None and isinstance(failure, HostError):
            return failure
        phase = failure.phase if isinstance(failure, HostError) else "run"
        return ConnectionFailed(str(error), host=job.host, phase=phase)


def _cut_short(tally: Tally, error: HostError) -> ConnectionFailed:
    came = f"{len(tally.seconds)} of {tally.wanted} round trips came back"
    return ConnectionFailed(
        f"{came}, then: {error.message}", host=error.host, phase=error.phase, hint=error.hint
    )


def measure(setting: Setting, job: Job, slot: Slot, tally: Tally) -> None:
    """Log in and make the round trips that the tally wants, as far as the connection holds.

    One that takes too long is lost, and the next one follows.

    Raises:
        HostError: none came back; see `connected` and `touch_shell`.
        Cancelled: the run ended meanwhile.
    """
    before = setting.engine.now()
    with connected(setting, job, slot) as connection:
        tally.login = setting.engine.now() - before
        while tally.sent < tally.wanted and tally.broken is None:
            _once_more(setting, job, connection, tally)


def _once_more(setting: Setting, job: Job, connection: Connection, tally: Tally) -> None:
    try:
        tally.seconds.append(touch_shell(setting, job, connection))
    except Cancelled:
        raise
    except HostError as error:
        tally.lost += 1
        if not isinstance(error, CommandTimeout):
            tally.broken = error
        if not tally.seconds and (tally.broken or tally.sent == tally.wanted):
            raise


def log_in(setting: Setting, job: Job, slot: Slot) -> dict[str, float]:
    """Log in and touch the shell: ``{"login": seconds, "round_trip": seconds}``.

    Raises:
        HostError: see `connected` and `touch_shell`.
    """
    tally = Tally()
    measure(setting, job, slot, tally)
    return tally.data()


def touch_shell(setting: Setting, job: Job, connection: Connection) -> float:
    """Have the host's shell do nothing; how many seconds that took.

    Raises:
        ConnectionFailed: it logged us in, but there is no shell that works.
    """
    ended = ask(setting, job, connection, _NOTHING)
    if ended.ok:
        return ended.duration
    words = ended.stderr.decode(errors="replace").strip().partition("\n")[0]
    status = f"signal {ended.signal}" if ended.signal else f"exit status {ended.rc}"
    raise ConnectionFailed(
        f"logged in, but the shell ended with {status}" + (f": {words}" if words else ""),
        host=job.host,
        phase="exec",
        hint="is the account locked, or its shell no shell?",
    )
