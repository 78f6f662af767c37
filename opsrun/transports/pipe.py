"""A host at the end of a local command's pipes: today this machine itself."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import time
import weakref
from collections import deque
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed, ConnectionLost
from opsrun.events import StreamName
from opsrun.remote.connection import (
    TAG,
    USUAL,
    Closed,
    Data,
    EndOfOutput,
    Exited,
    Manner,
    Packet,
    Victim,
    Writable,
    only_usual,
)
from opsrun.remote.deadline import LONGEST
from opsrun.spawning import spawn

_READ_SIZE = 64 * 1024
_WRITE_SIZE = 64 * 1024
READABLE = select.POLLIN | select.POLLHUP | select.POLLERR

REAPING = 1.0
"""Seconds that a killed process has to end. One that waits for a dead disk does not, and must hold
up nobody."""

_HINTS = {
    errno.E2BIG: "one argument holds 128 KiB at most: send it by --stdin, or copy a script there",
    errno.EMFILE: "lower --forks, or raise the limit (ulimit -n)",
    errno.EAGAIN: "too many processes: lower --forks, or raise the limit (ulimit -u)",
}


class PipeProcess:
    """A local process: three pipes and a pidfd, polled together.

    ``select.poll`` is looked up at each call: under gevent it is the cooperative one.

    Args:
        argv: the program and its words.
        host: inventory name, for errors.
        lock: guards what is done from other tasks.
        tag: see `Manner.tag`.
    """

    victim: Victim | None = None
    """See `Process.victim`; its own process may be no more than a way to the host."""

    place = ""
    """See `Process.place`."""

    def __init__(
        self, argv: tuple[str, ...], host: str, lock: AbstractContextManager[Any], tag: str = ""
    ) -> None:
        self._host = host
        self._environment = {**os.environ, **self._variables(tag)} if tag else None
        self._lock = lock
        with ExitStack() as undo:
            self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            undo.callback(os.close, self._wake_read)
            undo.callback(os.close, self._wake_write)
            self._popen = self._launch(argv)
            undo.callback(self._popen.__exit__, None, None, None)
            undo.callback(self._popen.kill)
            self._pidfd = os.pidfd_open(self._popen.pid)
            undo.pop_all()
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        self._stdin: int | None = self._popen.stdin.fileno()
        self._open: dict[int, StreamName] = {self._popen.stdout.fileno(): "stdout"}
        if self._popen.stderr is not None:
            self._open[self._popen.stderr.fileno()] = "stderr"
        for descriptor in (self._stdin, *self._open):
            os.set_blocking(descriptor, False)
        self._reaped = False
        self._starved = False
        self._closed = False
        self._abandoned = False
        self._ready: deque[Packet] = deque()

    def _variables(self, tag: str) -> dict[str, str]:
        """What the process finds in its environment beside ours."""
        return {TAG: tag}

    def _launch(self, argv: tuple[str, ...]) -> subprocess.Popen[bytes]:
        # A session of its own: a group to signal, and no terminal to read from.
        return spawn(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
            env=self._environment,
        )

    def receive(self, timeout: float | None) -> Packet | None:
        """See `Process.receive`."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            if self._ready:
                return self._ready.popleft()
            if self._closed:
                return Closed()
            if self._abandoned:
                raise ConnectionLost("the connection was closed", host=self._host)
            if self._reaped and not self._open:
                return Closed()
            left = None if end is None else max(0.0, end - time.monotonic())
            seen = self._poll(left)
            for descriptor in seen:
                self._look(descriptor)
            # The end of one of two streams gives no packet, and is no reason to return either.
            if not self._ready and (not seen or self._wake_read in seen) and not self._abandoned:
                return None

    def _poll(self, seconds: float | None) -> list[int]:
        poll = select.poll()
        for descriptor in self._sources():
            poll.register(descriptor, READABLE)
        poll.register(self._wake_read, select.POLLIN)
        if not self._reaped:
            poll.register(self._pidfd, select.POLLIN)
        if self._starved and self._stdin is not None:
            poll.register(self._stdin, select.POLLOUT)
        events = poll.poll(None if seconds is None else min(seconds, LONGEST) * 1000)
        return [descriptor for descriptor, _ in events]

    def _sources(self) -> tuple[int, ...]:
        """Descriptors that are read from as long as they are open."""
        return tuple(self._open)

    def _look(self, descriptor: int) -> None:
        if descriptor in self._open:
            self._read(descriptor)
        elif descriptor == self._pidfd:
            self._reap()
        elif descriptor == self._stdin:
            self._starved = False
            self._ready.append(Writable())
        elif descriptor == self._wake_read:
            os.read(self._wake_read, 64)

    def _read(self, descriptor: int) -> None:
        try:
            data = os.read(descriptor, _READ_SIZE)
        except BlockingIOError:
            return
        if data:
            self._take(self._open[descriptor], data)
        else:
            self._at_end(descriptor)

    def _at_end(self, descriptor: int) -> None:
        self._end_of(self._open.pop(descriptor))
        if not self._open:
            self._ready.append(EndOfOutput())

    def _take(self, stream: StreamName, data: bytes) -> None:
        self._ready.append(Data(stream, data))

    def _end_of(self, stream: StreamName) -> None:
        """A stream is at its end."""

    def _reap(self) -> None:
        status = self._popen.wait()
        self._reaped = True
        if self._abandoned:
            # How we killed it is not how the command ended.
            return
        self._judge(status)

    def _judge(self, status: int) -> None:
        if status >= 0:
            self._ready.append(Exited(rc=status))
        else:
            self._ready.append(Exited(signal=signal_name(-status)))

    def write(self, data: bytes | memoryview) -> int:
        """See `Process.write`."""
        if self._stdin is None:
            return 0
        try:
            written = os.write(self._stdin, data[:_WRITE_SIZE])
        except BlockingIOError:
            written = 0
        except BrokenPipeError:
            # The command doesn't read what it was given, which is its good right.
            self.close_stdin()
            return 0
        self._starved = written < len(data)
        return written

    def close_stdin(self) -> None:
        """See `Process.close_stdin`."""
        if self._stdin is not None and self._popen.stdin is not None:
            self._stdin = None
            self._popen.stdin.close()

    def signal(self, name: str) -> None:
        """See `Process.signal`; goes to the whole process group."""
        if not self._reaped:
            try:
                os.killpg(self._popen.pid, signal.Signals[f"SIG{name}"])
            except (ProcessLookupError, PermissionError):
                # Gone, or all of the group is another user's by now (sudo): a request, no promise.
                pass

    def wake(self) -> None:
        """See `Process.wake`."""
        with self._lock:
            # Once closed, the number may be another file's.
            if not self._closed:
                try:
                    os.write(self._wake_write, b"!")
                except BlockingIOError:
                    pass

    def abandon(self) -> None:
        """Have `receive` raise `ConnectionLost`, and kill the process; safe from any other task."""
        self._abandoned = True
        self.signal("KILL")
        self.wake()

    def close(self) -> None:
        """See `Process.close`. A process that has not ended by now is killed, and reaped."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self.close_stdin()
        for stream in (self._popen.stdout, self._popen.stderr):
            if stream is not None:
                stream.close()
        if not self._reaped:
            self.signal("KILL")
            self._await_end()
        for descriptor in (self._pidfd, self._wake_read, self._wake_write):
            os.close(descriptor)

    def _await_end(self) -> None:
        # Not Popen.wait: that would hold up every other greenlet for as long as the kernel likes.
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        if poll.poll(REAPING * 1000):
            self._popen.wait()
            self._reaped = True


class PipeConnection:
    """Starts a process for each script."""

    def __init__(self, prefix: tuple[str, ...], host: str, engine: Engine) -> None:
        self._prefix = prefix
        self._host = host
        self._engine = engine
        self._lock = engine.lock()
        self._processes: weakref.WeakSet[PipeProcess] = weakref.WeakSet()
        self._closed = False

    def start(self, script: str, manner: Manner = USUAL) -> PipeProcess:
        """See `Connection.start`."""
        if self._is_closed():
            raise ConnectionFailed("the connection was closed", host=self._host, phase="open")
        try:
            process = self._spawn(script, manner)
        except OSError as error:
            raise ConnectionFailed(
                f"{self._prefix[0]}: {error.strerror}",
                host=self._host,
                phase="exec",
                hint=_HINTS.get(error.errno or 0, ""),
            ) from error
        with self._lock:
            self._processes.add(process)
        if self._is_closed():
            process.abandon()
        return process

    def _spawn(self, script: str, manner: Manner) -> PipeProcess:
        only_usual(manner, self._host, self._prefix[0])
        argv = (*self._prefix, script)
        return PipeProcess(argv, self._host, self._engine.lock(), manner.tag)

    def _is_closed(self) -> bool:
        with self._lock:
            return self._closed

    def close(self) -> None:
        """See `Connection.close`."""
        with self._lock:
            self._closed = True
            processes = list(self._processes)
        for process in processes:
            process.abandon()


class LocalConnection(PipeConnection):
    """This machine's shell, on pipes or on a terminal."""

    def __init__(self, host: str, engine: Engine) -> None:
        super().__init__(("/bin/sh", "-c"), host, engine)

    def _spawn(self, script: str, manner: Manner) -> PipeProcess:
        if manner.terminal is None or manner.raw or manner.subsystem is not None:
            return super()._spawn(script, manner)
        from opsrun.transports.terminal import TerminalProcess

        return TerminalProcess(script, manner.terminal, self._host, self._engine.lock(), manner.tag)


class LocalTransport:
    """``ansible_connection: local``: this machine's ``/bin/sh``, through the same protocol."""

    def __init__(self, host: str, engine: Engine) -> None:
        self._host = host
        self._connection = LocalConnection(host, engine)
        self._closed = False

    def connect(self) -> PipeConnection:
        """See `Transport.connect`."""
        if self._closed:
            raise ConnectionFailed("given up", host=self._host, phase="open")
        return self._connection

    def close(self) -> None:
        """See `Transport.close`."""
        self._closed = True
        self._connection.close()


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name.removeprefix("SIG")
    except ValueError:
        # Only the first and the last real-time signal have names of their own (signal(7)).
        return f"RTMIN+{number - signal.SIGRTMIN}"
