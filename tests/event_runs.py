"""Whole runs as events, for tests of whatever reads the stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from opsrun.errors import PHASES, SinkClosed
from opsrun.events import (
    CustomStats,
    ErrorInfo,
    Event,
    HandlersPending,
    HostStarted,
    Notice,
    Outcome,
    Output,
    PlaybookStarted,
    PlayStarted,
    Result,
    Retry,
    RunStarted,
    Sink,
    Summary,
    TaskResult,
    TaskStarted,
    Waiting,
    WorkId,
)

NASTY = (
    b"\x1b[2J\x1b]0;title\x07",
    b"\x9b31m\xc2\x9b31m",
    b"1%\r2%\r100%\r\n",
    "\u202egnp.exe \u200b\ufeff".encode(),
    b"\xe2\x82",
    b"\xac\xff\x00\n\n",
    "日本\n".encode(),
    b"plain text\n",
)


def work(host: str) -> WorkId:
    """The work of one host."""
    return WorkId(host, ("exec",), "0123456789ab")


def result(host: str, outcome: Outcome = Outcome.OK, **fields: Any) -> Result:
    """A result; a good one has exit status 0 and started."""
    rc = {"rc": 0, "started": 1.0} if outcome.is_good else {}
    return Result(host, work(host), outcome, **(rc | fields))


def started(*hosts: str) -> RunStarted:
    """The head of a run."""
    return RunStarted("r1", "exec", "df -h", hosts, 1_700_000_000.0)


def summary(results: Iterable[Event], **fields: Any) -> Summary:
    """The summary of whatever results there are."""
    counts = Counter(event.outcome for event in results if isinstance(event, Result))
    return Summary("r1", counts, 2.34, **fields)


def play(sink: Sink, events: Iterable[Event], *, flush_each: bool = True) -> None:
    """Give the sink a whole stream, and close it."""
    for seq, event in enumerate(events, 1):
        sink.handle(seq, event)
        if flush_each:
            sink.flush()
    sink.flush()
    sink.close()


@dataclass
class BrokenPipe:
    """A writer whose reader goes away after some writes."""

    writes_left: int
    written: list[bytes] = field(default_factory=list)
    refused: int = 0

    def write(self, data: bytes) -> None:
        """Take the bytes, as long as there is a reader."""
        if not self.writes_left:
            self.refused += 1
            raise SinkClosed("the reader went away")
        self.writes_left -= 1
        self.written.append(data)


texts = st.text(max_size=12) | st.sampled_from([item.decode("latin-1") for item in NASTY])
chunks = st.binary(max_size=12) | st.sampled_from(NASTY)
names = st.sampled_from(["web01", "web02", "web10", "db", "../x", "WEB01", "a/b", ".h"]) | st.text(
    st.characters(), min_size=1, max_size=8
)
errors = st.builds(ErrorInfo, st.sampled_from(PHASES), texts, texts)
seconds = st.floats(0, 1e5)
levels = st.sampled_from(["debug", "info", "warning", "error"])
values = st.one_of(st.integers(), st.floats(), texts, st.none(), st.binary(max_size=3))


@st.composite
def host_events(draw: st.DrawFn, host: str) -> list[Event]:
    """All events of one host, in a valid order: one result, at the end."""
    ids = work(host)
    retries = st.builds(Retry, st.just(host), st.integers(1, 9), seconds, errors)
    gates = st.builds(
        Waiting,
        *(st.just(host), texts, st.integers(1, 99), seconds, st.none() | seconds, texts),
    )
    outputs = st.builds(
        Output, st.just(host), st.just(ids), st.sampled_from(["stdout", "stderr"]), chunks
    )
    said = draw(st.lists(retries | gates, max_size=2))
    came = draw(st.lists(outputs, max_size=5))
    kept = {
        name: b"".join(event.data for event in came if event.stream == name)
        for name in ("stdout", "stderr")
    }
    last = draw(
        st.builds(
            Result,
            *(st.just(host), st.just(ids), st.sampled_from(Outcome)),
            rc=st.none() | st.integers(0, 255),
            signal=st.none() | texts,
            truncated=st.booleans(),
            started=st.sampled_from([0.0, 1_700_000_000.5]),
            duration=seconds,
            error=st.none() | errors,
            data=st.dictionaries(texts, values, max_size=2),
            stdout=st.just(kept["stdout"]),
            stderr=st.just(kept["stderr"]),
        )
    )
    return [HostStarted(host, ids, 1_700_000_000.0), *said, *came, last]


@st.composite
def runs(draw: st.DrawFn) -> list[Event]:
    """A whole run over 0 to 5 hosts, interleaved; sometimes it breaks off."""
    hosts = draw(st.lists(names, max_size=5, unique=True))
    queues = [draw(host_events(host)) for host in hosts]
    queues.append(draw(st.lists(st.builds(Notice, levels, texts, texts), max_size=2)))
    events: list[Event] = [draw(st.builds(RunStarted, *run_fields(hosts)))]
    while any(queues):
        queue = draw(st.sampled_from([queue for queue in queues if queue]))
        events.append(queue.pop(0))
    interrupted = draw(st.booleans())
    events.append(summary(events, interrupted=interrupted))
    return events[: draw(st.integers(0, len(events)))] if draw(st.booleans()) else events


def run_fields(hosts: Sequence[str]) -> tuple[st.SearchStrategy[Any], ...]:
    """Strategies for the fields of the head of a run."""
    return (texts, st.just("exec"), texts, st.just(tuple(hosts)), st.just(1_700_000_000.0))


COUNTS = (
    *("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored", "lost"),
    "cancelled",
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=3,
)
diffs = st.fixed_dictionaries(
    {},
    optional={
        "before": texts | st.dictionaries(texts, texts, max_size=2),
        "after": texts | st.dictionaries(texts, texts, max_size=2),
        "before_header": texts,
        "after_header": texts,
        "prepared": texts,
        "src_binary": st.just(1),
        "dst_larger": st.just(104448),
    },
)
task_data = st.fixed_dictionaries(
    {},
    optional={
        "msg": texts | plain,
        "rc": st.integers(0, 255),
        "stdout": texts,
        "stderr": texts,
        "diff": diffs | st.lists(diffs, max_size=2),
        "changed": st.booleans(),
        "failed": st.booleans(),
        "false_condition": texts,
        "censored": texts,
        "warnings": st.lists(texts, max_size=2),
        "results": st.just([]),
        "ansible_loop_var": texts,
        "evaluated_to": st.just(False),
        "more": plain,
    },
)
task_kinds = st.sampled_from(["task", "handler", "gather", "meta", "include"])


@st.composite
def task_events(draw: st.DrawFn, task: str, hosts: Sequence[str]) -> list[Event]:
    """A task's beginning, and results of its hosts with their items and attempts, in any order."""
    action = st.sampled_from(["debug", "command", "assert", "setup", "include_tasks"])
    first = draw(
        st.builds(TaskStarted, st.just(task), texts, action, texts, task_kinds, role=texts)
    )
    results = st.builds(
        TaskResult,
        st.sampled_from(list(hosts)),
        st.just(task),
        st.sampled_from(Outcome),
        task_data,
        ignored=st.booleans(),
        item=st.none() | texts,
        delegate=st.just("") | texts,
        name=texts,
        retries_left=st.none() | st.integers(0, 3),
        included=st.just("") | texts,
        loop=st.booleans(),
        rescued=st.booleans(),
        quiet=st.booleans(),
        diff=st.booleans(),
    )
    return [first, *draw(st.lists(results, max_size=3))]


@st.composite
def playbook_runs(draw: st.DrawFn) -> list[Event]:
    """A run of plays over 1 to 4 hosts, their tasks one after the other or mixed."""
    hosts = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    events: list[Event] = [draw(st.builds(RunStarted, *run_fields(hosts)))]
    events.append(draw(st.builds(PlaybookStarted, texts, st.integers(0, 9))))
    for number in range(draw(st.integers(0, 2))):
        batch = st.integers(1, 3)
        events.append(
            draw(st.builds(PlayStarted, texts, st.just(tuple(hosts)), texts, batch, batch))
        )
        tasks = [draw(task_events(f"{number}/{index}", hosts)) for index in range(2)]
        if draw(st.booleans()):
            queues = [list(task) for task in tasks]
            while any(queues):
                events.append(draw(st.sampled_from([q for q in queues if q])).pop(0))
        else:
            events += [event for task in tasks for event in task]
        events += draw(st.lists(st.builds(Notice, levels, texts, texts), max_size=1))
        pending = st.builds(HandlersPending, st.sampled_from(hosts), st.tuples(texts))
        events += draw(st.lists(pending, max_size=1))
    values = st.dictionaries(texts, st.none() | st.integers() | texts, max_size=2)
    per_host = st.dictionaries(st.sampled_from(hosts), values, max_size=2)
    events += draw(st.lists(st.builds(CustomStats, values, per_host), max_size=1))
    counts = st.fixed_dictionaries({name: st.integers(0, 9999) for name in COUNTS})
    for host in hosts:
        data = {"recap": draw(counts)}
        events.append(result(host, draw(st.sampled_from(Outcome)), data=data))
    events.append(summary(events, interrupted=draw(st.booleans())))
    return events[: draw(st.integers(0, len(events)))] if draw(st.booleans()) else events


def any_runs() -> st.SearchStrategy[list[Event]]:
    """Of commands and of playbooks."""
    return runs() | playbook_runs()
