"""A command whose standard input and output lead to the host (ProxyCommand in ssh_config(5))."""

from __future__ import annotations

import os
import select
import signal
import socket

from paramiko.ssh_exception import SSHException

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed
from opsrun.spawning import spawn
from opsrun.transports.ssh.dial import hang_up
from opsrun.transports.ssh.pacing import Turn, behind
from opsrun.transports.targets.target import SSHTarget

_LAST_WORDS = 1.0
"""Seconds that a command which has closed its output has to end, so that its status can be told."""

_GRACE = 0.5
"""Seconds between asking a command to end and killing it."""

_REAPING = 2.0
_HEARING = 0.2
_READ_SIZE = 16 * 1024
_KEPT = 4096
"""Bytes of its standard error that are kept."""


class ProxyEnded(SSHException):
    """The command ended, or closed its output, while the connection was in use."""


class ProxySocket:
    """Our end of the command's standard input and output.

    The command is spawned in C rather than forked from a process full of threads or greenlets, and
    leads a session of its own: no Ctrl-C of the terminal's reaches it before we end it ourselves.
    """

    def __init__(self, command: str, engine: Engine) -> None:
        self._engine = engine
        self._lock = engine.lock()
        self._closed = False
        self._said = b""
        ours, theirs = socket.socketpair()
        self._errors, errors = socket.socketpair()
        try:
            # Under gevent sockets are made not to block, and the flag is shared with the command.
            os.set_blocking(theirs.fileno(), True)
            os.set_blocking(errors.fileno(), True)
            self._process = spawn(
                [os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=errors.fileno(),
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            self._errors.close()
            raise
        finally:
            theirs.close()
            errors.close()
        self._socket = ours
        try:
            self._listener = engine.spawn(self._listen)
        except RuntimeError:
            self._signal(signal.SIGKILL)
            self._process.wait()
            ours.close()
            self._errors.close()
            raise

    def settimeout(self, seconds: float | None) -> None:
        """Seconds that `recv` and `send` wait at most."""
        self._socket.settimeout(seconds)

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes.

        Raises:
            TimeoutError: nothing came in time.
            ProxyEnded: the command has closed its output; with its last words.
        """
        try:
            data = self._socket.recv(size)
        except ConnectionResetError:
            # It ended before it had read all that it was sent.
            data = b""
        if not data:
            raise ProxyEnded(self.last_words())
        return data

    def send(self, data: bytes | memoryview) -> int:
        """Send some of ``data``; how many bytes that was.

        Raises:
            TimeoutError: the command took nothing in time.
            ProxyEnded: it takes no more.
        """
        try:
            return self._socket.send(data)
        except (BrokenPipeError, ConnectionResetError):
            raise ProxyEnded(self.last_words()) from None

    def last_words(self) -> str:
        """How the command ended, and the last line that it said."""
        status = self._await_end(_LAST_WORDS)
        if status is not None:
            # Its last words may still be on the way; what it has left behind says no more of them.
            self._listener.join(_HEARING)
        lines = self._said.decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        if status is None:
            ended = "the command closed the connection"
        elif status < 0:
            ended = f"the command was killed by signal {-status}"
        else:
            ended = f"the command ended with status {status}"
        return f"{ended}: {said[-1]}" if said else ended

    def _listen(self) -> None:
        # A task's body: a command that isn't listened to would stop at a full pipe.
        while True:
            try:
                said = self._errors.recv(_READ_SIZE)
            except OSError:
                return
            if not said:
                return
            self._said = (self._said + said)[-_KEPT:]

    def _await_end(self, seconds: float) -> int | None:
        # Not Popen.wait: under gevent that would hold up every other greenlet.
        try:
            descriptor = os.pidfd_open(self._process.pid)
        except OSError:
            return self._process.poll()
        try:
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if poll.poll(seconds * 1000):
                # It has ended; where gevent reaps it, its status comes a little later.
                return self._process.wait()
        finally:
            os.close(descriptor)
        return self._process.poll()

    def shutdown(self, how: int) -> None:
        """End both directions, and wake whoever waits."""
        try:
            self._socket.shutdown(how)
        except OSError:
            pass

    def close(self) -> None:
        """Ask the command to end, and see to it that it does; doesn't wait. Safe again."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        hang_up(self._socket)
        self._signal(signal.SIGTERM)
        try:
            self._engine.spawn(self._reap)
        except RuntimeError:
            self._reap()

    def _signal(self, number: signal.Signals) -> None:
        # Until it is reaped the number is its own.
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, number)
            except (ProcessLookupError, PermissionError):
                pass

    def _reap(self) -> None:
        if self._await_end(_GRACE) is None:
            self._signal(signal.SIGKILL)
            self._await_end(_REAPING)
        hang_up(self._errors)


class CommandRoute:
    """The way to a host through a command of this machine's; see `Route`."""

    def __init__(self, target: SSHTarget, engine: Engine, turn: Turn) -> None:
        self._target = target
        self._engine = engine
        self._turn = turn
        self._socket: ProxySocket | None = None
        self._aborted = False

    def open(self) -> ProxySocket:
        """See `Route.open`."""
        assert self._target.proxy_command is not None
        self._turn.take(*behind(self._target))
        if self._given_up():
            raise ConnectionFailed("given up", host=self._target.host, phase="tcp")
        try:
            sock = self._socket = ProxySocket(self._target.proxy_command, self._engine)
        except (OSError, RuntimeError) as error:
            raise ConnectionFailed(
                f"ProxyCommand can't be started: {error}",
                host=self._target.host,
                phase="tcp",
            ) from error
        if self._given_up():
            sock.close()
        return sock

    def _given_up(self) -> bool:
        return self._aborted

    def hang_up(self) -> None:
        """See `Route.hang_up`."""
        if self._socket is not None:
            self._socket.close()

    def abort(self) -> None:
        """See `Route.abort`."""
        self._aborted = True
        self.hang_up()
