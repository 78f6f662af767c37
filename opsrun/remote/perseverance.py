"""Whether, and when, a login that failed is tried again. Pure; nothing was sent to a shell yet."""

from __future__ import annotations

import random
from collections.abc import Callable

from opsrun.errors import ConnectionFailed

FIRST = 1.0
"""Seconds of the first pause; each one is twice as long as the one before, give or take half."""

LONGEST = 30.0

UNASKED = 3
"""Further attempts, nobody having asked for any, at a server that drops us and lets nobody in."""


class Perseverance:
    """One host's patience.

    A server that drops connections before the login has nothing against us: it has too much to
    do. So another attempt follows without being asked for, and as long as others get in at the same
    place, attempts don't run out. What else may pass by itself (a refused connection, a deadline
    missed) is tried again if that was asked for: it may as well be a host that isn't there, and to
    find that out must not take longer.

    Args:
        retries: further attempts that were asked for.
        luck: between 0 and 1, anew for each call.
    """

    def __init__(self, retries: int = 0, luck: Callable[[], float] = random.random) -> None:
        self._left = retries
        self._luck = luck
        self._asked = 0
        self._unlucky = 0
        self._progress = -1

    def pause(self, error: ConnectionFailed) -> float | None:
        """Seconds to wait before another attempt; None if there is to be none.

        The pause is jittered, so that many hosts behind one overloaded server don't come back all
        at once.
        """
        if not error.transient:
            return None
        nth = self._unasked(error) or self._granted()
        if nth is None:
            return None
        steady: float = min(LONGEST, FIRST * 2.0 ** min(nth - 1, 50))
        pause = steady * (0.5 + self._luck())
        # Never short of what the server wants, and not at the very moment when all may come back.
        return pause if error.drop is None else max(pause, error.drop.wait + self._luck() * FIRST)

    def _unasked(self, error: ConnectionFailed) -> int | None:
        drop = error.drop
        if drop is None or drop.final:
            return None
        if drop.progress > self._progress:
            self._progress = drop.progress
            self._unlucky = 0
        self._unlucky += 1
        return self._unlucky if self._unlucky <= UNASKED else None

    def _granted(self) -> int | None:
        if self._left <= 0:
            return None
        self._left -= 1
        self._asked += 1
        return self._asked
