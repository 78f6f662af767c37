"""Connections to one host that stay open from one look at it to the next."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from opsrun.engine.stop import Stop
from opsrun.errors import CommandTimeout, ConnectionFailed, ConnectionLost, HostError
from opsrun.remote.command import CommandResult
from opsrun.remote.connection import Connection
from opsrun.remote.deadline import Clock
from opsrun.remote.session import Session

CAP = 2 * 1024 * 1024
"""Bytes kept of what one look gives."""

Connect = Callable[[Stop], AbstractContextManager[Connection]]
"""Makes a connection that the stop gives up while it is made, closed when the block is left."""


class Shelf:
    """How many connections of a run may stay open while nobody uses them.

    Args:
        room: so many.
        lock: guards the count.
    """

    def __init__(self, room: int, lock: AbstractContextManager[Any]) -> None:
        self._room = room
        self._lock = lock

    def take(self) -> bool:
        """Whether there is room for one more; it is taken then."""
        with self._lock:
            found = self._room > 0
            self._room -= found
            return found

    def give_back(self) -> None:
        """One less stays open."""
        with self._lock:
            self._room += 1


class _Changing:
    """The stop of whichever look is under way, for a session that outlives them."""

    def __init__(self, stop: Stop) -> None:
        self.stop = stop

    @property
    def cancelled(self) -> bool:
        return self.stop.cancelled

    @property
    def reason(self) -> str:
        return self.stop.reason


class _Line:
    def __init__(self, connect: Connect, host: str, clock: Clock, stop: Stop) -> None:
        self._stop = _Changing(stop)
        self._stack = ExitStack()
        connection = self._stack.enter_context(connect(stop))
        self._session = Session(connection, clock, host=host, stop=self._stop, cap=CAP)

    def run(self, script: str, stop: Stop, *, apart: bool, seconds: float) -> CommandResult:
        self._stop.stop = stop
        with stop.closing(self._session.interrupt):
            return self._session.run(script, seconds, apart=apart)

    def close(self) -> None:
        self._session.close()
        self._stack.close()


class Lines:
    """One host's connections, each with its persistent shell; as many as are used at a time.

    Args:
        connect: makes one.
        host: inventory name, for errors.
        clock: monotonic seconds.
        shelf: says whether one that nobody uses may stay.
        lock: guards the list of those.
    """

    def __init__(
        self,
        connect: Connect,
        host: str,
        clock: Clock,
        shelf: Shelf,
        lock: AbstractContextManager[Any],
    ) -> None:
        self._connect = connect
        self._host = host
        self._clock = clock
        self._shelf = shelf
        self._lock = lock
        self._idle: list[_Line] = []
        self._closed = False

    def run(self, script: str, stop: Stop, *, apart: bool, seconds: float) -> CommandResult:
        """Run a script in the shell of a connection that is open already, or of a new one.

        One that was kept may turn out to be broken: then the script is run once more over a new
        one, so that a host which was started anew costs no interval.

        Raises:
            HostError: there is no connection to be had, or the script did not come to its end.
        """
        line = self._take()
        if line is not None:
            try:
                return self._over(line, script, stop, apart=apart, seconds=seconds)
            except (ConnectionLost, ConnectionFailed):
                if stop.cancelled:
                    raise
        line = _Line(self._connect, self._host, self._clock, stop)
        return self._over(line, script, stop, apart=apart, seconds=seconds)

    def _over(
        self, line: _Line, script: str, stop: Stop, *, apart: bool, seconds: float
    ) -> CommandResult:
        try:
            result = line.run(script, stop, apart=apart, seconds=seconds)
        except CommandTimeout:
            # The session was ended for it; the connection is as good as before.
            self._keep(line)
            raise
        except BaseException:
            line.close()
            raise
        self._keep(line)
        return result

    def _take(self) -> _Line | None:
        with self._lock:
            line = self._idle.pop() if self._idle else None
        if line is not None:
            self._shelf.give_back()
        return line

    def _keep(self, line: _Line) -> None:
        if self._shelf.take():
            with self._lock:
                kept = not self._closed
                if kept:
                    self._idle.append(line)
            if kept:
                return
            self._shelf.give_back()
        line.close()

    def close(self) -> None:
        """Close what nobody uses, and from now on also what somebody did."""
        with self._lock:
            self._closed = True
        while (line := self._take()) is not None:
            try:
                line.close()
            except HostError:
                pass  # it is gone, one way or another
