"""What holds for every sink, whatever the stream brings."""

from __future__ import annotations

import base64
import itertools
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from event_runs import BrokenPipe, any_runs, play
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsrun.errors import SinkClosed
from opsrun.events import Event, Output, Result, Sink, Summary
from opsrun.sinks import KINDS, Discard, OutputOptions, make_sink
from opsrun.sinks.base import BytesWriter, Writer
from opsrun.sinks.live import LiveSink
from opsrun.sinks.outdir import OutdirSink
from opsrun.sinks.screen import Screen
from opsrun.views.sanitise import is_plain

Make = Callable[[Writer, Writer, OutputOptions], Sink]
few = settings(
    max_examples=settings().max_examples // 7,  # a run is many draws
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OPTIONS = st.builds(
    OutputOptions,
    verbosity=st.integers(-1, 3),
    color=st.booleans(),
    color_err=st.booleans(),
    width=st.none() | st.integers(1, 120),
    diff=st.booleans(),
    output_events=st.booleans(),
)


def _live(out: Writer, err: Writer, options: OutputOptions) -> Sink:
    clock = itertools.count(step=0.3)
    columns = options.width or 80
    return LiveSink(
        Screen(out, err),
        color=options.color_err,
        columns=lambda: columns,
        clock=lambda: float(next(clock)),
    )


def _named(kind: str) -> Make:
    return lambda out, err, options: make_sink(kind, out, err, options)


EVERY_KIND = (*KINDS, "playbook", "ansible")
MAKERS: dict[str, Make] = {kind: _named(kind) for kind in EVERY_KIND} | {
    "live": _live,
    "discard": lambda out, err, options: Discard(),
}
every_sink = pytest.mark.parametrize("kind", MAKERS)
for_people = pytest.mark.parametrize(
    "kind", ["text", "fold", "line", "live", "playbook", "ansible"]
)


@every_sink
@few
@given(events=any_runs(), options=OPTIONS)
def test_any_run_is_taken_and_written_to_the_writers_alone(
    kind: str, events: list[Event], options: OutputOptions, capfd: pytest.CaptureFixture[str]
) -> None:
    play(MAKERS[kind](BytesWriter(), BytesWriter(), options), events)
    assert capfd.readouterr() == ("", "")


@every_sink
@few
@given(events=any_runs(), options=OPTIONS)
def test_nothing_comes_after_close(kind: str, events: list[Event], options: OutputOptions) -> None:
    out, err = BytesWriter(), BytesWriter()
    sink = MAKERS[kind](out, err, options)
    play(sink, events)
    before = (out.writes, err.writes)
    play(sink, events)
    sink.tick(1e9)
    sink.close()
    assert (out.writes, err.writes) == before


@every_sink
@few
@given(events=any_runs(), options=OPTIONS, writes=st.integers(0, 4))
def test_a_reader_that_goes_away_is_told_once_and_left_alone(
    kind: str, events: list[Event], options: OutputOptions, writes: int
) -> None:
    pipe = BrokenPipe(writes)
    sink = MAKERS[kind](pipe, pipe, options)
    try:
        play(sink, events)
    except SinkClosed:
        sink.close()
    assert pipe.refused <= 1


@pytest.mark.parametrize("kind", EVERY_KIND)
@few
@given(events=any_runs(), options=OPTIONS)
def test_it_does_not_matter_when_it_is_flushed(
    kind: str, events: list[Event], options: OutputOptions
) -> None:
    written = []
    for flush_each in (True, False):
        out, err = BytesWriter(), BytesWriter()
        play(make_sink(kind, out, err, options), events, flush_each=flush_each)
        written.append((out.data, err.data))
    assert written[0] == written[1]


@pytest.mark.parametrize("kind", EVERY_KIND)
@few
@given(events=any_runs(), options=OPTIONS)
def test_nothing_is_written_before_flush(
    kind: str, events: list[Event], options: OutputOptions
) -> None:
    out, err = BytesWriter(), BytesWriter()
    sink = make_sink(kind, out, err, options)
    for seq, event in enumerate(events, 1):
        sink.handle(seq, event)
    assert (out.writes, err.writes) == (0, 0)


@for_people
@few
@given(events=any_runs(), options=OPTIONS)
def test_no_host_gets_a_control_character_to_the_terminal(
    kind: str, events: list[Event], options: OutputOptions
) -> None:
    terminal = BytesWriter()
    play(MAKERS[kind](terminal, terminal, options), events)
    ours = re.compile(r"\x1b\[(?:[01];)?[0-9]{1,2}m|\r\x1b\[K")
    text = ours.sub("", terminal.text())
    assert is_plain(text)


@few
@given(events=any_runs(), options=OPTIONS)
def test_json_lines_parse_and_keep_every_byte(events: list[Event], options: OutputOptions) -> None:
    out = BytesWriter()
    play(make_sink("jsonl", out, BytesWriter(), options), events)
    assert bytes(out.data).isascii()
    objects = [json.loads(line) for line in out.text().splitlines()]
    results = [event for event in events if isinstance(event, Result)]
    found = [o for o in objects if o["type"] == "result"]
    assert [exact(o, "stdout") for o in found] == [r.stdout for r in results]
    assert [exact(o, "stderr") for o in found] == [r.stderr for r in results]
    assert [o["outcome"] for o in found] == [str(r.outcome) for r in results]
    outputs = [e.data for e in events if isinstance(e, Output)] if options.output_events else []
    assert [exact(o, "data") for o in objects if o["type"] == "output"] == outputs
    if events and isinstance(events[-1], Summary):
        assert objects[-1]["type"] == "summary"


@few
@given(events=any_runs(), options=OPTIONS)
def test_the_json_document_is_one_document_wherever_the_run_ends(
    events: list[Event], options: OutputOptions
) -> None:
    out = BytesWriter()
    play(make_sink("json", out, BytesWriter(), options), events)
    document = json.loads(out.data)
    results = [event for event in events if isinstance(event, Result)]
    assert [exact(o, "stdout") for o in document["results"]] == [r.stdout for r in results]
    assert (document["summary"] is not None) == any(isinstance(e, Summary) for e in events)
    assert document["schema"] == 1


@few
@given(events=any_runs())
def test_outdir_holds_what_came_and_stays_inside(events: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as top:
        inside = Path(top) / "in"
        sink = OutdirSink(inside)
        play(sink, events)
        play(sink, events)
        assert list(Path(top).iterdir()) == [inside]
        kept = {path.name: path.read_bytes() for path in inside.iterdir()}
    kept.pop("hosts.tsv", None)
    assert sorted(kept.values()) == sorted(filter(None, _by_stream(events)))


def _by_stream(events: list[Event]) -> list[bytes]:
    streams: dict[tuple[str, str], bytes] = {}
    for event in events:
        if isinstance(event, Output):
            key = (event.host, event.stream)
            streams[key] = streams.get(key, b"") + event.data
    return list(streams.values())


def exact(fields: dict[str, Any], name: str) -> bytes:
    """The bytes that a JSON object holds under ``name``."""
    if f"{name}_base64" in fields:
        return base64.b64decode(fields[f"{name}_base64"])
    text = fields[name]
    assert isinstance(text, str)
    return text.encode()
