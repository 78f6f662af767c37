"""Hosts of a run by how it ended for them: what ``@last:failed`` means in a pattern."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from opsrun.errors import PatternError, UsageError, did_you_mean
from opsrun.journal.about import process
from opsrun.journal.history import History, KnownRun
from opsrun.results import Outcome

_SIMPLE = {
    "ok": (Outcome.OK,),
    "changed": (Outcome.CHANGED,),
    "skipped": (Outcome.SKIPPED,),
    "failed": (Outcome.FAILED,),
    "unreachable": (Outcome.UNREACHABLE,),
    "cancelled": (Outcome.CANCELLED,),
    "success": tuple(outcome for outcome in Outcome if outcome.is_good),
}
LOST = "lost"
"""Nobody knows what was done, or it did not come to its end: the connection broke, the run was cut
off or ended early."""
ALL = "all"
WHICH = (*_SIMPLE, LOST, ALL)


def hosts_of(history: History, run: KnownRun, which: str) -> list[str]:
    """Hosts of a run, in its order; maybe none.

    Args:
        history: that has the run.
        run: which.
        which: of `WHICH`, or several with ``+`` between.

    Raises:
        UsageError: another word, or ``lost`` of a run that is still under way.
        JournalError: the journal can't be read.
    """
    words = which.split("+")
    for word in words:
        if word not in WHICH:
            known = ", ".join(WHICH)
            raise UsageError(f"no hosts are {word!r}: expected {known}{did_you_mean(word, WHICH)}")
    if ALL in words:
        return list(run.hosts)
    if LOST in words and run.state == "running":
        raise UsageError(f"run {run.id} is still under way: what is lost of it shows when it ends")
    text = "SELECT host, outcome FROM events WHERE run = ? AND type = 'result'"
    known_ends = {host: Outcome(outcome) for host, outcome in history.query(text, (run.number,))}
    wanted = {outcome for word in words for outcome in _SIMPLE.get(word, ())}
    lost: set[str] = set()
    if LOST in words:
        ended = {h for h, o in known_ends.items() if o not in (Outcome.LOST, Outcome.CANCELLED)}
        lost = {host for host in run.hosts if host not in ended}
        lost |= {each.host for each in history.unknown(run)}
    return [host for host in run.hosts if known_ends.get(host) in wanted or host in lost]


def _found(history: History, name: str) -> KnownRun:
    if not name.startswith("last"):
        return history.find(name)
    # Plays look for their hosts when the run that they are of has begun: it is not meant.
    back = int(name.partition("~")[2] or 0)
    runs = history.runs("NOT (ended IS NULL AND process = ?)", (process(),), back + 1)
    return runs[back] if back < len(runs) else history.find(name)


def reader(path: Callable[[], Path]) -> Callable[[str, str], Sequence[str]]:
    """Looks hosts up for patterns, see `opsrun.inventory.patterns`.

    Args:
        path: gives the journal; asked when a pattern needs it.
    """

    def read(name: str, which: str) -> Sequence[str]:
        with History(path()) as history:
            run = _found(history, name)
            found = hosts_of(history, run, which)
            if not found:
                raise PatternError(f"no host of run {run.id} ({len(run.hosts)} hosts) is {which}")
            return found

    return read
