"""What a check is: data that says what is waited for, and makes the attempts that look for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from opsrun.engine.base import Engine
from opsrun.engine.stop import Stop
from opsrun.errors import HostError, UsageError
from opsrun.remote.command import CommandResult

WITHIN = 10.0
"""Seconds that one attempt may take. A login has those of its own phases, and what is asked after
it these."""

Attempt = Callable[[Stop], None]
"""Looks once. Returns if the check holds, and raises an `OpsrunError` if it doesn't; the stop ends
it early. One that compares (a log's end) takes what it compares with at its first call."""


class Sight(Protocol):
    """One host, as checks look at it. Used by one attempt at a time, or by several."""

    @property
    def host(self) -> str:
        """Inventory name."""

    @property
    def engine(self) -> Engine:
        """What attempts wait with."""

    def address(self) -> str:
        """The name or address that is dialled for the host.

        Raises:
            NotBuiltError: it is reached through a program, and none is known.
        """

    def log_in(self, stop: Stop) -> None:
        """Log in anew, and have the shell do nothing.

        Raises:
            HostError: one of both did not work.
        """

    def knock(self, port: int, stop: Stop) -> None:
        """Connect to a port of the host's, through its jump host if it has one, and hang up.

        Raises:
            ConnectionFailed: nobody listens there; ``refused`` says whether the host said so.
            NotBuiltError: no port of the host's can be dialled.
        """

    def dial(self, address: str, port: int, stop: Stop) -> AbstractContextManager[Any]:
        """A socket connected from here to anywhere, closed when the block is left.

        Raises:
            ConnectionFailed: nobody listens there.
        """

    def run(
        self, script: str, stop: Stop, *, apart: bool = False, seconds: float = WITHIN
    ) -> CommandResult:
        """Run a script over a connection that stays open from one attempt to the next.

        Args:
            script: POSIX sh; read by a shell of the user that commands run as.
            stop: ends it.
            apart: whether it may leave something behind that prints later.
            seconds: that it may take, once it has begun.

        Raises:
            HostError: it could not be run to its end.
        """

    def members(self, pattern: str) -> tuple[Sight, ...]:
        """The hosts of the inventory that a pattern selects, whether they are the run's or not."""

    def apart(self) -> Sight:
        """Another one of the same host, for whoever may go on looking when this one is closed."""

    def place(self) -> AbstractContextManager[None]:
        """A place among those that are worked on at the same time, held for one attempt."""

    def close(self) -> None:
        """Close what it and its members keep open; attempts under way keep nothing any more."""


class Check(Protocol):
    """What is waited for, as it was asked for."""

    @property
    def is_shared(self) -> bool:
        """Whether it is the same question whichever host waits, so that one answer is for all."""

    @property
    def needs_shell(self) -> bool:
        """Whether something is run on the host that waits, as the user that commands run as."""

    @property
    def pattern(self) -> str | None:
        """Which hosts of the inventory it looks at; None for the host that waits."""

    def attempts(self, sight: Sight) -> Attempt:
        """What looks, from here on, at this host."""

    def __str__(self) -> str:
        """As the operator wrote it."""


class HostCheck:
    """Base of checks that look at the host that waits, from here."""

    __slots__ = ()
    is_shared = False
    needs_shell = False
    pattern: str | None = None


class ShellCheck(HostCheck):
    """Base of checks that ask the host's shell."""

    __slots__ = ()
    needs_shell = True


def not_yet(host: str, words: str) -> HostError:
    """The error of an attempt that found what is waited for missing."""
    return HostError(words, host=host)


def last_words(output: bytes) -> str:
    """The last line of what a program said, for an error; empty if it said nothing."""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:200] if lines else ""


def wrong(text: str, expected: str) -> UsageError:
    """The error about a check that can't be understood.

    >>> str(wrong("tcp:", "a port from 1 to 65535"))
    "can't wait for 'tcp:': expected a port from 1 to 65535"
    """
    return UsageError(f"can't wait for {text!r}: expected {expected}")


def port_of(text: str, port: str) -> int:
    """Read a port.

    Raises:
        UsageError: it is no number from 1 to 65535; ``text`` is the whole check.
    """
    if port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536:
        return int(port)
    raise UsageError(f"can't wait for {text!r}: a port is a number from 1 to 65535")


def placed(check: Check, sight: Sight, begun: Attempt | None = None) -> Attempt:
    """The attempts of a check, each with a place among those that are worked on.

    Args:
        check: what is waited for.
        sight: of the host that waits.
        begun: attempts of the same check at the same host that have begun already.
    """
    attempt = begun or check.attempts(sight)
    if check.pattern is not None:
        # Each of its hosts takes one, and it must not wait for itself.
        return attempt

    def in_place(stop: Stop) -> None:
        with sight.place():
            attempt(stop)

    return in_place
