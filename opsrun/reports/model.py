"""What a report tells, as plain data: whoever renders it looks nothing up and counts nothing.

All text in it is harmless (`opsrun.views.sanitise` has seen it) and short enough to be shown; what
was left out says how much. Nothing is escaped for any format yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """What became of a task on a host, or of a host; the worst first.

    >>> Status.FAILED.mark, Status.IGNORED.is_bad, worst([Status.OK, Status.CHANGED]).value
    ('F', False, 'changed')
    """

    UNKNOWN = "unknown"
    """It was about to be sent, and how it ended was never written down."""
    LOST = "lost"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNFINISHED = "unfinished"
    """Of a host: the run's end, as far as it is known, came before its own."""
    UNDER_WAY = "under way"
    RESCUED = "rescued"
    IGNORED = "ignored"
    CHANGED = "changed"
    OK = "ok"
    SKIPPED = "skipped"
    NOT_BEGUN = "not begun"

    @property
    def mark(self) -> str:
        """One character, its cell's in the matrix."""
        return _MARKS[self]

    @property
    def is_bad(self) -> bool:
        """A run with one of these did not end well, or has not ended."""
        return _ORDER[self] <= _ORDER[Status.UNFINISHED]

    @property
    def severity(self) -> int:
        """The worse the smaller."""
        return _ORDER[self]

    @property
    def slug(self) -> str:
        """In one word."""
        return self.value.replace(" ", "-")


_MARKS = dict(zip(Status, "?LUFXE>RIc·–.", strict=True))
_ORDER = {status: place for place, status in enumerate(Status)}
BY_MARK: Mapping[str, Status] = {mark: status for status, mark in _MARKS.items()}


def worst(found: Iterable[Status]) -> Status:
    """The worst of several; `Status.NOT_BEGUN` of none."""
    return min(found, key=lambda status: status.severity, default=Status.NOT_BEGUN)


@dataclass(frozen=True, slots=True)
class Said:
    """What a task or a command had to say on a host."""

    why: str = ""
    """Message, or reason."""
    how: str = ""
    """``exit status 2``, ``killed by SIGTERM``; empty for nothing worth telling."""
    hint: str = ""
    stdout: str = ""
    stderr: str = ""
    more: str = ""
    """Further values."""

    def __bool__(self) -> bool:
        return bool(self.why or self.stdout or self.stderr or self.more)


@dataclass(frozen=True, slots=True)
class Group:
    """Hosts on which the same came of the same."""

    status: Status
    said: Said
    hosts: tuple[str, ...]
    item: str | None = None
    """Label of the item of a loop."""
    alike: bool = False
    """They differ in names and addresses of their own, for which stand-ins are shown."""


@dataclass(frozen=True, slots=True)
class Diff:
    """A change that was the same on some hosts."""

    lines: tuple[str, ...]
    """Of a unified diff."""
    hosts: tuple[str, ...]
    item: str | None = None
    left_out: int = 0
    """Lines that there were more."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task; a run that is no playbook's has one, which is its command."""

    number: int
    """From 1, in the order of the report."""
    name: str
    play: int
    """Which of the report's plays it belongs to."""
    role: str = ""
    action: str = ""
    origin: str = ""
    """``file:line``; empty for what nobody wrote."""
    kind: str = "task"
    counts: Mapping[Status, int] = field(default_factory=dict)
    """Of hosts."""
    problems: tuple[Group, ...] = ()
    """The worst first, those that were ignored or rescued last."""
    said: tuple[Group, ...] = ()
    """What it had to say where it went well: the largest group first."""
    diffs: tuple[Diff, ...] = ()
    longest: float = 0.0
    """Seconds, on the host where it took longest."""
    slowest: str = ""
    """That host."""
    middle: float = 0.0
    """Median of seconds a host."""
    total: float = 0.0
    """Seconds of all hosts together."""
    retries: int = 0

    @property
    def title(self) -> str:
        """The name with the role's before it."""
        return f"{self.role} : {self.name}" if self.role else self.name


@dataclass(frozen=True, slots=True)
class Host:
    """A host, with a mark for each task."""

    name: str
    status: Status
    cells: str
    """`Status.mark` by `Task.number` - 1."""
    times: Mapping[int, float] = field(default_factory=dict)
    """Seconds by `Task.number`."""
    duration: float = 0.0
    """Seconds of work: of its tasks together, or of its command with login."""
    why: str = ""
    """Why the host did not end well, where the run says so."""
    skipped: Mapping[int, str] = field(default_factory=dict)
    """Reasons by `Task.number`."""


@dataclass(frozen=True, slots=True)
class Open:
    """What was sent, or about to be, and has no end in the journal."""

    host: str
    task: int
    """Number; 0 for one that is not known."""
    at: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Word:
    """What opsrun itself had to say, or what is left to do."""

    level: str
    text: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """The run itself."""

    id: str
    action: str
    command: str
    state: str
    """See `opsrun.journal.history.KnownRun`."""
    started: float
    duration: float | None
    """Seconds; None where it has not ended, as far as is known."""
    exit_status: int | None
    interrupted: bool
    who: str
    machine: str
    cwd: str
    line: str
    """The command line; empty where a script ran it."""
    version: str
    parent: str
    written: float
    """When the report was; seconds since the epoch."""

    @property
    def title(self) -> str:
        """What was done, in a few words."""
        return f"opsrun {self.action} {self.command}".rstrip()


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything that is told of a run."""

    about: About
    plays: tuple[str, ...]
    """Names; tasks say which of them is theirs."""
    tasks: tuple[Task, ...]
    hosts: tuple[Host, ...]
    """As the inventory has them."""
    open: tuple[Open, ...] = ()
    """The oldest first."""
    words: tuple[Word, ...] = ()
    stats: tuple[str, ...] = ()
    """What set_stats left, a line each."""

    @property
    def is_playbook(self) -> bool:
        """Whether its tasks are those of plays."""
        return bool(self.plays)

    @property
    def counts(self) -> dict[Status, int]:
        """Hosts by what became of them, the worst first."""
        found: dict[Status, int] = {}
        for status in Status:
            count = sum(host.status is status for host in self.hosts)
            if count:
                found[status] = count
        return found

    @property
    def bad(self) -> tuple[Host, ...]:
        """Hosts that did not end well, the worst first."""
        bad = [host for host in self.hosts if host.status.is_bad]
        return tuple(sorted(bad, key=lambda host: host.status.severity))

    @property
    def stopped(self) -> tuple[Group, ...]:
        """Hosts that did not end well though no task of theirs says why, the worst first."""
        found: dict[tuple[Status, str], list[str]] = {}
        for host in self.bad:
            if host.status is not Status.UNKNOWN and not any(
                BY_MARK[mark].is_bad for mark in host.cells
            ):
                found.setdefault((host.status, host.why), []).append(host.name)
        return tuple(
            Group(status, Said(why=why), tuple(hosts)) for (status, why), hosts in found.items()
        )

    @property
    def went_well(self) -> bool:
        """It has ended, with exit status 0."""
        return self.about.exit_status == 0
