"""A command, and what has to hold on its host afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opsrun.adhoc.base import Job, Setting, Trail, Worker
from opsrun.adhoc.checks.login import LoginCheck
from opsrun.adhoc.lookout import Lookout, Wanted, Watch
from opsrun.adhoc.reboot import Reboot
from opsrun.adhoc.run import Before, Exec, nothing
from opsrun.engine.dispatch import Slot
from opsrun.errors import (
    WAITING,
    BecomeError,
    Cancelled,
    CommandTimeout,
    ConnectionFailed,
    ConnectionLost,
    GateTimeout,
    HostError,
    OpsrunError,
)
from opsrun.events import Notice, Outcome, Result
from opsrun.remote.connection import Connection
from opsrun.remote.deadline import Deadline

_SHUTDOWN = ("HUP", "TERM", "KILL")
"""Signals that end a command as its host goes down, init(8)'s and sshd's; a shell's status tells
them, too."""
_SHUTDOWN_STATUS = (128 + 1, 128 + 15, 128 + 9)


class ThenWait(Worker):
    """Runs a command, then waits until what is wanted holds on its host.

    ``ssh`` means a reboot there, see `Reboot`: the connection may break under the command, and the
    command may be ended by the host's going down; whether the host was started anew tells if that
    is what happened. Else a command that ends badly is not waited for.

    ``data["then_wait"]`` of the result has an entry for each check, see `Reboot.wait` and
    `Lookout.wait`.

    Args:
        setting: what all workers of the run share.
        execution: runs the command.
        wanted: what is waited for, one after the other; the time runs from the command's end.
        lookout: of the run.
    """

    def __init__(self, setting: Setting, execution: Exec, wanted: Wanted, lookout: Lookout) -> None:
        super().__init__(setting)
        self._exec = execution
        self._wanted = wanted
        self._lookout = lookout
        self._reboots = any(isinstance(check, LoginCheck) for check in wanted.checks)

    def act(self, job: Job, slot: Slot, trail: Trail, before: Before = nothing) -> Result:
        """See `Exec.act`."""
        asks = not self._exec.command.manner.raw
        reboot = Reboot(self.setting, job, slot, asks=asks) if self._reboots else None
        with self._lookout.watching(job, slot) as watch:

            def look(connection: Connection) -> None:
                # What was there before the command is not what comes of it.
                before(connection)
                watch.note(self._wanted.checks)
                if reboot is not None:
                    reboot.note(connection)

            return self._then(job, slot, trail, look, watch, reboot)

    def _then(
        self,
        job: Job,
        slot: Slot,
        trail: Trail,
        before: Before,
        watch: Watch,
        reboot: Reboot | None,
    ) -> Result:
        broke: HostError | None = None
        try:
            result = self._exec.act(job, slot, trail, before)
        except (ConnectionLost, CommandTimeout) as error:
            if reboot is None or not _may_go_down(trail, error):
                raise
            broke = error
            result = _cut_short(job, trail)
        else:
            if not result.outcome.is_good and not (reboot and _was_ended(result)):
                return result
        trail.rc = result.rc
        self._tell(job, _how(result, broke))
        try:
            waited = self._wait(job, watch, reboot)
        except (GateTimeout, ConnectionFailed, BecomeError, Cancelled) as error:
            if isinstance(error, Cancelled) and broke is None:
                raise
            raise _worse(job, result, broke, error) from error
        return _good(result, trail, waited)

    def _tell(self, job: Job, how: str) -> None:
        if how:
            words = f"{how}; waiting for the host to be back"
            self.setting.emit(Notice("info", words, job.host))

    def _wait(self, job: Job, watch: Watch, reboot: Reboot | None) -> dict[str, Any]:
        waited: dict[str, Any] = {}
        deadline = Deadline(WAITING, self._wanted.timeout, self.setting.engine.now)
        for check in self._wanted.checks:
            if reboot is not None and isinstance(check, LoginCheck):
                waited[str(check)] = self._until_back(job, reboot, deadline.remaining())
            else:
                watch.wait(Wanted((check,), deadline.remaining()), waited)
        return waited

    def _until_back(self, job: Job, reboot: Reboot, timeout: float | None) -> dict[str, Any]:
        data = reboot.wait(timeout)
        # A connection from before is to a host that has gone, and might be long in saying so.
        job.let_go()
        words = f"started anew, and back after {data['seconds']:.1f} s"
        self.setting.emit(Notice("info", words, job.host))
        return data


def _may_go_down(trail: Trail, error: HostError) -> bool:
    """Whether a host that goes down is one of the things that may be the reason."""
    # A command that was seen to end at its limit was ended by us, over a connection that held.
    return trail.sent and (isinstance(error, ConnectionLost) or "may_still_run" in trail.data)


def _was_ended(result: Result) -> bool:
    return result.signal in _SHUTDOWN or result.rc in _SHUTDOWN_STATUS


def _cut_short(job: Job, trail: Trail) -> Result:
    return Result(
        job.host,
        job.work,
        Outcome.LOST,
        stdout=trail.stdout,
        stderr=trail.stderr,
        truncated=True,
        attempts=trail.attempts,
        data=trail.data,
    )


def _how(result: Result, broke: HostError | None) -> str:
    """How the command ended, where that was not by itself."""
    if broke is not None:
        return f"{broke.message}, as it does when a host goes down"
    if result.outcome.is_good:
        return ""
    end = f"SIG{result.signal}" if result.signal else f"exit status {result.rc}"
    return f"the command was ended ({end}), as it is when a host goes down"


def _worse(
    job: Job, result: Result, broke: HostError | None, error: GateTimeout | HostError
) -> OpsrunError:
    """What is to be said of a host that did not come to what was waited for."""
    phase, hint, words = WAITING, "", str(error)
    if isinstance(error, HostError):
        phase, hint, words = error.phase, error.hint, error.message
    if broke is not None:
        # The same kind, for the outcome is what it was: what the command did is not known.
        hint = broke.hint or hint
        return type(broke)(f"{broke.message}; then {words}", host=job.host, phase=phase, hint=hint)
    if not result.outcome.is_good:
        words = f"{_how(result, broke)}; then {words}"
    elif isinstance(error, HostError):
        words = f"afterwards: {words}"
    # Not unreachable, whatever it was: the command has run.
    return HostError(words, host=job.host, phase=phase, hint=hint)


def _good(result: Result, trail: Trail, waited: dict[str, Any]) -> Result:
    """All conditions hold: whatever ended the command was the host's going down."""
    data = {name: value for name, value in trail.data.items() if name not in _OF_A_KILL}
    if not result.outcome.is_good:
        data["ended_by_shutdown"] = True
        # An end that the host's going down gave it is no status of the command's.
        result = replace(result, rc=None, signal=None)
    return replace(result, outcome=Outcome.OK, data=data | {"then_wait": waited})


_OF_A_KILL = ("may_still_run", "left")
"""What nobody has to look for on a host that was started anew."""
