"""What a run came to: a fold of its events."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from opsrun.errors import RunFailed
from opsrun.events import (
    CustomStats,
    Event,
    HandlersPending,
    Outcome,
    Result,
    RunStarted,
    Summary,
)
from opsrun.views.result import result_table
from opsrun.views.table import Table, for_rich, html

INTERRUPTED = 130
_SEVERITY = (
    (Outcome.LOST, 4),
    (Outcome.UNREACHABLE, 3),
    (Outcome.FAILED, 1),
    (Outcome.CANCELLED, 1),
)


class Report:
    """The results of a run, host by host, in the order in which they ended.

    Iterating gives each `Result`. A report can be read while the run is still going on; it then
    holds what has ended so far. A notebook shows it as a table, and so does ``rich.print``.

    >>> from opsrun import Outcome, Report, Result, WorkId
    >>> def result(host: str, outcome: Outcome) -> Result:
    ...     return Result(host, WorkId(host, ("exec",), "a1b2c3d4e5f6"), outcome)
    >>> report = Report([result("web01", Outcome.OK), result("web02", Outcome.LOST)])
    >>> report["web02"].outcome.value, [result.host for result in report.ok]
    ('lost', ['web01'])
    >>> report.exit_status()
    4
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.run = ""
        self.hosts: tuple[str, ...] = ()
        self.results: list[Result] = []
        self.interrupted = False
        self.broken = False
        """The run ended by a mistake that is no host's, as in a play's own keywords."""
        self.stats: CustomStats | None = None
        """What a playbook's tasks set with ``set_stats``; None if they set nothing."""
        self.pending: dict[str, tuple[str, ...]] = {}
        """Handlers that a playbook's tasks notified and that did not run, by host: names."""
        self.duration = 0.0
        self._by_host: dict[str, Result] = {}
        for event in events:
            self.add(event)

    def add(self, event: Event) -> None:
        """Fold one more event in."""
        if isinstance(event, Result):
            self.results.append(event)
            self._by_host[event.host] = event
        elif isinstance(event, RunStarted):
            self.run, self.hosts = event.run, event.hosts
        elif isinstance(event, HandlersPending):
            self.pending[event.host] = (*self.pending.get(event.host, ()), *event.handlers)
        elif isinstance(event, CustomStats):
            self.stats = event
        elif isinstance(event, Summary):
            self.interrupted, self.duration = event.interrupted, event.duration

    def __iter__(self) -> Iterator[Result]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, host: str) -> Result:
        """The latest result of the host with this inventory name; KeyError if it has none."""
        return self._by_host[host]

    def of(self, host: str) -> list[Result]:
        """Every result of a host's: several, where a list named it more than once."""
        return [result for result in self.results if result.host == host]

    def __repr__(self) -> str:
        return f"<Report {self.run}: {self._words()}>"

    def _words(self) -> str:
        words = ", ".join(f"{outcome} {count}" for outcome, count in self.counts().items())
        return words or "no results"

    def to_dict(self) -> dict[str, Any]:
        """``{"run", "hosts", "interrupted", "duration", "results"}``, fit for JSON."""
        return {
            "run": self.run,
            "hosts": list(self.hosts),
            "interrupted": self.interrupted,
            "duration": round(self.duration, 6),
            "results": [result.to_dict() for result in self.results],
        }

    def _table(self) -> Table:
        return result_table(self._words(), self.results)

    def _repr_html_(self) -> str:
        return html(self._table())

    def __rich__(self) -> object:
        return for_rich(self._table())

    def counts(self) -> Counter[Outcome]:
        """How many results there are of each outcome."""
        return Counter(result.outcome for result in self.results)

    def _with(self, *outcomes: Outcome) -> list[Result]:
        return [result for result in self.results if result.outcome in outcomes]

    @property
    def ok(self) -> list[Result]:
        """Results that ended well: ok, changed or skipped."""
        return self._with(Outcome.OK, Outcome.CHANGED, Outcome.SKIPPED)

    @property
    def failed(self) -> list[Result]:
        """Commands that ended with a status other than 0, by a signal, or past a limit."""
        return self._with(Outcome.FAILED)

    @property
    def unreachable(self) -> list[Result]:
        """Hosts on which nothing was started."""
        return self._with(Outcome.UNREACHABLE)

    @property
    def lost(self) -> list[Result]:
        """Hosts whose connection broke under the command: what it did is not known."""
        return self._with(Outcome.LOST)

    @property
    def cancelled(self) -> list[Result]:
        """Hosts that the end of the run came before."""
        return self._with(Outcome.CANCELLED)

    def exit_status(self, *, largest: bool = False) -> int:
        """The process's exit status.

        0 all well, 1 a host failed, 3 unreachable, 4 lost, 130 interrupted; the worst of 4, 3, 1
        wins. With ``largest`` the largest remote status stands in for the 1, as with ``clush -S``;
        a command that a signal ended counts as 128 plus the signal's number, as in a shell.
        """
        if self.interrupted:
            return INTERRUPTED
        counts = self.counts()
        none = 1 if self.broken else 0
        worst = next((status for outcome, status in _SEVERITY if counts[outcome]), none)
        if not largest or worst not in (0, 1):
            return worst
        return max([worst, *(_remote_status(result) for result in self.results)])

    def raise_for_failures(self) -> Report:
        """This report, if every host ended well.

        Raises:
            RunFailed: some did not; the message names them, ``error.report`` is this report.
        """
        bad = [result for result in self.results if not result.outcome.is_good]
        if not bad:
            return self
        names = ", ".join(f"{result.host} ({_why(result)})" for result in bad[:10])
        more = f" and {len(bad) - 10} more" if len(bad) > 10 else ""
        raise RunFailed(f"{len(bad)} of {len(self.results)} hosts: {names}{more}", self)


def _remote_status(result: Result) -> int:
    if result.signal is None:
        return result.rc or 0
    try:
        return 128 + signal.Signals[f"SIG{result.signal}"]
    except KeyError:
        return 255


def _why(result: Result) -> str:
    if result.error:
        return f"{result.outcome}: {result.error.phase}: {result.error.message}"
    if result.signal:
        return f"{result.outcome}: killed by SIG{result.signal}"
    return f"{result.outcome}: exit status {result.rc}" if result.rc else str(result.outcome)
