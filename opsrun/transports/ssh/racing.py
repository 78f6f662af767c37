"""Several addresses of one host, dialled side by side: RFC 8305, which is called Happy Eyeballs."""

from __future__ import annotations

import errno
import os
import select
import socket
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from opsrun.errors import ConnectionFailed
from opsrun.remote.deadline import Deadline

AddressInfo = tuple[int, tuple[Any, ...]]
"""Address family, and the address in that family's form (see socket(2))."""

ATTEMPT_DELAY = 0.25
"""Seconds that an attempt is ahead of the next one, unless it fails earlier; section 5."""

_NO_ANSWER = "is the host up, and the port not filtered?"

_WORDS = {
    errno.ECONNREFUSED: ("connection refused", "is sshd running, and on this port?"),
    errno.EHOSTUNREACH: ("no route to host", "is the host up, and the address right?"),
    errno.ENETUNREACH: ("network unreachable", "is there a route to this network?"),
    errno.ETIMEDOUT: ("no answer", _NO_ANSWER),
    errno.ECONNRESET: ("connection reset", "something on the way refuses the connection"),
    errno.EMFILE: ("too many open files", "lower --forks, or raise the limit (ulimit -n)"),
}


class GivenUp(Exception):
    """`Race.abort` was called."""


def interleaved(addresses: Sequence[AddressInfo]) -> list[AddressInfo]:
    """The families by turns, the first address's first; each one's own order stays (section 4).

    >>> interleaved([(10, ("a",)), (10, ("b",)), (2, ("c",))])
    [(10, ('a',)), (2, ('c',)), (10, ('b',))]
    """
    families: dict[int, list[AddressInfo]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    turns = zip_longest(*families.values())
    return [address for turn in turns for address in turn if address is not None]


class Race:
    """One connected socket out of one or more addresses.

    All sockets are the running task's: it alone closes them. Others at most shut them down, which
    wakes a poll; a descriptor that is closed under a poll is another file's by the time it ends.

    Args:
        addresses: in the resolver's order.
        deadline: over all attempts; also the clock.
    """

    def __init__(self, addresses: Sequence[AddressInfo], deadline: Deadline) -> None:
        self._waiting = deque(interleaved(addresses))
        self._deadline = deadline
        self._pending: dict[int, tuple[socket.socket, AddressInfo]] = {}
        self._failures: list[tuple[AddressInfo, OSError]] = []
        self._next_at = 0.0
        self._aborted = False

    def run(self) -> socket.socket:
        """The socket of the first attempt that succeeds; all others are closed.

        Raises:
            GivenUp: `abort` was called.
            TimeoutError: the deadline passed.
            OSError: every attempt failed; the last one's error.
        """
        winner = None
        try:
            while winner is None:
                self._begin_what_is_due()
                winner = self._first_through(self._patience())
            return winner
        finally:
            for sock, _ in self._pending.values():
                if sock is not winner:
                    sock.close()

    def abort(self) -> None:
        """Give up; safe from any other task, and again."""
        self._aborted = True
        for sock, _ in list(self._pending.values()):
            shut(sock)

    def _begin_what_is_due(self) -> None:
        while self._waiting and (not self._pending or self._deadline.elapsed() >= self._next_at):
            if self._aborted:
                raise GivenUp
            self._next_at = self._deadline.elapsed() + ATTEMPT_DELAY
            self._begin(self._waiting.popleft())

    def _begin(self, address: AddressInfo) -> None:
        try:
            sock = socket.socket(address[0], socket.SOCK_STREAM)
        except OSError as error:
            self._failed(address, error)
            return
        self._pending[sock.fileno()] = sock, address
        try:
            sock.setblocking(False)
            sock.connect(address[1])
        except BlockingIOError:
            pass
        except OSError as error:
            self._drop(sock, error)

    def _patience(self) -> float:
        """Seconds to wait for the attempts under way.

        Only now is the flag looked at: an abort before this point found no socket that connects,
        and one behind it wakes the poll.
        """
        if self._aborted:
            raise GivenUp
        if not self._pending:
            raise self._failures[-1][1]
        left = self._deadline.remaining() or 0.0
        if left <= 0:
            raise TimeoutError
        return min(left, self._next_at - self._deadline.elapsed()) if self._waiting else left

    def _first_through(self, seconds: float) -> socket.socket | None:
        # Looked up at each call: under gevent it is the cooperative one.
        poll = select.poll()
        for descriptor in self._pending:
            poll.register(descriptor, select.POLLOUT)
        for descriptor, _ in poll.poll(max(0.0, seconds) * 1000):
            sock = self._pending[descriptor][0]
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if self._aborted:
                raise GivenUp
            if not code:
                return sock
            self._drop(sock, OSError(code, os.strerror(code)))
        return None

    def _drop(self, sock: socket.socket, error: OSError) -> None:
        _, address = self._pending.pop(sock.fileno())
        sock.close()
        self._failed(address, error)

    def _failed(self, address: AddressInfo, error: OSError) -> None:
        self._failures.append((address, error))
        self._next_at = self._deadline.elapsed()

    def failure(self, error: OSError, host: str) -> ConnectionFailed:
        """What `run` raised, as an error that says what became of every address."""
        told = list(self._stories())
        seconds = self._deadline.elapsed()
        if len(told) == 1:
            words = f"{told[0]} after {seconds:.1f} s"
        else:
            words = f"none of {len(told)} addresses answered within {seconds:.1f} s: "
            words += "; ".join(told)
        failed = ConnectionFailed(words, host=host, phase="tcp", hint=self._hint(error))
        failed.refused = self._is_refused()
        failed.__cause__ = error
        return failed

    def _is_refused(self) -> bool:
        """Every address that there is a way to said that nobody listens."""
        codes = {each.errno for _, each in self._failures} - {errno.ENETUNREACH}
        return codes == {errno.ECONNREFUSED} and not self._pending and not self._waiting

    def setbacks(self) -> str:
        """Addresses that were tried in vain, as the end of a sentence."""
        told = [f"{_place(address)}: {_words(error)[0]}" for address, error in self._failures]
        return f" ({'; '.join(told)})" if told else ""

    def _stories(self) -> Iterator[str]:
        for address, error in self._failures:
            yield f"{_place(address)}: {_words(error)[0]}"
        for _, address in self._pending.values():
            yield f"{_place(address)}: no answer"
        for address in self._waiting:
            yield f"{_place(address)}: not tried"

    def _hint(self, error: OSError) -> str:
        """That of the latest error which says more than that a network is not there."""
        latest = [error, *(each for _, each in reversed(self._failures))]
        telling = [each for each in latest if each.errno != errno.ENETUNREACH]
        return _words((telling or latest)[0])[1]


def shut(sock: socket.socket) -> None:
    """Wake whoever waits for a socket, in any thread; its owner closes it."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def _place(address: AddressInfo) -> str:
    return f"{address[1][0]} port {address[1][1]}"


def _words(error: OSError) -> tuple[str, str]:
    if error.errno is None:
        return (str(error), "") if str(error) else ("no answer", _NO_ANSWER)
    return _WORDS.get(error.errno) or (os.strerror(error.errno), "")
