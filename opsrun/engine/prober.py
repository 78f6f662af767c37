"""What tries a gate's check, again and again, until there is nothing more to find out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from opsrun.engine.stop import Stop
from opsrun.errors import BecomeError, ConnectionFailed, OpsrunError, UsageError

Check = Callable[[], None]
"""Returns when what is waited for is there; raises `OpsrunError` when it is not yet, one that
`is_final` when it never will be. Each attempt has its own deadlines."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a prober tries: the interval grows by half each time, with jitter.

    Args:
        first: seconds between the first two attempts.
        longest: seconds that the interval grows to.
        jitter: it is longer or shorter by up to this part of itself.
    """

    first: float = 0.5
    longest: float = 5.0
    jitter: float = 0.25

    def delay(self, attempt: int, luck: Callable[[], float] = random.random) -> float:
        """Seconds after the ``attempt``-th failure, from 1."""
        steady: float = min(self.longest, self.first * 1.5 ** min(attempt - 1, 50))
        return steady * (1 + self.jitter * (2 * luck() - 1))


def is_final(error: BaseException) -> bool:
    """Whether another attempt can't end better.

    A login that was refused is final, too: accounts are locked for less than what a prober does.
    """
    if isinstance(error, ConnectionFailed):
        return not error.transient
    return isinstance(error, (UsageError, BecomeError))


class Prober:
    """Tries one check at a pace.

    Args:
        check: see `Check`.
        stop: ends the trying, also in a pause.
        pace: the pauses.
        attempts: so many at most; None for no limit.
    """

    def __init__(self, check: Check, stop: Stop, pace: Pace, attempts: int | None = None) -> None:
        self._check = check
        self._stop = stop
        self._pace = pace
        self._attempts = attempts
        self.attempt = 0
        """How many there were."""
        self.failure: OpsrunError | None = None
        """What the latest one that failed ended with."""
        self.bug: BaseException | None = None
        """The check itself broke."""
        self.is_trying = False
        """An attempt is under way."""

    def run(self, wanted: Callable[[], bool]) -> bool:
        """Try until the check passes; whether it did.

        It gives up where another attempt is pointless, or one too many, or ``wanted`` says that
        nobody needs it any more.
        """
        while wanted() and not self._stop.cancelled:
            if self._try():
                return True
            if self.is_hopeless or self._stop.wait(self._pace.delay(self.attempt)):
                break
        return False

    @property
    def is_hopeless(self) -> bool:
        """Whether no further attempt will be made."""
        final = self.failure is not None and is_final(self.failure)
        return final or self.bug is not None or self.attempt == self._attempts

    def _try(self) -> bool:
        self.attempt += 1
        self.is_trying = True
        try:
            self._check()
        except OpsrunError as error:
            self.failure = error
        except BaseException as error:
            self.bug = error
        else:
            return True
        finally:
            self.is_trying = False
        return False

    def anew(self) -> Prober:
        """One that begins at the beginning."""
        return Prober(self._check, self._stop, self._pace, self._attempts)
