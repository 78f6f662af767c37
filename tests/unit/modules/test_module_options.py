"""Parameters: declared, coerced, checked."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.modules.base import Context, Module, Steps
from opsrun.modules.coercion import BadValue, coerced
from opsrun.modules.options import OptionError, module, option, problems, resolve, secrets_of, spec


@module(
    "thing",
    free_form="words",
    exclusive=[("src", "content")],
    together=[("user", "password")],
    one_of=[("src", "content", "words")],
    required_if=[("state", "link", ("src",))],
)
class Thing(Module):
    """A thing."""

    words: str | None = option()
    src: str | None = option(kind="path", aliases=("source",))
    content: Any = option()
    state: str = option("file", choices=("file", "link", "yes"))
    count: int = option(1)
    force: bool = option(False)
    tags: list[str] = option((), elements="str")
    levels: list[int] = option((), elements="int", choices=(1, 2, 3))
    mode: int | str | None = option(kind="mode")
    user: str | None = option()
    password: str | None = option(secret=True)
    settings: dict[str, Any] | None = option()
    name_: str | None = option(name="name")

    def steps(self, context: Context) -> Steps:
        raise NotImplementedError


@module("needy")
class Needy(Module):
    """It needs a path."""

    path: str = option(required=True, aliases=("dest",))

    def steps(self, context: Context) -> Steps:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("bool", "yes", True),
        ("bool", "On", True),
        ("bool", 1, True),
        ("bool", 1.0, True),
        ("bool", "F", False),
        ("bool", 0, False),
        ("int", "5", 5),
        ("int", " 5 ", 5),
        ("int", 5.0, 5),
        ("int", True, 1),
        ("float", "1.5", 1.5),
        ("float", 2, 2.0),
        ("str", 5, "5"),
        ("str", True, "True"),
        ("str", 1.50, "1.5"),
        ("str", [1, "a"], "[1, 'a']"),
        ("list", "a,b c", ["a", "b c"]),
        ("list", 5, ["5"]),
        ("list", ("a", 1), ["a", 1]),
        ("dict", '{"a": 1}', {"a": 1}),
        ("dict", "{'a': 1}", {"a": 1}),
        ("dict", "a=1, b='x y'", {"a": "1", "b": "x y"}),
        ("mode", "0644", 0o644),
        ("mode", "644", 0o644),
        ("mode", 0o644, 0o644),
        ("mode", 644, 0o1204),
        ("mode", "u=rw", "u=rw"),
        ("bytes", "10M", 10 * 1024**2),
        ("bytes", "1.5 GB", 3 * 2**29),
        ("bytes", 7, 7),
        ("json", {"a": [1]}, '{"a": [1]}'),
        ("raw", [1, {"a": None}], [1, {"a": None}]),
        ("int", None, None),
    ],
)
def test_values_are_read_as_the_dialect_reads_them(kind: str, value: Any, read: Any) -> None:
    found = coerced(kind, value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bool", "maybe"),
        ("bool", 2),
        ("bool", []),
        ("int", "5.5"),
        ("int", "1_000"),
        ("int", "1e400"),
        ("int", "nan"),
        ("float", "x"),
        ("list", {"a": 1}),
        ("dict", "a"),
        ("dict", "{a"),
        ("dict", "a=1 b"),
        ("mode", "0999999"),
        ("mode", True),
        ("mode", 1.5),
        ("bytes", "ten"),
        ("bytes", "1Q"),
        ("json", 5),
    ],
)
def test_other_values_are_refused(kind: str, value: Any) -> None:
    if kind == "mode" and value == "0999999":
        # No octal number: left as text, which is refused as a symbolic mode.
        assert coerced(kind, value) == value
        return
    with pytest.raises(BadValue, match="expected"):
        coerced(kind, value)


@given(
    st.sampled_from(["str", "bool", "int", "float", "list", "dict", "mode", "bytes", "json"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)
def test_whatever_is_written_is_read_or_refused(kind: str, value: Any) -> None:
    with contextlib.suppress(BadValue):
        coerced(kind, value)


def _said(args: Mapping[str, Any], free_form: str | None = None) -> str:
    with pytest.raises(OptionError) as caught:
        resolve(Thing, args, free_form)
    return str(caught.value)


def test_aliases_defaults_and_free_form() -> None:
    made = resolve(Thing, {"source": "/a", "tags": "x,y", "name": 7})
    assert (made.src, made.tags, made.count, made.name_) == ("/a", ("x", "y"), 1, "7")
    assert Thing.name == "thing"
    assert resolve(Thing, {}, "run this").words == "run this"
    assert resolve(Thing, {"_raw_params": "run this"}).words == "run this"


def test_nothing_is_as_not_given() -> None:
    assert resolve(Thing, {"src": "/a", "count": None, "content": None}).count == 1
    with pytest.raises(OptionError, match="needy needs 'path'"):
        resolve(Needy, {"path": None})


def test_an_unknown_option_names_the_nearest() -> None:
    said = _said({"src": "a", "forse": True, "qqqq": 1})
    assert said == ("Unsupported parameters for (thing) module: forse, qqqq; did you mean 'force'?")


def test_values_of_the_wrong_kind_name_the_option_as_it_is_written() -> None:
    assert _said({"src": "a", "count": "many"}).startswith("count: expected a whole number")
    assert "did you mean 'link'" in _said({"src": "a", "state": "lnik"})
    assert _said({"src": "a", "levels": [1, 4]}).startswith("levels: expected one of 1, 2, 3")


def test_a_truth_value_where_a_choice_is_called_yes() -> None:
    assert resolve(Thing, {"src": "a", "state": True}).state == "yes"


def test_rules() -> None:
    assert "only one of src, content" in _said({"src": "a", "content": "b"})
    assert "user needs password" in _said({"src": "a", "user": "u"})
    assert "one of src, content, words" in _said({})
    assert "state=link needs src" in _said({"content": "a", "state": "link"})


def test_a_template_is_given_the_benefit() -> None:
    text = Template("{{ x }}")
    assert problems(Thing, {"src": text, "state": text, "count": text, "levels": [text]}) == []
    assert problems(Thing, {}, complete=False) == []
    assert len(problems(Thing, {"count": "x", "bogus": 1, "src": "a"})) == 2


def test_an_error_knows_where_its_option_is_written() -> None:
    place = Origin("a.yml", 7, 3)
    with pytest.raises(OptionError) as caught:
        resolve(Thing, {"src": "a", "count": "x"}, None, Origin("a.yml", 5), {"count": place})
    assert caught.value.origin == place
    assert caught.value.option == "count"
    assert caught.value.module == "thing"


def test_secrets_are_known() -> None:
    assert secrets_of(Thing, {"user": "me", "password": "pw"}) == ["pw"]


def test_a_module_describes_itself() -> None:
    found = spec(Thing)
    assert found.doc == "A thing."
    option_of = found.find("source")
    assert option_of is not None
    assert (option_of.name, option_of.kind) == ("src", "path")
    assert "source" in found.names


def test_a_class_without_a_declaration_is_none() -> None:
    class Bare(Module):
        def steps(self, context: Context) -> Steps:
            raise NotImplementedError

    with pytest.raises(TypeError, match="not declared"):
        spec(Bare)
