"""Whether, after some hosts have shown how it goes, the next ones may follow. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from opsrun.events import Result, WorkId


@dataclass(frozen=True, slots=True)
class Verdict:
    """On a batch that has ended."""

    goes_on: bool
    words: str
    """Why, for the operator."""


class Canary:
    """Judges one batch after the other.

    The next batch follows if every host of this one ended well, and in no other way than the hosts
    of the last one did: by outcome, and by exit status or signal where that is bad. What commands
    print is not compared.

    Args:
        batches: how many there are.
        hosts: how many there are in all of them.
    """

    def __init__(self, batches: int, hosts: int) -> None:
        self._batches = batches
        self._hosts = hosts
        self._results: dict[WorkId, tuple[bool, str]] = {}
        self._judged = 0
        self._done = 0
        self._last: frozenset[str] = frozenset()

    def note(self, result: Result) -> None:
        """Take a result; of work that was not judged yet. Safe from any task."""
        self._results[result.work] = result.outcome.is_good, _ending(result)

    def judge(self, batch: Sequence[WorkId]) -> Verdict:
        """Whether another batch may follow this one, all of whose results were noted."""
        self._judged += 1
        self._done += len(batch)
        ends = {work: self._results.pop(work, (False, "ended without a result")) for work in batch}
        counts = Counter(words for _, words in ends.values())
        bad = [(work.host, words) for work, (is_good, words) in ends.items() if not is_good]
        last, self._last = self._last, frozenset(counts)
        if bad:
            return self._stops(_named(bad))
        if last and self._last != last:
            return self._stops(f"{_counted(counts)}, where the batch before had {_listed(last)}")
        of = f"batch {self._judged} of {self._batches}"
        return Verdict(True, f"canary: {of} has ended well ({_counted(counts)}); the next follows")

    def _stops(self, why: str) -> Verdict:
        of = f"batch {self._judged} of {self._batches}"
        hosts = f"{self._done} of {self._hosts} hosts were worked on"
        return Verdict(False, f"the canary stopped behind {of} ({hosts}): {why}")


def _ending(result: Result) -> str:
    if result.outcome.is_good:
        return str(result.outcome)
    if result.error is not None:
        return f"{result.outcome}: {result.error.message}"
    if result.signal is not None:
        return f"{result.outcome}: killed by SIG{result.signal}"
    return f"{result.outcome}: exit status {result.rc}"


def _named(bad: Sequence[tuple[str, str]]) -> str:
    host, words = bad[0]
    more = f", and {len(bad) - 1} more did not end well" if len(bad) > 1 else ""
    return f"{host} {words}{more}"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{words} {count}" for words, count in sorted(counts.items()))


def _listed(ends: frozenset[str]) -> str:
    return " and ".join(sorted(ends))
