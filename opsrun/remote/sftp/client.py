"""SFTP over any process: many requests under way, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from opsrun.errors import ConnectionLost, HostError
from opsrun.remote.connection import Process
from opsrun.remote.deadline import Clock
from opsrun.remote.running import Stopping
from opsrun.remote.sftp import requests
from opsrun.remote.sftp.failures import refused
from opsrun.remote.sftp.link import MOST_REQUESTS, PATIENCE, Link
from opsrun.remote.sftp.packets import Code, Extended, Reply, Status
from opsrun.remote.sftp.requests import Request
from opsrun.remote.sftp.wire import Fields, PacketError

T = TypeVar("T")

Operation = Generator[Request, Any, T]
"""Yields requests, is sent their replies, and returns what came of it. A refusal is raised where
the request was yielded, as `Refused`; a reply of another type than the request expects ends it
all, and is never seen."""

PIECE = 32 * 1024
"""Bytes that every server reads or writes at once; section 3 of the draft promises as much."""

_LARGEST_PIECE = 128 * 1024
_SPARE_HANDLES = 4


class _Under(Generic[T]):
    """An operation under way."""

    def __init__(self, operation: Operation[T], link: Link) -> None:
        self._operation = operation
        self._link = link
        self._request: Request | None = None
        self.done = False
        self.result: T
        self.error: HostError | None = None

    def begin(self) -> None:
        self._go_on(lambda: next(self._operation))

    def give_up(self) -> None:
        """Its answers are nobody's from now on."""
        if not self.done:
            self.done = True
            self._operation.close()

    def _go_on(self, resume: Any) -> None:
        try:
            request = resume()
        except StopIteration as stop:
            self.result, self.done = stop.value, True
        except ConnectionLost:
            raise
        except HostError as error:
            error.host = error.host or self._link.host
            self.error, self.done = error, True
        else:
            self._request = request
            self._link.ask(request, self._answered)

    def _answered(self, reply: Reply) -> None:
        if self.done:
            return
        request = self._request
        assert request is not None
        if isinstance(reply, Status) and reply.code != Code.OK:
            error = refused(request, reply, self._link.host)
            self._go_on(lambda: self._operation.throw(error))
        elif isinstance(reply, request.expects):
            self._go_on(lambda: self._operation.send(reply))
        else:
            name = type(reply).__name__.lower()
            raise PacketError(f"{name} in answer to a request to {request.doing}")


class SFTP:
    """A client of one SFTP server. Used by one task at a time.

    Args:
        process: its streams are the server's: ``connection.start("", Manner(subsystem="sftp"))``.
        clock: monotonic seconds.
        host: inventory name, for errors.
        stop: what may end the run from outside; who cancels it calls `interrupt` too.
        patience: seconds that the server may take for an answer.

    Raises:
        ConnectionFailed: there is no server of this version: nothing was asked of it.
        Cancelled: the run was ended.
    """

    def __init__(
        self,
        process: Process,
        clock: Clock,
        host: str = "",
        stop: Stopping | None = None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._process = process
        self.host = host
        self.piece = PIECE
        """Bytes that are read or written at once."""
        self._at_once = MOST_REQUESTS
        try:
            self._link = Link(process, clock, host, stop, patience)
            if self.has(requests.LIMITS):
                # Nobody waits for it: until it is there, what every server takes will do.
                _Under(self._learn_limits(), self._link).begin()
        except BaseException:
            process.close()
            raise

    def has(self, extension: bytes) -> bool:
        """Whether the server offers an extension, by its full name."""
        return extension in self._link.extensions

    def run(self, operation: Operation[T]) -> T:
        """Have one operation done, and wait for its end.

        Raises:
            Refused: the server refused one of its requests.
            ConnectionLost: the connection broke, or the server makes no sense or doesn't answer.
            Cancelled: the run was ended.
        """
        [result] = self.stream([operation])
        return result

    def stream(self, operations: Iterable[Operation[T]]) -> Iterator[T]:
        """Have many operations done side by side; their results, in order, as they come.

        Operations are pulled as there is room. Once one has failed no more are pulled, those under
        way come to their own ends, and then the error is raised; what time the caller takes for a
        result, or for the next operation, is not held against the host.

        Raises:
            HostError: as `run`, of the first operation that failed.
        """
        under_way: deque[_Under[T]] = deque()
        source: Iterator[Operation[T]] | None = iter(operations)
        failure: HostError | None = None
        try:
            while True:
                while source is not None and len(under_way) < self._at_once:
                    with self._link.pardoned():
                        operation = next(source, None)
                    if operation is None:
                        source = None
                        break
                    under_way.append(_Under(operation, self._link))
                    under_way[-1].begin()
                if not under_way:
                    break
                while not under_way[0].done:
                    self._link.step()
                first = under_way.popleft()
                if first.error is not None:
                    failure, source = failure or first.error, None
                elif failure is None:
                    with self._link.pardoned():
                        yield first.result
            if failure is not None:
                raise failure
        finally:
            for each in under_way:
                each.give_up()

    def interrupt(self) -> None:
        """Have whoever waits look at the stop now; safe from any other task."""
        self._link.interrupt()

    def farewell(self, seconds: float) -> AbstractContextManager[bool]:
        """See `Link.farewell`."""
        return self._link.farewell(seconds)

    def close(self) -> None:
        """End it; the server ends with its input."""
        self._process.close_stdin()
        self._process.close()

    def _learn_limits(self) -> Operation[None]:
        """OpenSSH's PROTOCOL, section 4.8; a zero says nothing."""
        reply: Extended = yield requests.limits()
        fields = Fields(reply.data)
        _, longest_read, longest_write, handles = (fields.uint64() for _ in range(4))
        lengths = [each for each in (longest_read, longest_write) if each]
        if lengths:
            self.piece = max(1024, min(*lengths, _LARGEST_PIECE))
        if handles:
            self._at_once = max(1, min(MOST_REQUESTS, handles - _SPARE_HANDLES))
