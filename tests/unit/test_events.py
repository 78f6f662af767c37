from __future__ import annotations

import base64
import json
import pickle
from itertools import product
from typing import get_args

import pytest
from event_runs import result, runs, summary, work
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsrun.events import (
    SCHEMA_VERSION,
    ErrorInfo,
    Event,
    HostStarted,
    Notice,
    Outcome,
    Output,
    Result,
    Retry,
    RunStarted,
    Waiting,
    WorkId,
    digest,
    text_fields,
    timestamp,
)

PARTS = ("a", "b", "a/b", "a@b", "a]@b", "[a]", "%2F", "/", "")
PATHS = [*((part,) for part in PARTS), *product(PARTS, PARTS)]


def test_every_event_has_a_type_of_its_own() -> None:
    types = [kind.type for kind in get_args(Event)]
    assert len(set(types)) == len(types) == 15


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=25)
@given(runs())
def test_events_become_objects_with_their_type_first(events: list[Event]) -> None:
    for event in events:
        fields = event.to_dict()
        assert next(iter(fields.items())) == ("type", event.type)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=25)
@given(runs())
def test_events_travel_between_processes(events: list[Event]) -> None:
    assert pickle.loads(pickle.dumps(events)) == events


def test_events_are_frozen() -> None:
    with pytest.raises(AttributeError):
        result("a").rc = 1  # type: ignore[misc]


@given(st.binary())
def test_exact_bytes_survive(data: bytes) -> None:
    fields = json.loads(json.dumps(text_fields("stdout", data)))
    coded = fields.get("stdout_base64")
    exact = base64.b64decode(coded) if coded is not None else fields["stdout"].encode()
    assert exact == data


def test_base64_stands_beside_the_text_only_where_it_must() -> None:
    assert text_fields("data", "é\x00\x1b".encode()) == {"data": "é\x00\x1b"}
    assert text_fields("data", b"\xed\xa0\x80x") == {
        "data": "\ufffd\ufffd\ufffdx",
        "data_base64": "7aCAeA==",
    }


def test_other_work_has_another_name() -> None:
    ids = [
        WorkId(host, path, "0123456789ab", item, attempt)
        for host, path, item, attempt in product(PARTS, PATHS, (None, *PARTS), (1, 11))
    ]
    assert len({str(one) for one in ids}) == len(ids)


@pytest.mark.parametrize(
    ("work_id", "name"),
    [
        (WorkId("web01", ("exec",), "0123456789ab"), "exec@web01#0123456789ab.1"),
        (
            WorkId("root@[::1]:22", ("site", "1", "copy x"), "ab", "a b", 3),
            "site/1/copy x[a b]@root%40%5B::1%5D:22#ab.3",
        ),
        (WorkId("h", ("a/b",), "ab", ""), "a%2Fb[]@h#ab.1"),
    ],
)
def test_a_work_id_reads_well(work_id: WorkId, name: str) -> None:
    assert str(work_id) == name


def test_a_digest_is_stable_and_knows_where_its_parts_end() -> None:
    assert digest("df", b"-h") == "6ec6a3c0d6fe"
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}) == 4
    assert digest("\udcff") == digest(b"\xff")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_769_860_800.25, "2026-01-31T12:00:00.250Z"),
        (1.0005, "1970-01-01T00:00:01.000Z"),
    ],
)
def test_timestamp(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


def test_the_fields_of_each_object() -> None:
    error = ErrorInfo("tcp", "refused", "start it")
    events: list[Event] = [
        RunStarted("r", "exec", "df", ("a",), 0.0),
        HostStarted("a", work("a"), 0.0),
        Output("a", work("a"), "stderr", b"x"),
        Retry("a", 1, 0.12345, error),
        Waiting("a", "ssh", 2, 1.23456, 60.0, "refused"),
        Notice("info", "hello"),
        Result("a", work("a"), Outcome.LOST, truncated=True, data={"rtt": 1}),
        summary([result("a")]),
    ]
    assert [" ".join(event.to_dict()) for event in events] == [
        "type schema run action command hosts started",
        "type host work started",
        "type host stream data",
        "type host attempt delay error",
        "type host gate attempt elapsed timeout last_error",
        "type level host message",
        "type host work outcome rc signal stdout stderr truncated started duration attempts error"
        " data",
        "type run ok changed skipped failed unreachable lost cancelled duration interrupted"
        " exit_status",
    ]
    assert events[0].to_dict()["schema"] == SCHEMA_VERSION == 1
    assert events[3].to_dict()["delay"] == 0.123


@pytest.mark.parametrize("outcome", Outcome)
def test_good_outcomes(outcome: Outcome) -> None:
    assert outcome.is_good == (str(outcome) in ("ok", "changed", "skipped"))
