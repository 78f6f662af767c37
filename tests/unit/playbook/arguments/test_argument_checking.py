"""Arguments and specifications: what fits, and what is said of what doesn't.

The outcomes are those of ansible-core 2.18; the words are opsrun's.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.playbook.arguments.checking import KINDS, problems

X = {"x": {"type": "int", "required": True}, "y": {"choices": ["p", "q"]}}
SUB = {"sub": {"type": "dict", "options": X}}
SUBS = {"subs": {"type": "list", "elements": "dict", "options": X}}


def rules(**more: Any) -> dict[str, Any]:
    options = {name: {"type": "str"} for name in "abc"}
    return {"d": {"type": "dict", "options": options, **more}}


FITS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"a": {}}, {"a": 5}),
    ({"a": {"type": "int"}}, {"a": "5"}),
    ({"a": {"type": "int"}}, {"a": None}),
    ({"a": {"type": "raw", "required": True}}, {"a": None}),
    ({"a": {"type": "bool"}}, {"a": "off"}),
    ({"a": {"type": "list", "elements": "int"}}, {"a": "1,2"}),
    ({"a": {"type": "dict"}}, {"a": "k=v"}),
    ({"a": {"choices": ["yes", "no"]}}, {"a": True}),
    ({"a": {"choices": [True]}}, {"a": True}),
    ({"a": {"type": "list", "choices": ["u", "v"]}}, {"a": ["v", "u"]}),
    ({"a": {"required": True, "aliases": ["aa"]}}, {"aa": "x"}),
    ({"a": {"type": "int", "default": 1}}, {}),
    (SUB, {"sub": {"x": "1", "y": "p"}}),
    (SUB, {}),
    (SUBS, {"subs": [{"x": 1}, {"x": 2, "y": "q"}]}),
    (rules(mutually_exclusive=[["a", "b"]]), {"d": {"a": "1", "c": "2"}}),
    (rules(required_together=[["a", "b"]]), {"d": {"a": "1", "b": "2"}}),
    (rules(required_together=[["a", "b"]]), {"d": {"c": "2"}}),
    (rules(required_one_of=[["a", "b"]]), {"d": {"b": "2"}}),
    (rules(required_if=[["a", "1", ["b"]]]), {"d": {"a": "2"}}),
    (rules(required_if=[["a", "1", ["b", "c"], True]]), {"d": {"a": "1", "c": "x"}}),
    (rules(required_by={"a": ["b"]}), {"d": {"b": "2"}}),
]


@pytest.mark.parametrize(("options", "given_arguments"), FITS)
def test_what_fits(options: dict[str, Any], given_arguments: dict[str, Any]) -> None:
    assert problems(options, given_arguments) == []


WRONG: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({"a": {"required": True}}, {}, ["a: is required"]),
    ({"a": {"required": True}}, {"a": None}, ["a: expected a value of the type str, found"]),
    ({"a": {"type": "int"}}, {"a": "q"}, ["a: expected a whole number, found 'q'"]),
    ({"a": {"type": "int", "default": 1}}, {"a": None}, ["a: expected a whole number"]),
    ({"a": {"type": "int", "default": "q"}}, {}, ["a (its default): expected a whole number"]),
    ({"name": {}}, {"nmae": 1}, ["nmae: no such argument; did you mean 'name'?"]),
    ({"a": {}, "b": {}}, {"zork": 1}, ["zork: no such argument; there is a, b"]),
    ({"a": {"choices": ["blue"]}}, {"a": "bleu"}, ["expected one of blue, found 'bleu'; did you"]),
    ({"a": {"type": "bool", "choices": ["yes"]}}, {"a": "yes"}, ["a: expected one of yes, found"]),
    ({"a": {"type": "list", "elements": "int"}}, {"a": [1, "q", "r"]}, ["a[1]: ", "a[2]: "]),
    ({"a": {"type": "banana"}}, {"a": 1}, ["a: its specification has no type 'banana'"]),
    ({"a": {"choices": "xy"}}, {}, ["a: the choices of its specification are no list"]),
    ({"a": {"required": True, "default": 1}}, {}, ["a: its specification has a default, and"]),
    ({"a": 5}, {}, ["a: its specification is no dictionary"]),
    ({"a": {"type": "dict", "options": [1]}}, {"a": {}}, ["a: the options of its specification"]),
    (SUB, {"sub": {"y": "z", "w": 1}}, ["sub.w: no such", "sub.x: is required", "sub.y: expected"]),
    (SUBS, {"subs": [{"x": 1}, {}, {"x": "q"}]}, ["subs[1].x: is required", "subs[2].x: expected"]),
    ({"sub": {**SUB["sub"], "apply_defaults": True}}, {}, ["sub.x: is required"]),
    (rules(mutually_exclusive=[["a", "b"]]), {"d": {"a": 1, "b": 2}}, ["d.a: excludes d.b"]),
    (rules(mutually_exclusive=["a", "b"]), {"d": {"a": 1, "b": 2}}, ["d.a: excludes d.b"]),
    (rules(required_together=[["a", "b"]]), {"d": {"b": 1}}, ["d.b: needs d.a with it"]),
    (rules(required_one_of=[["a", "b"]]), {"d": {}}, ["d: one of a, b is required"]),
    (rules(required_if=[["a", "1", ["b"]]]), {"d": {"a": "1"}}, ["d.a: with '1', d.b must be"]),
    (rules(required_if=[["a", "1", ["b", "c"], True]]), {"d": {"a": "1"}}, ["one of d.b, d.c is"]),
    (rules(required_if=[["a"]]), {"d": {}}, ["d: required_if: expected a name, a value"]),
    (rules(required_by={"a": "b"}), {"d": {"a": "1"}}, ["d.a: needs d.b with it"]),
]


@pytest.mark.parametrize(("options", "given_arguments", "told"), WRONG)
def test_all_that_is_wrong_is_told_with_its_path(
    options: dict[str, Any], given_arguments: dict[str, Any], told: list[str]
) -> None:
    found = problems(options, given_arguments)
    assert len(found) == len(told), found
    for words, line in zip(told, found, strict=True):
        assert words in line


def test_what_is_secret_is_not_shown() -> None:
    options = {
        "a": {"type": "int", "no_log": True},
        "b": {"choices": ["x"], "no_log": True},
        "c": {"type": "list", "elements": "int", "no_log": True},
    }
    found = problems(options, {"a": "hunter2", "b": "hunter2", "c": ["hunter2"]})
    assert len(found) == 3
    assert "hunter2" not in " ".join(found)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=6,
)
OPTION = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*KINDS, "banana"]),
        "required": VALUES,
        "choices": VALUES,
        "default": VALUES,
        "elements": st.sampled_from([*KINDS, "banana"]),
        "aliases": VALUES,
        "options": VALUES,
        "required_if": VALUES,
        "required_together": VALUES,
        "mutually_exclusive": VALUES,
        "required_by": VALUES,
    },
)


@given(st.dictionaries(st.sampled_from("xyz"), OPTION | VALUES), st.dictionaries(st.text(), VALUES))
def test_nothing_breaks_it(options: dict[str, Any], arguments: dict[str, Any]) -> None:
    found = problems(options, arguments)
    assert all(isinstance(each, str) and each for each in found)
