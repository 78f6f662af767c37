"""Another program that holds the journal: waited for, in short looks, and given up in the end."""

from __future__ import annotations

from collections.abc import Callable

from opsrun.journal.opening import BUSY, LOOK

HURRIED = 2.0
"""Seconds that it may be held once the run is to end."""


def unhurried() -> bool:
    """Nobody asks that the run end."""
    return False


class Patience:
    """How long the journal has been held by now.

    Args:
        now: monotonic seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since: float | None = None

    def found_held(self) -> None:
        """A look at it was in vain: it took `LOOK` seconds."""
        if self._since is None:
            self._since = self._now() - LOOK

    def found_free(self) -> None:
        """It was ours."""
        self._since = None

    def is_over(self, hurried: bool) -> bool:
        """Whether it has been held for too long."""
        held = 0.0 if self._since is None else self._now() - self._since
        return held > (HURRIED if hurried else BUSY)
