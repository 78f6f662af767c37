"""The words between the output: notices, retries, and who waits for what."""

from __future__ import annotations

from opsrun.events import Notice, Retry, Waiting
from opsrun.sinks.names import label
from opsrun.sinks.style import CYAN, DIM, RED, YELLOW, duration, paint
from opsrun.views.sanitise import sanitise, sanitise_line

_NOTICE_FROM = {"error": -1, "warning": 0, "info": 1, "debug": 2}
_FURTHER = "\n  "
_NOTICE_STYLE = {"error": RED, "warning": YELLOW, "info": CYAN, "debug": DIM}


def shows_notice(notice: Notice, verbosity: int) -> bool:
    """Errors always, warnings unless quiet, info from ``-v`` on, debug from ``-vv``."""
    return verbosity >= _NOTICE_FROM[notice.level]


def notice_line(notice: Notice, color: bool) -> str:
    """``warning: web01: the message``; further lines are indented, so that none looks like ours."""
    word = paint(notice.level, _NOTICE_STYLE[notice.level], color)
    where = f"{sanitise_line(notice.host)}: " if notice.host else ""
    return f"{word}: {where}{sanitise(notice.message).replace(chr(10), _FURTHER)}"


def retry_line(retry: Retry, color: bool) -> str:
    """``retry: db01: attempt 1: tcp: connection refused; again in 1.2 s``."""
    word = paint("retry", YELLOW, color)
    why = sanitise_line(f"{retry.error.phase}: {retry.error.message}")
    again = f"again in {duration(retry.delay)}"
    return f"{word}: {sanitise_line(retry.host)}: attempt {retry.attempt}: {why}; {again}"


class Waits:
    """Joins waits for the same thing into one line, as long as nothing else is said.

    Many hosts wait for one gate and each says so; the operator wants one line.
    """

    def __init__(self) -> None:
        self._pending: dict[tuple[str, str], list[Waiting]] = {}
        self._hosts: set[tuple[str, str]] = set()

    def add(self, waiting: Waiting) -> list[str]:
        """Keep it for the next `take`; gives the lines that it comes after, if it repeats one."""
        before = self.take() if (waiting.host, waiting.gate) in self._hosts else []
        self._hosts.add((waiting.host, waiting.gate))
        self._pending.setdefault((waiting.gate, waiting.last_error), []).append(waiting)
        return before

    def take(self) -> list[str]:
        """The lines of all that waits, and nothing is kept."""
        lines = [waiting_line(group) for group in self._pending.values()]
        self._pending.clear()
        self._hosts.clear()
        return lines


def waiting_line(group: list[Waiting]) -> str:
    """``db01 waits for tcp:5432, attempt 7, 12 s of 60 s, last: connection refused``."""
    first = max(group, key=lambda waiting: waiting.attempt)
    verb = "waits" if len(group) == 1 else "wait"
    elapsed = max(waiting.elapsed for waiting in group)
    limit = f" of {first.timeout:.0f} s" if first.timeout is not None else ""
    last = f", last: {sanitise_line(first.last_error)}" if first.last_error else ""
    hosts = label(waiting.host for waiting in group)
    gate = sanitise_line(first.gate)
    return f"{hosts} {verb} for {gate}, attempt {first.attempt}, {elapsed:.0f} s{limit}{last}"
