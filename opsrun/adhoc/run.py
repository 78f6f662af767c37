"""One command on one host."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Protocol

from opsrun.adhoc.base import Job, Setting, Trail, Worker, connected
from opsrun.engine.dispatch import Slot
from opsrun.events import Notice, Outcome, Output, Result, StreamName
from opsrun.remote.capture import KEEP_RECENT, Capture, Recent
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.connection import Connection
from opsrun.remote.running import Running

Before = Callable[[Connection], None]
"""Called with the connection that a command goes over, right before it does."""


def nothing(connection: Connection) -> None:
    """A `Before` of commands that need none."""


class Runs(Protocol):
    """What runs a command, with whatever surrounds it."""

    def act(self, job: Job, slot: Slot, trail: Trail, before: Before = nothing) -> Result:
        """See `Exec.act`."""


class Exec(Worker):
    """Runs a command. It goes out at most once: only a login that failed is tried again."""

    def __init__(self, setting: Setting, command: Command) -> None:
        super().__init__(setting)
        self.command = command

    def act(self, job: Job, slot: Slot, trail: Trail, before: Before = nothing) -> Result:
        """See `Worker.act`; ``before`` is called with the connection that the command goes over."""
        return self.persevere(job, slot, trail, lambda: self._attempt(job, slot, trail, before))

    def _attempt(self, job: Job, slot: Slot, trail: Trail, before: Before) -> Result:
        with connected(self.setting, job, slot) as connection:
            before(connection)
            # Durable before it goes out: from here on the host may have been changed.
            self.setting.journal.intent(job.work)
            return self._run(job, trail, connection)

    def _run(self, job: Job, trail: Trail, connection: Connection) -> Result:
        stdout, stderr = self._capture(job, "stdout"), self._capture(job, "stderr")
        emitter = OutputEmitter(self.setting, job) if self.setting.stream else None
        silence = self.setting.silence
        tell = silence.tell if silence is not None else None
        running = Running(self.command, stdout, stderr, self.setting.engine.now, emitter, tell)
        try:
            with ExitStack() as stack:
                stack.enter_context(self.setting.stop.closing(running.interrupt))
                if silence is not None:
                    stack.enter_context(silence.watching(job.host, lambda: running.silence))
                ended = running.run(connection, self.setting.stop, job.host)
        finally:
            trail.sent = running.sent
            trail.stdout, trail.stderr = stdout.bytes(), stderr.bytes()
            trail.truncated = running.truncated
            if running.may_still_run:
                trail.data["may_still_run"] = True
            if running.left:
                trail.data["left"] = list(running.left)
            self._tell_spilled(job, trail, {"stdout": stdout, "stderr": stderr})
        return self._verdict(job, trail, ended)

    def _capture(self, job: Job, stream: StreamName) -> Capture:
        if self.setting.forgets:
            return Recent(KEEP_RECENT, self.setting.budget)
        folder, spill = self.setting.spill, None
        # Where output is shown as it comes, nobody needs it a second time.
        if folder is not None and not self.setting.stream:
            spill = partial(folder.create, f"{job.host}.{stream}")
        return Capture(self.setting.keep, self.setting.budget, spill)

    def _tell_spilled(self, job: Job, trail: Trail, captures: dict[str, Capture]) -> None:
        for stream, capture in captures.items():
            capture.close()
            if capture.path is not None:
                trail.data[f"{stream}_file"] = capture.path
                part = f"all {capture.total} bytes" if not capture.problem else "the beginning"
                words = f"{stream}: {part} of it in {capture.path}"
                self.setting.emit(Notice("warning", words, job.host))
            if capture.problem:
                words = f"{stream} was not kept whole: {capture.problem}"
                self.setting.emit(Notice("warning", words, job.host))

    def _verdict(self, job: Job, trail: Trail, ended: CommandResult) -> Result:
        if ended.left_child:
            trail.data["left_child"] = True
            self.setting.emit(
                Notice(
                    "warning", "ended, and left a process behind that holds its output", job.host
                )
            )
        if ended.no_exit_status:
            trail.data["no_exit_status"] = True
            words = "ended in good order, and the host gave no exit status"
            self.setting.emit(Notice("warning", words, job.host))
        return Result(
            job.host,
            job.work,
            Outcome.OK if ended.ok else Outcome.FAILED,
            rc=ended.rc,
            signal=ended.signal,
            stdout=ended.stdout,
            stderr=ended.stderr,
            truncated=ended.truncated,
            attempts=trail.attempts,
            data=trail.data,
        )


class OutputEmitter:
    """Turns pieces of output into events as they come."""

    __slots__ = ("_emit", "_host", "_work")

    def __init__(self, setting: Setting, job: Job) -> None:
        self._emit = setting.emit
        self._host = job.host
        self._work = job.work

    def __call__(self, stream: StreamName, data: bytes) -> None:
        self._emit(Output(self._host, self._work, stream, data))
