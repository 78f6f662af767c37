"""What functions of the library can count on, how they are found, and lookups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jinja2 import pass_context, pass_environment

from opsrun.dialect.tags import Template
from opsrun.errors import TemplateError, UndefinedVariable
from opsrun.playbook.templating.lazy import LazyDict, LazyList
from opsrun.playbook.templating.library import (
    Library,
    LookupContext,
    LookupRun,
    Plugins,
    lazy,
    templar_of,
)
from opsrun.playbook.templating.templar import Templar


def one() -> int:
    return 1


def two() -> int:
    return 2


def test_names() -> None:
    plugins = Plugins(
        "filter", {"combine": one, "community.general.dict_kv": two, "a.b.combine": two}
    )
    assert plugins.get("combine") is one
    assert plugins.get("ansible.builtin.combine") is one
    assert plugins.get("ansible.legacy.combine") is one
    assert plugins.get("community.general.dict_kv") is two
    assert plugins.get("dict_kv") is two
    assert plugins.get("a.b.combine") is two
    assert plugins.get("ansible.builtin.dict_kv") is None
    assert plugins.get("other.coll.combine") is None
    assert str(plugins.unknown("combin")) == "there is no filter 'combin'; did you mean 'combine'?"


def test_more_names_win_and_leave_the_library_alone(library: Library) -> None:
    more = library.extended(filters={"upper": lambda value: "mine"}, tests={"odd": lambda v: "T"})
    assert Templar({}, more).render(Template("{{ 'x' | upper }}{{ 2 is odd }}")) == "mineT"
    assert Templar({}, library).render(Template("{{ 'x' | upper }}{{ 2 is odd }}")) == "XFalse"


def kinds(value: Any) -> Any:
    """The names of all types in ``value``."""
    if isinstance(value, dict):
        return {type(value), *(each for key in dict.keys(value) for each in kinds(value[key]))}
    if isinstance(value, list):
        return {type(value), *(each for entry in value for each in kinds(entry))}
    return {type(value)}


def test_functions_are_given_plain_data(library: Library) -> None:
    seen: list[Any] = []

    def note(*args: Any, **kwargs: Any) -> None:
        seen.extend([*args, *kwargs.values()])

    more = library.extended(filters={"note": note}, tests={"noted": note})
    variables = {"d": {"a": [Template("{{ x }}"), {"b": Template("{{ x }}")}]}, "x": "X"}
    templar = Templar(variables, more)
    templar.render(Template("{{ d | note([d], k=d.a) }}{{ d is noted }}"))
    assert seen[0] == seen[3] == {"a": ["X", {"b": "X"}]}
    assert seen[1] == [seen[0]]
    assert seen[2] == seen[0]["a"]
    assert set().union(*map(kinds, seen)) == {dict, list, str}


def test_lazy_functions_are_given_containers_as_they_are(library: Library) -> None:
    seen: list[Any] = []

    @lazy
    def note(value: Any) -> int:
        seen.append(type(value))
        return len(value)

    more = library.extended(filters={"note": note})
    templar = Templar({"d": {"a": Template("{{ nope }}")}, "l": [Template("{{ nope }}")]}, more)
    assert templar.render(Template("{{ d | note }}{{ l | note }}")) == "11"
    assert seen == [LazyDict, LazyList]


def test_contexts_and_generators(library: Library) -> None:
    @pass_context
    def rendered(context: Any, value: str) -> Any:
        return templar_of(context).render(Template(value)), context.resolve("x")

    @pass_environment
    def called(environment: Any, value: Any) -> Any:
        return environment.call_filter("upper", value)

    def each(value: str) -> Iterator[str]:
        yield from value

    more = library.extended(filters={"rendered": rendered, "called": called, "each": each})
    templar = Templar({"x": Template("{{ 1 + 1 }}")}, more)
    assert templar.render(Template("{{ '{{ x }}' | rendered }}")) == [2, 2]
    assert templar.render(Template("{{ 'a' | called }}")) == "A"
    assert templar.render(Template("{{ 'ab' | each | length }}{{ ('ab' | each)[1] }}")) == "2b"
    assert templar.render(Template("{{ ['ab'] | map('each') | list }}")) == [["a", "b"]]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{{ lookup('items', two) }}", [1, 2]),
        ("{{ lookup('items', ['a', 'b']) }}", "a,b"),
        ("{{ lookup('items', [{'a': 1}]) }}", {"a": 1}),
        ("{{ lookup('items', []) }}", []),
        ("x{{ lookup('items', []) }}y", "x[]y"),
        ("{{ lookup('items', 'a', wantlist=true) }}", ["a"]),
        ("{{ lookup('items', 'a', 'b') }}", "a,b"),
        ("{{ lookup('ansible.builtin.items', 'a') }}", "a"),
        ("{{ query('items', two) }}", [1, 2]),
        ("{{ q('items', 'a') }}", ["a"]),
        ("{{ lookup('failing', 1, errors='ignore') }}", None),
        ("{{ lookup('failing', 1, errors='ignore', wantlist=true) }}", []),
        ("{{ q('failing', 1, errors='ignore') }}", []),
        ("{{ lookup('seen', 'nested') }}", {"a": "A"}),
        ("{{ lookup('items', nested.a) }}", "A"),
    ],
)
def test_lookups(render: Callable[..., Any], written: str, expected: Any) -> None:
    assert render(written, two=[1, 2], nested={"a": "{{ 'A' }}"}) == expected


def test_a_failing_lookup_may_warn(templar: Callable[..., Templar]) -> None:
    said: list[str] = []
    one = templar(LookupContext(warn=said.append))
    assert one.render(Template("{{ lookup('failing', 'f', errors='warn') }}")) is None
    assert said == ["the lookup 'failing': can't read 'f'"]


def test_lookups_of_loops(templar: Callable[..., Templar]) -> None:
    one = templar(x="{{ 1 + 1 }}", listed=["a", "{{ x }}"])
    assert one.lookup("items", [Template("{{ listed }}"), 5], {}) == ["a", 2, 5]
    assert one.lookup("failing", [1], {"errors": "ignore"}) == []
    with pytest.raises(UndefinedVariable, match="'nope' is undefined"):
        one.lookup("items", [Template("{{ nope }}")], {})
    with pytest.raises(TemplateError, match="there is no lookup 'item'; did you mean 'items'"):
        one.lookup("item", [], {})


def test_a_lookup_knows_where_it_is(library: Library) -> None:
    seen: list[Any] = []

    def note(terms: list[Any], run: LookupRun, **options: Any) -> list[Any]:
        seen.append((run.origin.line, run.context.basedir, options, run.templar.render(terms)))
        return []

    more = library.extended(lookups={"note": note})
    from opsrun.dialect.origin import Origin

    templar = Templar({"x": 1}, more, LookupContext(basedir="/base"))
    templar.render(Template("{{ lookup('note', x, k=2) }}", Origin("p.yml", 8)))
    assert seen == [(8, "/base", {"k": 2}, [1])]


def test_errors_of_functions_are_told(library: Library) -> None:
    def fails(value: Any) -> Any:
        raise ValueError("no such value")

    more = library.extended(
        filters={"fails": fails}, lookups={"fails": lambda terms, run: fails(1)}
    )
    templar = Templar({}, more)
    with pytest.raises(TemplateError, match="the filter 'fails': ValueError: no such value"):
        templar.render(Template("{{ 1 | fails }}"))
    with pytest.raises(TemplateError, match="the lookup 'fails': ValueError: no such value"):
        templar.render(Template("{{ lookup('fails') }}"))


def test_the_standard_library_is_one_and_has_jinjas_names() -> None:
    assert Library.standard() is Library.standard()
    assert Library.standard().filters.get("selectattr") is not None
    assert Library.standard().tests.get("defined") is not None
