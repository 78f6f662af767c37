from __future__ import annotations

import json
from typing import Any

import pytest
from event_runs import play, result, started, summary, work
from hypothesis import given
from hypothesis import strategies as st

from opsrun.events import ErrorInfo, Event, HostStarted, Notice, Outcome, Output, Retry, Waiting
from opsrun.secret import Secret
from opsrun.sinks.base import BytesWriter, OutputOptions
from opsrun.sinks.encode import encode
from opsrun.sinks.jsondoc import JsonSink
from opsrun.sinks.jsonl import JsonLinesSink

FAILED = result("b", Outcome.UNREACHABLE, error=ErrorInfo("tcp", "refused", "start it"))
RUN: list[Event] = [
    started("a", "b"),
    HostStarted("a", work("a"), 1.0),
    Output("a", work("a"), "stdout", b"caf\xe9"),
    Retry("b", 1, 1.5, ErrorInfo("tcp", "reset")),
    Waiting("b", "ssh", 2, 3.0, None, ""),
    Notice("warning", "careful"),
    Notice("debug", "kex curve25519"),
    result("a", stdout=b"caf\xe9", duration=0.5),
    FAILED,
    summary([result("a"), FAILED], exit_status=3),
]


def lines(**options: Any) -> list[dict[str, Any]]:
    out, err = BytesWriter(), BytesWriter()
    play(JsonLinesSink(out, err, OutputOptions(**options)), RUN)
    assert err.text() == ""
    return [json.loads(line) for line in out.text().splitlines()]


def test_an_object_for_each_event() -> None:
    objects = lines()
    kinds = ["run", "start", "retry", "waiting", "notice", "result", "result", "summary"]
    assert [o["type"] for o in objects] == kinds
    assert [o["seq"] for o in objects] == [1, 2, 4, 5, 6, 8, 9, 10]
    assert objects[0]["schema"] == 1


def test_the_fields_of_a_result() -> None:
    first, second = lines()[5:7]
    assert first == {
        "type": "result",
        "seq": 8,
        "host": "a",
        "work": "exec@a#0123456789ab.1",
        "outcome": "ok",
        "rc": 0,
        "signal": None,
        "stdout": "caf\ufffd",
        "stdout_base64": "Y2Fm6Q==",
        "stderr": "",
        "truncated": False,
        "started": "1970-01-01T00:00:01.000Z",
        "duration": 0.5,
        "attempts": 1,
        "error": None,
    }
    assert second["error"] == {"phase": "tcp", "message": "refused", "hint": "start it"}
    assert (second["rc"], second["started"]) == (None, None)


def test_the_fields_of_the_summary() -> None:
    counts = {"ok": 1, "changed": 0, "skipped": 0, "failed": 0, "unreachable": 1, "lost": 0}
    assert lines()[-1] == counts | {
        "type": "summary",
        "seq": 10,
        "run": "r1",
        "cancelled": 0,
        "duration": 2.34,
        "interrupted": False,
        "exit_status": 3,
    }


def test_output_only_when_asked_for() -> None:
    asked = JsonLinesSink(BytesWriter(), BytesWriter(), OutputOptions(output_events=True))
    assert asked.wants_output
    assert not JsonLinesSink(BytesWriter(), BytesWriter(), OutputOptions()).wants_output
    (output,) = [o for o in lines(output_events=True) if o["type"] == "output"]
    assert (output["stream"], output["data_base64"]) == ("stdout", "Y2Fm6Q==")


@pytest.mark.parametrize(("verbosity", "messages"), [(-1, 1), (0, 1), (1, 1), (2, 2)])
def test_debug_notices_need_verbosity(verbosity: int, messages: int) -> None:
    found = [o for o in lines(verbosity=verbosity) if o["type"] == "notice"]
    assert len(found) == messages


def test_the_document() -> None:
    out, err = BytesWriter(), BytesWriter()
    play(JsonSink(out, err, OutputOptions()), RUN)
    document = json.loads(out.data)
    assert list(document) == ["schema", "run", "results", "notices", "summary"]
    assert document["run"]["hosts"] == ["a", "b"]
    assert [r["host"] for r in document["results"]] == ["a", "b"]
    assert document["notices"] == [{"level": "warning", "host": None, "message": "careful"}]
    assert document["summary"]["exit_status"] == 3
    assert err.text() == "warning: careful\n"


def test_results_of_the_document_are_not_kept() -> None:
    out = BytesWriter()
    sink = JsonSink(out, BytesWriter(), OutputOptions())
    sink.handle(1, started("a"))
    sink.handle(2, result("a", stdout=b"x" * 10))
    sink.flush()
    assert out.text().endswith('"attempts": 1, "error": null}')


def test_a_run_that_never_began_is_a_document_too() -> None:
    out = BytesWriter()
    JsonSink(out, BytesWriter(), OutputOptions()).close()
    empty: dict[str, Any] = {
        "schema": 1,
        "run": None,
        "results": [],
        "notices": [],
        "summary": None,
    }
    assert json.loads(out.data) == empty


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(anything)
def test_any_value_becomes_json_that_strict_parsers_take(value: Any) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = encode(value)
    assert text.isascii()
    assert "\n" not in text
    parsed = json.loads(text, parse_constant=refuse)
    json.dumps(parsed, ensure_ascii=False).encode()


@given(st.text())
def test_text_comes_back(text: str) -> None:
    assert json.loads(encode({"name": text})) == {"name": text}


def test_what_json_can_not_hold() -> None:
    value = {"nan": float("nan"), "bytes": b"x\xff", "set": {1}, "name": "\udcff", "s": Secret("p")}
    assert json.loads(encode(value)) == {
        "nan": None,
        "bytes": "x\ufffd",
        "set": [1],
        "name": "\ufffd",
        "s": "********",
    }
