"""Events as text: what is as it is by default is not written, and comes back all the same."""

from __future__ import annotations

import json
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from opsrun.events import Event, HostStarted, Outcome, Result, TaskResult, WorkId
from opsrun.journal.codec import event_of, from_text, to_record, to_text

_LEAVES = st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from([0.0, 1.0, "", "a", "0"])
_DATA = st.dictionaries(st.sampled_from(["rc", "changed", "a"]), _LEAVES | st.lists(_LEAVES))
_WORKS = st.builds(
    WorkId,
    st.sampled_from(["", "web01"]),
    st.sampled_from([(), ("exec",), ("a", "b")]),
    st.just("01"),
    item=st.none() | st.just("1"),
    attempt=st.integers(1, 3),
)
_BYTES = st.binary(max_size=5)
_EVENTS: Any = st.one_of(
    st.builds(HostStarted, st.just("web01"), _WORKS, st.sampled_from([0.0, 1.5])),
    st.builds(
        Result,
        st.just("web01"),
        _WORKS,
        st.sampled_from(Outcome),
        rc=st.none() | st.integers(0, 2),
        stdout=_BYTES,
        stderr=_BYTES,
        truncated=st.booleans(),
        attempts=st.integers(0, 2),
        data=_DATA,
    ),
    st.builds(
        TaskResult,
        st.just("web01"),
        st.just("0/tasks/0"),
        st.sampled_from(Outcome),
        _DATA,
        item=st.none() | st.sampled_from(["", "1"]),
        retries_left=st.none() | st.integers(0, 2),
        ignored=st.booleans(),
    ),
)


@given(_EVENTS)
def test_what_comes_back_is_what_went_in(event: Event) -> None:
    found = event_of(event.type, from_text(to_text(to_record(event))))
    assert found == event
    # As an equal number of another type would be, too.
    assert json.dumps(found.to_dict()) == json.dumps(event.to_dict())


def test_a_short_result_is_a_short_text() -> None:
    work = WorkId("web01", ("exec",), "0123456789ab")
    text = to_text(to_record(Result("web01", work, Outcome.OK, rc=0)))
    assert len(text) < 120
    assert "stderr" not in text


def test_what_has_no_default_is_always_written() -> None:
    assert to_record(TaskResult("", "", Outcome.OK, {})).keys() >= {"host", "task", "outcome"}


def test_every_event_has_a_type_of_its_own() -> None:
    kinds = get_args(Event)
    assert len({kind.type for kind in kinds}) == len(kinds)
