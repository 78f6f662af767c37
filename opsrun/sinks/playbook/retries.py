"""Attempts of ``until`` that failed: one line for many hosts, as long as nothing else is said."""

from __future__ import annotations

from opsrun.events import TaskResult
from opsrun.sinks.cells import cut
from opsrun.sinks.names import label
from opsrun.sinks.style import YELLOW, paint
from opsrun.views.sanitise import sanitise_line


class Retries:
    """Joins them.

    Args:
        color: whether the first word is coloured.
    """

    def __init__(self, color: bool) -> None:
        self._color = color
        self._pending: dict[tuple[str, str, int], list[str]] = {}
        self._seen: set[tuple[str, str, str]] = set()

    def add(self, event: TaskResult, title: str) -> list[str]:
        """Keep it for the next `take`; gives the lines that it comes after, if it repeats one."""
        item = event.item or ""
        key = (event.host, event.task, item)
        before = self.take() if key in self._seen else []
        self._seen.add(key)
        said = f" (item={cut(sanitise_line(item), 200)})" if event.item is not None else ""
        place = (title + said, event.task, event.retries_left or 0)
        self._pending.setdefault(place, []).append(event.host)
        return before

    def take(self) -> list[str]:
        """The lines of all that waits, and nothing is kept."""
        word = paint("retrying", YELLOW, self._color)
        lines = [
            f"{word} {label(hosts)}: {title}: {left} {'try' if left == 1 else 'tries'} left"
            for (title, _, left), hosts in self._pending.items()
        ]
        self._pending.clear()
        self._seen.clear()
        return lines
