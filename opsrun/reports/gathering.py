"""One task of a run, while its results come in."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from opsrun.events import TaskResult
from opsrun.reports.model import Diff, Group, Said, Status, Task
from opsrun.reports.texts import harmless, one_line
from opsrun.results import Outcome
from opsrun.sinks.playbook.diffs import diff_lines, entries
from opsrun.sinks.problems import Problem, mask

DIFF_LINES = 400
"""Lines of one diff that are kept."""
FEW_LINES = 20
"""And so many once there is enough of them."""
_WELL = frozenset((Status.OK, Status.CHANGED, Status.SKIPPED))


_Key = tuple[Status, Said, str | None]


class Groups(Enum):
    """Where a group is told."""

    SAID = "said"
    PROBLEMS = "problems"

    @classmethod
    def of(cls, status: Status) -> Groups:
        """The place for those that ended so."""
        return cls.SAID if status in _WELL else cls.PROBLEMS


@dataclass(slots=True)
class _Gathering:
    status: Status
    said: Said
    item: str | None
    hosts: dict[str, None] = field(default_factory=dict)
    alike: bool = False


@dataclass(slots=True)
class _Differing:
    lines: list[str]
    masked: list[str]
    count: int
    """Of all its lines."""
    item: str | None
    hosts: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class Kept:
    """How much all tasks together may still keep."""

    diff_lines: int = 10_000


@dataclass(slots=True)
class Gathered:
    """See the module."""

    id: str
    play: int
    name: str
    role: str = ""
    action: str = ""
    origin: str = ""
    kind: str = "task"
    kept: Kept = field(default_factory=Kept)
    cells: dict[str, Status] = field(default_factory=dict)
    """The worst of each host's."""
    times: dict[str, float] = field(default_factory=dict)
    skips: dict[str, str] = field(default_factory=dict)
    retries: int = 0
    _groups: dict[Groups, dict[_Key, _Gathering]] = field(
        default_factory=lambda: {place: {} for place in Groups}
    )
    _diffs: dict[Hashable, _Differing] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    """Hosts with items that have told what is wrong."""

    def ended(self, host: str, status: Status, duration: float, why: str) -> None:
        """A host has done it."""
        known = self.cells.get(host, status)
        self.cells[host] = min(known, status, key=lambda each: each.severity)
        self.times[host] = self.times.get(host, 0.0) + duration
        if why:
            self.skips[host] = why

    @property
    def is_worth_telling(self) -> bool:
        """Something became of it; of what only steers the play (``meta``), something bad."""
        if self.kind != "meta":
            return bool(self.cells)
        return any(status not in _WELL for status in self.cells.values())

    def continues(self, other: Gathered) -> bool:
        """Whether it is the same task for other hosts, as includes come anew for each batch."""
        own, others = (
            (each.play, each.name, each.role, each.action, each.origin, each.kind)
            for each in (self, other)
        )
        return own == others and bool(self.origin) and self.cells.keys().isdisjoint(other.cells)

    def absorb(self, other: Gathered) -> None:
        """Take in what came of the same task for other hosts."""
        self.cells |= other.cells
        self.times |= other.times
        self.skips |= other.skips
        self.retries += other.retries
        for place, groups in other._groups.items():
            for key, group in groups.items():
                known = self._groups[place].setdefault(key, group)
                known.hosts |= group.hosts
                if known.said != group.said or group.alike:
                    known.said, known.alike = key[1], True
        for mark, differing in other._diffs.items():
            self._diffs.setdefault(mark, differing).hosts.update(differing.hosts)

    def named(self, event: TaskResult) -> None:
        """A name that only a host could render."""
        if "{{" in self.name and event.name and "{{" not in event.name:
            self.name = mask(one_line(event.name), one_line(event.host))

    def open(self, host: str, status: Status) -> None:
        """It was sent to a host, and no more is known."""
        self.cells[host] = status

    def say(self, event: TaskResult, status: Status, said: Said) -> None:
        """Fold what a result says into the groups."""
        item = None if event.item is None else one_line(event.item, 120)
        is_well = status in _WELL
        if event.diff and event.outcome is Outcome.CHANGED:
            self._diff(event, item)
        if item is not None and not is_well:
            self._told.add(event.host)
        if is_well and not said:
            return
        if not is_well and item is None and event.loop and event.host in self._told:
            return
        if event.delegate:
            where = f"done on {one_line(event.delegate)}"
            said = replace(said, how=f"{said.how}, {where}" if said.how else where)
        self.group(Groups.of(status), event.host, status, said, item)

    def group(self, place: Groups, host: str, status: Status, said: Said, item: str | None) -> None:
        """Let a host join those of which the same is to be told."""
        if place is Groups.SAID and not said:
            return
        groups = self._groups[place]
        masked = _masked(said, host, is_problem=place is Groups.PROBLEMS)
        key = (status, masked, item)
        found = groups.get(key)
        if found is None:
            found = groups[key] = _Gathering(status, said, item)
        elif found.said != said:
            found.said, found.alike = masked, True
        found.hosts[host] = None

    def _diff(self, event: TaskResult, item: str | None) -> None:
        lines = [
            part
            for entry in entries(event.result)
            for line in diff_lines(entry)
            for part in harmless(line).split("\n")
        ]
        if not lines:
            return
        host = one_line(event.host)
        masked = [mask(line, host) for line in lines]
        key = (hashlib.sha256("\n".join(masked).encode("utf-8", "replace")).digest(), item)
        found = self._diffs.get(key)
        if found is None:
            kept = DIFF_LINES if self.kept.diff_lines > 0 else FEW_LINES
            self.kept.diff_lines -= min(kept, len(lines))
            found = self._diffs[key] = _Differing(lines[:kept], masked[:kept], len(lines), item)
        found.hosts[host] = None

    def told(self, number: int, play: int) -> Task:
        """What came of it."""
        times = list(self.times.values())
        slowest = max(self.times, key=lambda host: self.times[host], default="")
        counts = {
            status: count
            for status in Status
            if (count := sum(each is status for each in self.cells.values()))
        }
        return Task(
            number,
            self.name,
            play,
            self.role,
            self.action,
            self.origin,
            self.kind,
            counts,
            tuple(sorted(self._told_of(Groups.PROBLEMS), key=_badness)),
            tuple(sorted(self._told_of(Groups.SAID), key=lambda group: -len(group.hosts))),
            tuple(sorted(self._differences(), key=lambda diff: -len(diff.hosts))),
            max(times, default=0.0),
            one_line(slowest),
            statistics.median(times) if times else 0.0,
            sum(times),
            self.retries,
        )

    def _differences(self) -> Iterator[Diff]:
        for each in self._diffs.values():
            lines = each.masked if len(each.hosts) > 1 else each.lines
            shown = tuple(line[:1000] for line in lines)
            yield Diff(shown, tuple(each.hosts), each.item, max(0, each.count - len(shown)))

    def _told_of(self, place: Groups) -> list[Group]:
        return [
            Group(each.status, each.said, tuple(map(one_line, each.hosts)), each.item, each.alike)
            for each in self._groups[place].values()
        ]


def _badness(group: Group) -> tuple[int, int]:
    return group.status.severity, -len(group.hosts)


def general(text: str, host: str) -> str:
    """Words of ours without the host's name, address, key and so on."""
    return Problem(host, Outcome.FAILED, "", "", ()).general(text)


def _masked(said: Said, host: str, is_problem: bool) -> Said:
    """Without the host's own name, so that equal words become equal; of complaints of ours also
    without its address and so on."""
    words = general if is_problem else mask
    return Said(
        words(said.why, host),
        said.how,
        words(said.hint, host),
        *(mask(text, host) for text in (said.stdout, said.stderr, said.more)),
    )
