"""The processes of programs that give a shell on a host, and the one transport for all of them."""

from __future__ import annotations

import os
import tempfile
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed, ConnectionLost, HostError
from opsrun.events import StreamName
from opsrun.remote.connection import CARRIER, TAG, USUAL, Closed, Exited, Manner, Packet, only_usual
from opsrun.remote.deadline import Deadline
from opsrun.transports.pipe import PipeConnection, PipeProcess, signal_name
from opsrun.transports.programs.marks import Marks
from opsrun.transports.programs.story import Story
from opsrun.transports.targets.target import ProgramTarget


class ProgramProcess(PipeProcess, ABC):
    """A program that carries a command: its end is the command's only where that is certain."""

    def __init__(
        self,
        argv: tuple[str, ...],
        target: ProgramTarget,
        lock: AbstractContextManager[Any],
        tag: str = "",
    ) -> None:
        self._target = target
        self.place = target.place
        self._broken: HostError | None = None
        super().__init__(argv, target.host, lock, tag)

    @property
    @abstractmethod
    def has_begun(self) -> bool:
        """The host's shell was given the command."""

    @abstractmethod
    def _failure(self, status: int) -> ConnectionFailed:
        """Why it ended before it had begun."""

    @abstractmethod
    def _end(self, status: int) -> Exited | HostError | None:
        """What became of the command once the program has ended; None if that was told before."""

    def begin(self, deadline: Deadline) -> None:
        """Wait until the host's shell has the command.

        Raises:
            ConnectionFailed: it will not get it.
        """
        while not self.has_begun:
            if self._abandoned:
                raise ConnectionFailed("given up", host=self._host, phase="open")
            if self._broken is not None:
                raise self._broken
            if deadline.expired:
                raise ConnectionFailed(
                    f"{self._target.place}: no shell within {deadline.seconds:g} s",
                    host=self._host,
                    phase=deadline.phase,
                    hint=f"does {self._target.argv[0]} answer at all?",
                )
            for descriptor in self._poll(deadline.remaining()):
                self._look(descriptor)

    def receive(self, timeout: float | None) -> Packet | None:
        """See `Process.receive`."""
        packet = None
        if self._ready or self._broken is None:
            packet = super().receive(timeout)
        over = packet is None or packet == Closed()
        if over and self._broken is not None and not self._ready:
            broken, self._broken = self._broken, None
            raise broken
        return packet

    def _judge(self, status: int) -> None:
        # All that it has written is in the pipes by now, and part of the evidence.
        for descriptor in self._sources():
            before = None
            while before != (before := (len(self._ready), descriptor in self._sources())):
                if before[1]:
                    self._look(descriptor)
        if not self.has_begun:
            self._broken = self._failure(status)
            return
        ended = self._end(status)
        if isinstance(ended, Exited):
            self._ready.append(ended)
        elif ended is not None:
            self._broken = ended
            # What holds the output may go on for long, and has nothing to say of the end.
            self.wake()

    def _lost(self, status: int, words: str) -> ConnectionLost:
        name = self._target.argv[0]
        how = f"signal {signal_name(-status)}" if status < 0 else f"status {status}"
        said = f": {words}" if words else ""
        return ConnectionLost(
            f"{self._target.place}: {name} ended with {how} before the command's end was known"
            f"{said}",
            host=self._host,
            hint="what it did is not known",
        )


class ContainerProcess(ProgramProcess):
    """``docker exec`` and its kin: the command runs between two marks."""

    def __init__(
        self, script: str, target: ProgramTarget, lock: AbstractContextManager[Any], tag: str = ""
    ) -> None:
        self._marks = Marks()
        # The program itself does not carry the tag: it may run on the host that it leads to.
        super().__init__((*target.argv, *self._marks.argv(script, tag)), target, lock)

    @property
    def has_begun(self) -> bool:
        """See `ProgramProcess.has_begun`."""
        return self._marks.begun

    def _take(self, stream: StreamName, data: bytes) -> None:
        ended = self._marks.status is not None
        if stream == "stderr":
            data = self._marks.feed(data)
        if data:
            super()._take(stream, data)
        if self._marks.status is not None and not ended:
            # Now, for the program stays as long as something holds its output.
            self._ready.append(Exited(rc=self._marks.status))

    def _end_of(self, stream: StreamName) -> None:
        if stream == "stderr" and (rest := self._marks.rest()):
            super()._take(stream, rest)

    def _failure(self, status: int) -> ConnectionFailed:
        lines = self._marks.before.decode(errors="replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        name = self._target.argv[0]
        return ConnectionFailed(
            f"{self._target.place}: {said or f'{name} ended with status {status}'}",
            host=self._host,
            phase="open",
            hint=f"is it running, and has it a shell? Try: {name} exec",
        )

    def _end(self, status: int) -> ConnectionLost | None:
        return None if self._marks.status is not None else self._lost(status, "")


class SSHProcess(ProgramProcess):
    """ssh(1), whose own log comes through a FIFO of its own, apart from the command's output."""

    def __init__(
        self,
        script: str,
        target: ProgramTarget,
        lock: AbstractContextManager[Any],
        subsystem: str | None = None,
        tag: str = "",
    ) -> None:
        self._story = Story(script.count("\n"))
        self._said = b""
        self._directory = tempfile.mkdtemp(prefix="opsrun-")
        self._fifo = os.path.join(self._directory, "log")
        self._log = -1
        try:
            os.mkfifo(self._fifo, 0o600)
            # Before ssh opens it, which then need not wait for a reader.
            self._log = os.open(self._fifo, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            name, *words = target.argv
            own = ("-E", self._fifo, *(("-s",) if subsystem is not None else ()))
            if tag:
                # ssh(1) knew it before -o SetEnv, and there is nothing to be quoted.
                own = (*own, "-o", f"SendEnv={TAG}")
            super().__init__((name, *own, *words, subsystem or script), target, lock, tag)
        except BaseException:
            self._forget()
            raise

    @property
    def has_begun(self) -> bool:
        """See `ProgramProcess.has_begun`."""
        return self._story.sent

    def _sources(self) -> tuple[int, ...]:
        return (*super()._sources(), *((self._log,) if self._log >= 0 else ()))

    def _look(self, descriptor: int) -> None:
        if descriptor != self._log:
            super()._look(descriptor)
            return
        try:
            told = os.read(self._log, 64 * 1024)
        except BlockingIOError:
            return
        if told:
            self._story.feed(told)
            self._remove()
        else:
            self._close_log()

    def _variables(self, tag: str) -> dict[str, str]:
        return {**super()._variables(tag), CARRIER: "1"}

    def _take(self, stream: StreamName, data: bytes) -> None:
        if stream == "stderr" and not self.has_begun:
            # Where this is the command's own, the log said before that it was sent.
            self._read_log()
        if stream == "stderr" and not self.has_begun:
            # Of a jump host's ssh, which shares our standard error.
            self._said = (self._said + data)[-4096:]
            return
        super()._take(stream, data)

    def _judge(self, status: int) -> None:
        self._read_log()
        super()._judge(status)

    def _read_log(self) -> None:
        while self._log >= 0 and self._drain_log():
            pass

    def _drain_log(self) -> bool:
        before = self._story.size
        self._look(self._log)
        return self._story.size > before

    def _failure(self, status: int) -> ConnectionFailed:
        return self._story.failure(self._target, status, self._said)

    def _end(self, status: int) -> HostError | Exited:
        if self._story.refused:
            return self._story.failure(self._target, status, self._said)
        if status >= 0 and (self._story.exited or status != 255):
            return Exited(rc=status)
        if status == 255 and self._story.killed and not self._story.last_words:
            # ssh(1) is told the signal's name, and keeps it to itself.
            return Exited(signal="UNKNOWN")
        return self._lost(status, self._story.last_words)

    def _remove(self) -> None:
        """The FIFO's name is of no more use once ssh has it open."""
        if self._directory:
            directory, self._directory = self._directory, ""
            for remove, path in ((os.unlink, self._fifo), (os.rmdir, directory)):
                try:
                    remove(path)
                except OSError:
                    pass

    def _close_log(self) -> None:
        if self._log >= 0:
            log, self._log = self._log, -1
            os.close(log)

    def _forget(self) -> None:
        self._close_log()
        self._remove()

    def close(self) -> None:
        """See `Process.close`."""
        super().close()
        self._forget()


class ProgramConnection(PipeConnection):
    """Starts the program for each script."""

    def __init__(self, target: ProgramTarget, engine: Engine) -> None:
        super().__init__(target.argv, target.host, engine)
        self._target = target

    def start(self, script: str, manner: Manner = USUAL) -> ProgramProcess:
        """See `Connection.start`; returns once the host's shell has the script."""
        if manner.subsystem is None or self._target.program != "ssh":
            only_usual(manner, self._target.host, self._target.program)
        process = super().start(script, manner)
        assert isinstance(process, ProgramProcess)
        patience = self._target.patience
        if manner.patience is not None:
            patience = min(patience, manner.patience)
        deadline = Deadline("open", patience, self._engine.now)
        try:
            process.begin(deadline)
        except BaseException:
            process.close()
            raise
        return process

    def _spawn(self, script: str, manner: Manner) -> ProgramProcess:
        if self._target.program == "ssh":
            lock = self._engine.lock()
            return SSHProcess(script, self._target, lock, manner.subsystem, manner.tag)
        return ContainerProcess(script, self._target, self._engine.lock(), manner.tag)


class ProgramTransport:
    """Reaches a host through a local program. It is run anew for each command, and not before."""

    def __init__(self, target: ProgramTarget, engine: Engine) -> None:
        self._host = target.host
        self._connection = ProgramConnection(target, engine)
        self._closed = False

    def connect(self) -> ProgramConnection:
        """See `Transport.connect`."""
        if self._closed:
            raise ConnectionFailed("given up", host=self._host, phase="open")
        return self._connection

    def close(self) -> None:
        """See `Transport.close`."""
        self._closed = True
        self._connection.close()
