"""How much has travelled, how fast, and for whom it is slow: for the status line."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from opsrun.events import Progress
from opsrun.sinks.transfers import size
from opsrun.views.sanitise import sanitise_line

WINDOW = 5.0
"""Seconds over which the rate is taken."""


class Traffic:
    """The bytes of all hosts' files; true once there are any."""

    def __init__(self) -> None:
        self._under_way: dict[str, Progress] = {}
        self._done = self._total = 0
        self._past: deque[tuple[float, int]] = deque()

    def __bool__(self) -> bool:
        return bool(self._done or self._total or self._under_way)

    def add(self, news: Progress) -> None:
        """A host's files have got so far."""
        before = self._under_way.get(news.host)
        self._done += news.done - (before.done if before else 0)
        self._total += (news.total or 0) - (before.total or 0 if before else 0)
        self._under_way[news.host] = news

    def end(self, host: str) -> None:
        """A host's work is over, however it ended."""
        last = self._under_way.pop(host, None)
        if last is not None and last.total:
            # What never came won't come any more.
            self._total += last.done - last.total

    def words(self, now: float) -> Iterator[str]:
        """``1.2 of 4.0 GiB``, ``350.0 MiB/s``, ``slowest web07 34 %``.

        Args:
            now: monotonic seconds; never less than before.
        """
        of = f" of {size(self._total)}" if self._total > self._done else ""
        yield f"{size(self._done)}{of}"
        rate = self._rate(now)
        if rate is not None:
            yield f"{size(rate)}/s"
        slowest = min(
            (one for one in self._under_way.values() if one.total),
            key=lambda one: one.done / (one.total or 1),
            default=None,
        )
        if slowest is not None:
            share = 100 * slowest.done // (slowest.total or 1)
            yield f"slowest {sanitise_line(slowest.host)} {share} %"

    def _rate(self, now: float) -> float | None:
        self._past.append((now, self._done))
        while len(self._past) > 2 and self._past[1][0] <= now - WINDOW:
            self._past.popleft()
        since, done = self._past[0]
        return (self._done - done) / (now - since) if now > since else None
