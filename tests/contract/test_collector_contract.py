"""The collector, whatever workers, sinks and signals do to it: nothing is lost, or twice."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import make_engine
from support.workers import (
    Recorder,
    Scripted,
    check_stream,
    good,
    hosts,
    result,
    scripted_run,
    work,
)

from opsrun.adhoc.base import Job
from opsrun.composition.run import Run
from opsrun.engine.base import Engine
from opsrun.engine.base import Event as Flag
from opsrun.engine.collector import QUEUE_SIZE
from opsrun.engine.dispatch import Plan, Share, Slot
from opsrun.errors import SinkClosed
from opsrun.events import (
    ErrorInfo,
    Event,
    HostStarted,
    Notice,
    Outcome,
    Output,
    Progress,
    Result,
    Retry,
    Summary,
)

LONG = 30.0
many = settings(max_examples=min(2 * settings().max_examples, 2_000))


class Dies(BaseException):
    """Like gevent's GreenletExit: no Exception, and nobody expects it."""


class Breaks(BaseException):
    """The same, out of a sink."""


@pytest.fixture(autouse=True)
def _errors_of_tasks_are_part_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors that leave a worker end its task, which tells them on stderr."""
    monkeypatch.setattr(threading, "excepthook", lambda args: None)


class Watching(Recorder):
    """Keeps all, and lets go whoever waits until his start has come out of the stream."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.seen: defaultdict[str, Flag] = defaultdict(engine.event)

    def handle(self, seq: int, event: Event) -> None:
        super().handle(seq, event)
        if isinstance(event, HostStarted):
            self.seen[event.host].set()


class Worksheet:
    """A worker that goes through drawn steps, and knows what it has put into the queue."""

    def __init__(self, steps: dict[str, Sequence[str]], watching: Watching) -> None:
        self.steps = steps
        self.watching = watching
        self.outputs: dict[str, list[bytes]] = {host: [] for host in steps}
        """Of each host, before its result."""
        self.results: Counter[str] = Counter()
        self.late: set[str] = set()

    def behave(self, worker: Scripted, job: Job, slot: Slot) -> bool:
        emit, host = worker.setting.emit, job.host
        for number, step in enumerate(self.steps[host]):
            if step == "block":
                self._block(worker, host)
            elif step == "dies":
                raise Dies
            elif step == "raises":
                raise LookupError("bug")
            elif step == "pauses":
                with slot.given_back():
                    worker.setting.stop.wait(0.0005)
            elif step == "stranger":
                emit(Result("stranger", work("stranger"), Outcome.OK))
            elif step == "retry":
                emit(Retry(host, 1, 0.0, ErrorInfo("tcp", "refused")))
            elif step in ("ok", "failed"):
                self.results[host] += 1
                emit(result(job, Outcome.OK if step == "ok" else Outcome.FAILED))
            else:
                self._say(worker, job, step, b"%d" % number)
        return True

    def _say(self, worker: Scripted, job: Job, step: str, data: bytes) -> None:
        if self.results[job.host]:
            self.late.add(job.host)
        elif step == "output":
            self.outputs[job.host].append(data)
        worker.setting.emit(
            {
                "start": HostStarted(job.host, job.work, 1.0),
                "output": Output(job.host, job.work, "stdout", data),
                "progress": Progress(job.host, job.work, 1, 2),
            }[step]
        )

    def _block(self, worker: Scripted, host: str) -> None:
        """Until somebody has read this host's start: what was emitted must not be stuck."""
        if "start" in self.steps[host][: self.steps[host].index("block")]:
            flag = self.watching.seen[host]
            with worker.setting.stop.closing(flag.set):
                assert flag.wait(LONG)


class Spoilt(Recorder):
    """A sink that fails at one of its calls, once; slow, if it is to be."""

    def __init__(self, engine: Engine, at: int | str, error: BaseException, slow: bool) -> None:
        super().__init__()
        self._engine, self._at, self.error = engine, at, error
        self._pause = 0.0005 if slow else 0.0
        self.struck = False

    def _maybe(self, point: int | str) -> None:
        if self._pause:
            self._engine.event().wait(self._pause)
        if point == self._at and not self.struck:
            self.struck = True
            raise self.error

    def handle(self, seq: int, event: Event) -> None:
        super().handle(seq, event)
        self._maybe(seq)

    def flush(self) -> None:
        super().flush()
        self._maybe("flush")

    def tick(self, now: float) -> None:
        super().tick(now)
        self._maybe("tick")

    def close(self) -> None:
        super().close()
        self._maybe("close")


steps = st.lists(
    st.sampled_from(
        [
            *("start", "output", "output", "progress", "retry", "block", "pauses"),
            *("ok", "failed", "stranger", "raises", "dies"),
        ]
    ),
    max_size=9,
).map(lambda drawn: drawn if drawn and drawn[0] != "start" else ["start", *drawn])
spoilt = st.tuples(
    st.integers(1, 25) | st.sampled_from(["flush", "tick", "close", "never"]),
    st.sampled_from([SinkClosed("gone"), OSError(28, "full"), KeyboardInterrupt(), Breaks("x")]),
    st.booleans(),
)


def read(run: Run, break_after: int | None, interrupt_at: int | None) -> BaseException | None:
    """Read the stream as far as wanted; what it ended with."""
    stream = run.stream()
    try:
        for seen, _ in enumerate(stream):
            if seen == interrupt_at:
                run.interrupt()
            if seen == break_after:
                stream.close()  # type: ignore[attr-defined]
                break
    except (KeyboardInterrupt, Breaks) as error:
        return error
    return None


@many
@given(
    sheets=st.lists(steps, min_size=1, max_size=6),
    bad=st.lists(spoilt, max_size=3),
    place=st.integers(0, 3),
    break_after=st.none() | st.integers(0, 20),
    interrupt_at=st.none() | st.integers(0, 20),
    plan=st.builds(
        Plan,
        forks=st.integers(1, 4),
        serial=st.none() | st.builds(Share, st.integers(1, 3)),
        fail_fast=st.booleans(),
    ),
)
def test_one_result_a_host_and_nothing_lost_whatever_is_thrown(
    sheets: list[list[str]],
    bad: list[tuple[int | str, BaseException, bool]],
    place: int,
    break_after: int | None,
    interrupt_at: int | None,
    plan: Plan,
) -> None:
    engine = make_engine()
    names = hosts(len(sheets))
    recorder = Watching(engine)
    sheet = Worksheet(dict(zip(names, sheets, strict=True)), recorder)
    sinks = [Spoilt(engine, *each) for each in bad]
    all_sinks = [*sinks[:place], recorder, *sinks[place:]]
    run, _ = scripted_run(engine, dict.fromkeys(names, sheet.behave), plan, all_sinks)
    error = read(run, break_after, interrupt_at)
    check_stream(recorder, names)
    assert {each.closed for each in sinks} <= {1}, "every sink is closed once, broken or not"
    for each in sinks:
        assert each.seqs == list(range(1, len(each.seqs) + 1)), "also those that were dropped"
        assert each.events == recorder.events[: len(each.events)]
    struck = {type(each.error) for each in sinks if each.struck}
    assert error is None or type(error) in struck
    strikes = sum(
        isinstance(each.error, (KeyboardInterrupt, Breaks)) for each in sinks if each.struck
    )
    check_events(recorder, sheet, whole=strikes + (break_after is not None) < 2)
    assert Counter(each.work for each in run.report) == Counter(map(work, names))
    assert {id(each) for each in run.report} == {id(each) for each in recorder.results()}


def check_events(recorder: Recorder, sheet: Worksheet, whole: bool) -> None:
    """What came out is what was put in; ``whole`` unless the winding up was broken off."""
    over: set[str] = set()
    out: dict[str, list[bytes]] = {host: [] for host in sheet.steps}
    for event in recorder.events:
        if isinstance(event, Result):
            over.add(event.host)
        elif isinstance(event, (HostStarted, Output, Progress)):
            assert event.host not in over, "a result is the last event of its work"
        if isinstance(event, Output):
            out[event.host].append(event.data)
    if not whole:
        for host, data in out.items():
            assert data == sheet.outputs[host][: len(data)]
        return
    assert out == sheet.outputs, "all of it, in order"
    words = [each.message for each in recorder.events if isinstance(each, Notice)]
    assert sum("behind its result" in each for each in words) == len(sheet.late)
    extra = sum(max(0, count - 1) for count in sheet.results.values())
    twice = [each for each in words if "second result" in each and "stranger" not in each]
    assert len(twice) == extra


def test_what_comes_behind_a_result_is_dropped_and_told_once(engine: Engine) -> None:
    def chatty(worker: Scripted, job: Job, slot: Slot) -> bool:
        good(worker, job, slot)
        for _ in range(5):
            worker.setting.emit(HostStarted(job.host, job.work, 2.0))
            worker.setting.emit(Output(job.host, job.work, "stdout", b"late"))
            worker.setting.emit(Progress(job.host, job.work, 1, 2))
        return True

    recorder = Recorder()
    run, _ = scripted_run(engine, {"h": chatty, "other": good}, sinks=[recorder])
    list(run.stream())
    check_stream(recorder, ["h", "other"])
    assert not [each for each in recorder.events if isinstance(each, (Output, Progress))]
    [words] = [each.message for each in recorder.events if isinstance(each, Notice)]
    assert words == f"what came of {work('h')} behind its result was dropped"


@pytest.mark.parametrize("point", [1, 2, 3, 4, "flush", "tick"])
def test_an_interrupt_inside_a_sink_loses_nothing(engine: Engine, point: int | str) -> None:
    """As where a script's own handler of SIGINT is Python's."""
    first, last = Recorder(), Recorder()
    struck = Spoilt(engine, point, KeyboardInterrupt(), slow=False)
    run, _ = scripted_run(
        engine, dict.fromkeys(hosts(3), good), Plan(forks=1), [first, struck, last]
    )
    with pytest.raises(KeyboardInterrupt):
        list(run.stream())
    assert first.events == struck.events == last.events
    check_stream(last, hosts(3))
    assert list(run.report) == last.results()
    assert run.interrupted
    assert run.collector.failures == [], "it was not the sink's fault"


def test_an_interrupt_while_the_sinks_are_closed_leaves_none_open(engine: Engine) -> None:
    first, last = Recorder(), Recorder()
    struck = Spoilt(engine, "close", KeyboardInterrupt(), slow=False)
    run, _ = scripted_run(engine, {"h": good}, sinks=[first, struck, last])
    with pytest.raises(KeyboardInterrupt):
        list(run.stream())
    assert (first.closed, struck.closed, last.closed) == (1, 1, 1)
    check_stream(last, ["h"])


def test_a_second_interrupt_waits_for_nobody_and_still_names_every_host(engine: Engine) -> None:
    go = engine.event()

    def stuck(worker: Scripted, job: Job, slot: Slot) -> bool:
        worker.setting.emit(HostStarted(job.host, job.work, 1.0))
        assert go.wait(LONG)
        return True

    class Twice(Recorder):
        def tick(self, now: float) -> None:
            if any(isinstance(each, HostStarted) for each in self.events):
                raise KeyboardInterrupt

    recorder = Recorder()
    run, _ = scripted_run(
        engine, dict.fromkeys(hosts(3), stuck), Plan(forks=1), [Twice(), recorder]
    )
    with pytest.raises(KeyboardInterrupt):
        list(run.stream())
    check_stream(recorder, hosts(3))
    outcomes = Counter(each.outcome for each in run.report)
    assert outcomes == {Outcome.LOST: 1, Outcome.CANCELLED: 2}
    [lost] = run.report.lost
    assert lost.error is not None
    assert lost.error.message == "its end was not waited for"
    go.set()


class Counting:
    """Counts, and holds on to nothing; looks at how much is on its way."""

    wants_output = True

    def __init__(self, engine: Engine, forks: int, every: int = 0) -> None:
        self._engine, self._forks, self._every = engine, forks, every
        self.emitted: Counter[str] = Counter()
        self.handled: Counter[str] = Counter()
        self.total = self.most = self.last = self.closed = 0
        self.in_order = True

    def handle(self, seq: int, event: Event) -> None:
        assert seq == self.last + 1
        self.last = seq
        if isinstance(event, Output):
            self.in_order &= event.data == b"%d" % self.handled[event.host]
            self.handled[event.host] += 1
            self.total += 1
            if self.total % 1000 == 0:
                self.most = max(self.most, sum(list(self.emitted.values())) - self.total)
            if self._every and self.total % self._every == 0:
                self._engine.event().wait(0.001)

    def flush(self) -> None: ...

    def tick(self, now: float) -> None: ...

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    "events", [100_000, pytest.param(1_000_000, marks=pytest.mark.soak)], ids=["few", "many"]
)
def test_as_many_events_come_out_as_went_in(engine: Engine, events: int) -> None:
    names, forks = hosts(100), 20
    each = events // len(names)
    slow = Counting(engine, forks, every=500)
    failing = Spoilt(engine, events // 2, OSError(28, "full"), slow=False)
    failing.handle = lambda seq, event: failing._maybe(seq)  # type: ignore[method-assign]

    def produce(worker: Scripted, job: Job, slot: Slot) -> bool:
        for number in range(each):
            worker.setting.emit(Output(job.host, job.work, "stdout", b"%d" % number))
            slow.emitted[job.host] += 1
        return good(worker, job, slot)

    run, _ = scripted_run(engine, dict.fromkeys(names, produce), Plan(forks=forks), [failing, slow])
    read = Counter(type(event) for event in run.stream())
    assert slow.handled == slow.emitted == dict.fromkeys(names, each)
    assert slow.in_order
    assert read[Output] == slow.total == events
    assert (read[Result], read[Summary], len(run.report)) == (len(names), 1, len(names))
    assert 0 < slow.most <= QUEUE_SIZE, "whoever is ahead of the sinks waits: nothing piles up"
    assert failing.struck
    assert (failing.closed, slow.closed) == (1, 1)
