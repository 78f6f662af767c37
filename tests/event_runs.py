"""Whole runs as events, for tests of whatever reads the stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from opsrun.errors import PHASES, SinkClosed
from opsrun.events import (
    ErrorInfo,
    Event,
    HostStarted,
    Notice,
    Outcome,
    Output,
    Result,
    Retry,
    RunStarted,
    Sink,
    Summary,
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
