"""Hostile and broken YAML: one error, at its place, before it costs anything."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.dialect.tags import Unsafe, Vaulted
from opsrun.dialect.yaml_builder import MAX_DEPTH
from opsrun.dialect.yaml_data import parse
from opsrun.errors import InventoryError
from opsrun.inventory.values import values_of

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
WRONG = {
    "x: !!python/object:os.system []": ("the tag !!python/object:os.system is not", 1, 4),
    "x: !!python/name:os.system": ("the tag !!python/name:os.system is not", 1, 4),
    "a: 1\nb: !custom {x: 1}": ("the tag !custom is not allowed", 2, 4),
    "a: 1\nb: !custom [1]": ("the tag !custom is not allowed", 2, 4),
    BOMB: ("aliases expand to more than", 6, 29),
    "[" * 100_000: ("nested more than 100 levels", 1, 102),
    "{" * 100_000: ("nested more than 100 levels", 1, 102),
    "- " * 100_000: ("nested more than 100 levels", 1, 203),
    '{"a":' * 101 + "1" + "}" * 101: ("nested more than 100 levels", 1, 502),
    "\n".join(" " * n + "a:" for n in range(3_000)): ("nested more than 100 levels", 101, 101),
    "a: &a [*a]": ("the alias *a has no anchor before it", 1, 8),
    "a: *b": ("the alias *b has no anchor before it", 1, 4),
    "a:\n\tb: 1": ("a tab can't indent YAML", 2, 1),
    "a: [1\nb: 2": ("broken YAML", 2, 2),
    "a: 'x": ("broken YAML", 1, 4),
    "a: b: c": ("mapping values are not allowed", 1, 5),
    "a: {{ x }}": ("needs quotation marks around it", 1, 5),
    "? [1]\n: 2": ("a key must be a plain value", 1, 3),
    "a: x\x01": ("the character '\\x01' is not allowed", 1, 5),
    "a: 1\n---\nb: 2": ("expected one document", 2, 1),
    "d: 2001-13-45": ("is no timestamp", 1, 4),
    "f: !!float x": ("is no float", 1, 4),
    "m: {<<: 3}": ("`<<` takes a dictionary", 1, 5),
    "o: !!omap [1]": ("single `key: value` pairs", 1, 4),
}


@pytest.mark.parametrize(
    ("text", "fault"), WRONG.items(), ids=[text[:20].replace("\n", " ") for text in WRONG]
)
def test_what_is_wrong_is_told_with_its_place(text: str, fault: tuple[str, int, int]) -> None:
    with pytest.raises(InventoryError) as caught:
        parse(text, "x.yml")
    error = caught.value
    assert fault[0] in error.message
    assert (error.path, error.line, error.column) == ("x.yml", *fault[1:])


def test_the_caret_stands_under_the_fault() -> None:
    with pytest.raises(InventoryError) as caught:
        parse("ok: 1\nweb:  [1, !no 2]\n", "x.yml")
    head, source, caret = str(caught.value).splitlines()
    assert head.startswith("x.yml:2:11: ")
    assert source[caret.index("^") :].startswith("!no 2]")


def test_aliases_within_reason_are_data() -> None:
    found = parse("a: &a {x: [1, 2]}\nb: *a\nc: [*a, *a]\n", "x").data
    assert found["c"] == [found["a"], found["b"]]


def test_the_deepest_nesting_allowed_is_read() -> None:
    depth = MAX_DEPTH
    assert parse("[" * depth + "]" * depth, "x").data is not None


def test_duplicate_keys_are_a_warning_with_both_lines() -> None:
    document = parse("a: 1\nb: 2\n\na: 3\n", "x.yml")
    assert document.data == {"a": 3, "b": 2}
    (warning,) = document.warnings
    assert str(warning) == "x.yml:4: the key 'a' is already on line 1; the value on line 4 wins"


def test_a_merged_key_that_is_set_anew_is_no_duplicate() -> None:
    document = parse("m: {<<: {a: 1, b: 1}, a: 2}", "x.yml")
    assert document.data == {"m": {"a": 2, "b": 1}}
    assert not document.warnings


def test_keys_know_their_place() -> None:
    document = parse("web:\n  vars:\n    a: 1\n    b: {c: 2}\n", "x.yml")
    variables = document.data["web"]["vars"]
    origin = document.origin(variables, "b")
    assert (origin.line, origin.column, origin.kind, origin.trusted) == (4, 5, "yaml", True)


def test_unsafe_texts_are_marked_and_not_trusted() -> None:
    document = parse("a: !unsafe '{{ x }}'\nb: !unsafe {c: [d]}\ne: f\n", "x.yml")
    values = values_of(document, document.data)
    assert isinstance(values["a"].data, Unsafe)
    assert values["a"].data == "{{ x }}"
    assert isinstance(values["b"].data["c"][0], Unsafe)
    assert [values[name].origin.trusted for name in "ae"] == [False, True]


def test_sealed_values_are_found_however_deep() -> None:
    document = parse("a:\n  b:\n  - !vault |\n    $ANSIBLE_VAULT;1.1\nc: 1\n", "x.yml")
    values = values_of(document, document.data)
    assert [values[name].sealed for name in "ac"] == [True, False]
    assert values["a"].data["b"] == [Vaulted("$ANSIBLE_VAULT;1.1\n")]


def test_json_is_typed_as_json_and_yaml_as_yaml() -> None:
    assert parse('{"a": 1e3, "b": "yes"}', "x").data == {"a": 1000.0, "b": "yes"}
    assert parse("{a: 1e3, b: yes}", "x").data == {"a": "1e3", "b": True}


def test_json_that_yaml_can_not_read_is_read() -> None:
    document = parse('{"a": "\\ud83d\\ude00"}', "x")
    assert document.data == {"a": "😀"}
    assert document.kind == "json"


def test_nothing_is_nothing() -> None:
    for text in ("", "---\n", "# only this\n", "~\n"):
        assert parse(text, "x").data is None


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(width=32)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), trees))
def test_json_comes_back_as_it_went(data: dict[str, object]) -> None:
    text = json.dumps(data)
    assert json.dumps(parse(text, "x").data) == text
