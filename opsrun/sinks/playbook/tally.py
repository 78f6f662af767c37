"""One task over all its hosts, folded: what thousands of results come to in a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from opsrun.events import Outcome, TaskResult, TaskStarted
from opsrun.sinks.cells import cut, width
from opsrun.sinks.names import fold, label
from opsrun.sinks.playbook.diffs import diff_lines, entries
from opsrun.sinks.playbook.wording import failure_lines, said, styled_diff
from opsrun.sinks.problems import mask
from opsrun.sinks.style import CYAN, DIM, outcome_word, paint
from opsrun.views.sanitise import sanitise, sanitise_line

FEW = 10
"""Hosts of a play that are always named."""
_NAMES = 72
"""Columns that the folded names of more hosts may take."""
_FAILURES = 10
"""Different failures of a task that are shown whole."""
_GROUPS = 20
"""Different messages, diffs, items of a task that are shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """How it is shown."""

    verbosity: int = 0
    color: bool = False


@dataclass(slots=True)
class Tally:
    """The results of one task so far."""

    task: TaskStarted
    look: Look
    fleet: int
    """Hosts of the batch."""
    _by_outcome: dict[Outcome, list[str]] = field(default_factory=dict)
    _ignored: list[str] = field(default_factory=list)
    _items: dict[tuple[Outcome, str], list[str]] = field(default_factory=dict)
    _other_items: dict[Outcome, int] = field(default_factory=dict)
    _said: dict[str, list[str]] = field(default_factory=dict)
    _diffs: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    _included: dict[str, list[str]] = field(default_factory=dict)
    _failures: set[str] = field(default_factory=set)
    _told_items: set[str] = field(default_factory=set)
    unshown: int = 0

    @property
    def count(self) -> int:
        """Hosts that have ended."""
        return sum(map(len, self._by_outcome.values()))

    def add(self, event: TaskResult) -> Iterator[str]:
        """Fold a result in; gives what is to be said of it at once."""
        if event.outcome is Outcome.FAILED and self._included:
            self._take_back(event.host)
        if event.item is None:
            self._by_outcome.setdefault(event.outcome, []).append(event.host)
            if event.ignored:
                self._ignored.append(event.host)
        else:
            self._item(event)
        if event.outcome.is_good:
            self._keep(event)
        elif not (event.loop and event.host in self._told_items):
            yield from self._failure(event)

    def _item(self, event: TaskResult) -> None:
        if event.outcome is Outcome.CHANGED and "censored" not in event.result:
            found = self._items.setdefault((event.outcome, event.item or ""), [])
            found.append(event.host)
        elif event.outcome.is_good:
            self._other_items[event.outcome] = self._other_items.get(event.outcome, 0) + 1
        else:
            self._told_items.add(event.host)

    def _take_back(self, host: str) -> None:
        """An include was chosen, and could not be loaded: only its failure is told."""
        for hosts in (self._by_outcome.get(Outcome.OK, []), *self._included.values()):
            if host in hosts:
                hosts.remove(host)

    def _keep(self, event: TaskResult) -> None:
        if event.included and not event.loop:
            self._included.setdefault(event.included, []).append(event.host)
            return
        if event.loop and "results" in event.result:
            return
        words = said(event, self.task.action, self.look.verbosity)
        if words:
            self._said.setdefault(words, []).append(event.host)
        if event.diff and event.outcome is Outcome.CHANGED:
            lines = [line for entry in entries(event.result) for line in diff_lines(entry)]
            if lines:
                self._diffs.setdefault(tuple(lines), []).append(event.host)

    def _failure(self, event: TaskResult) -> Iterator[str]:
        lines = list(failure_lines(event, self.task.origin, self.look.color))
        key = mask("\n".join(lines), sanitise_line(event.host))
        if key in self._failures:
            return
        if len(self._failures) >= _FAILURES and self.look.verbosity < 1:
            self.unshown += 1
            return
        self._failures.add(key)
        yield from lines

    def lines(self) -> Iterator[str]:
        """What it came to."""
        words = [self._word(outcome) for outcome in Outcome if self._by_outcome.get(outcome)]
        if self._ignored:
            hosts = self._names(self._ignored, always=False)
            words.append(paint("ignored", CYAN, self.look.color) + hosts)
        if words:
            yield "  " + " · ".join(words)
        if self.unshown:
            yield f"    … and {self.unshown} other failures; -v shows all"
        for path, including in self._included.items():
            if not including:
                continue
            yield f"    included {sanitise_line(path)}: {label(including)}"
        yield from self._item_lines()
        yield from self._groups(
            [(text.splitlines(), hosts) for text, hosts in self._said.items()], "messages"
        )
        color = self.look.color
        shown = [
            ([styled_diff(part, color) for line in lines for part in sanitise(line).split("\n")], h)
            for lines, h in self._diffs.items()
        ]
        yield from self._groups(shown, "diffs")

    def _word(self, outcome: Outcome) -> str:
        hosts = self._by_outcome[outcome]
        word = outcome_word(outcome, self.look.color)
        return word + self._names(hosts, always=outcome is Outcome.OK)

    def _names(self, hosts: list[str], *, always: bool) -> str:
        """How many, and who, where that is short; of ``always`` the usual is not told of many."""
        if len(hosts) == 1:
            return f" {sanitise_line(hosts[0])}"
        if self.fleet > FEW and (always or len(hosts) == self.fleet):
            return f" {len(hosts)}"
        names = fold(hosts)
        return f" {len(hosts)} {names}" if width(names) <= _NAMES else f" {len(hosts)}"

    def _item_lines(self) -> Iterator[str]:
        for (outcome, item), hosts in list(self._items.items())[:_GROUPS]:
            word = outcome_word(outcome, self.look.color)
            names = self._names(hosts, always=True)
            yield f"    {word} (item={cut(sanitise_line(item), 200)}){names}"
        if len(self._items) > _GROUPS:
            yield f"    … and {len(self._items) - _GROUPS} other items"
        if self._other_items:
            counts = (f"{outcome} {count}" for outcome, count in self._other_items.items())
            yield paint(f"    items: {' · '.join(counts)}", DIM, self.look.color)

    def _groups(self, groups: list[tuple[list[str], list[str]]], what: str) -> Iterator[str]:
        """Equal texts once, under those whose they are."""
        most = _GROUPS if self.look.verbosity < 1 else len(groups)
        alone = len(groups) == 1 and len(set(groups[0][1])) == self.count
        for lines, hosts in groups[:most]:
            if alone:
                yield from (f"    {line}" for line in lines)
            elif len(lines) == 1:
                yield f"    {label(hosts)}: {lines[0]}"
            else:
                yield f"    {label(hosts)}:"
                yield from (f"      {line}" for line in lines)
        if len(groups) > most:
            yield f"    … and {len(groups) - most} other {what}; -v shows all"
