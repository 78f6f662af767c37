"""Messages as JSON: every message with every kind of value, and nothing else."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template, Unsafe, Vaulted
from opsrun.playbook import messages
from opsrun.playbook.codec import NotPlain, decode, encode
from opsrun.results import Outcome

TEXT = st.text(max_size=8) | st.sampled_from(["$opsrun", "is", "{{ x }}"])
ORIGINS = st.builds(Origin, TEXT, st.none() | st.integers(1, 9), st.none() | st.integers(1, 9))
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | TEXT
    | st.binary(max_size=8)
    | st.builds(Template, TEXT, ORIGINS)
    | st.builds(Unsafe, TEXT)
    | st.builds(Vaulted, TEXT)
    | st.sampled_from(Outcome)
)
KEYS = TEXT | st.integers() | st.booleans() | st.none() | st.builds(Template, TEXT, ORIGINS)
VALUES = st.recursive(
    ATOMS,
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(KEYS, below, max_size=3)
        | st.lists(below, max_size=3).map(tuple)
        | st.frozensets(TEXT, max_size=3)
    ),
    max_leaves=8,
)
PLAIN = st.dictionaries(TEXT, VALUES, max_size=3)
NAMES = st.lists(TEXT, max_size=3).map(tuple)
INCLUDES = st.builds(messages.Include, st.sampled_from(["tasks", "role"]), TEXT, PLAIN, PLAIN)
WAITS = st.builds(
    messages.Wait,
    NAMES,
    st.booleans(),
    st.none() | st.integers(),
    st.none() | st.floats(allow_nan=False),
)
STATS = st.builds(messages.Stats, PLAIN, st.booleans(), st.booleans())
EXPORTS = st.builds(
    messages.Exports,
    PLAIN,
    PLAIN,
    PLAIN,
    PLAIN,
    PLAIN,
    st.none() | TEXT,
    st.lists(STATS, max_size=2).map(tuple),
    st.booleans(),
)
MESSAGES = {
    "RunTask": st.builds(
        messages.RunTask,
        TEXT,
        TEXT,
        st.integers(),
        NAMES,
        NAMES,
        NAMES,
        st.none() | st.tuples(TEXT, TEXT),
    ),
    "Wait": WAITS,
    "Parked": st.builds(
        messages.Parked,
        TEXT,
        TEXT,
        st.integers(),
        st.lists(WAITS, max_size=2).map(tuple),
        st.booleans(),
    ),
    "Include": INCLUDES,
    "NewHost": st.builds(messages.NewHost, TEXT, NAMES, PLAIN),
    "GroupBy": st.builds(messages.GroupBy, TEXT, NAMES),
    "Stats": STATS,
    "Exports": EXPORTS,
    "TaskEnded": st.builds(
        messages.TaskEnded,
        TEXT,
        TEXT,
        st.integers(),
        st.sampled_from(Outcome),
        st.booleans(),
        PLAIN,
        EXPORTS,
        NAMES,
        NAMES,
        st.lists(INCLUDES, max_size=2).map(tuple),
        st.lists(st.builds(messages.NewHost, TEXT, NAMES, PLAIN), max_size=2).map(tuple),
        st.lists(st.builds(messages.GroupBy, TEXT, NAMES), max_size=2).map(tuple),
        st.none() | st.booleans(),
        st.booleans(),
        TEXT,
        st.booleans(),
    ),
    "Load": st.builds(messages.Load, TEXT, INCLUDES, NAMES, st.integers()),
    "Loaded": st.builds(messages.Loaded, st.integers(), NAMES, NAMES, TEXT),
    "PlayEnded": st.builds(
        messages.PlayEnded,
        NAMES,
        NAMES,
        st.dictionaries(TEXT, NAMES, max_size=2),
        TEXT,
        NAMES,
        NAMES,
        st.booleans(),
    ),
}


def exactly(one: Any, other: Any) -> bool:
    """Equal, of the same kinds all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        pairs = zip(one.items(), other.items(), strict=True)
        return len(one) == len(other) and all(
            exactly(a, c) and exactly(b, d) for (a, b), (c, d) in pairs
        )
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(exactly, one, other))
    if isinstance(one, Template):
        return str(one) == str(other) and exactly(one.origin, other.origin)
    if is_dataclass(one):
        return all(exactly(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return bool(one == other)


def test_every_message_is_tried() -> None:
    known = {
        name
        for name, kind in vars(messages).items()
        if isinstance(kind, type) and is_dataclass(kind)
    }
    assert known == set(MESSAGES)


@pytest.mark.parametrize("kind", MESSAGES)
@given(data=st.data())
def test_what_goes_in_comes_out(kind: str, data: st.DataObject) -> None:
    message = data.draw(MESSAGES[kind])
    text = encode(message)
    assert "\n" not in text
    assert exactly(decode(text), message)


@given(VALUES)
def test_a_plain_text_never_comes_back_as_a_template(value: Any) -> None:
    made = decode(encode(str.__str__(value) if isinstance(value, str) else value))
    if isinstance(value, str):
        assert type(made) is str


FOREIGN = st.recursive(
    st.none() | st.integers() | TEXT,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3),
    max_leaves=8,
)


@given(FOREIGN)
def test_nothing_but_messages_comes_out_of_a_foreign_text(value: Any) -> None:
    allowed = (type(None), bool, int, float, str, bytes, list, dict, tuple, set, frozenset)
    try:
        made = decode(json.dumps(value))
    except ValueError:
        return
    assert isinstance(made, (*allowed, Template, Unsafe, Vaulted, Origin, Outcome))


@pytest.mark.parametrize(
    "text",
    [
        '{"$opsrun":"os.system","is":"true"}',
        '{"$opsrun":"RunTask","is":{"host":"h","shell":"x"}}',
        '{"$opsrun":"RunTask"}',
        '{"$opsrun":["dict"],"is":1}',
        '{"$opsrun":"Outcome","is":"splendid"}',
        '{"$opsrun":"set","is":[[1]]}',
        '{"$opsrun":"bytes","is":5}',
        "[" * 100_000,
        "nonsense",
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)


@pytest.mark.parametrize("value", [object(), open, 1j])
def test_an_object_of_one_process_is_no_message(value: object) -> None:
    with pytest.raises(NotPlain, match="can't hold"):
        encode({"value": [value]})


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_numbers_that_json_lacks(value: float) -> None:
    assert decode(encode(value)) == value


def test_not_a_number() -> None:
    made = decode(encode(float("nan")))
    assert made != made
