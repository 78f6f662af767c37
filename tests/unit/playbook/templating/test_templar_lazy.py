"""Values are rendered when they are read, once, and no sooner."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from opsrun.dialect.tags import Template
from opsrun.errors import TemplateError
from opsrun.playbook.templating.lazy import DataMapping, LazyDict, LazyList
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.templar import Templar


class Watched(Mapping[str, Any]):
    """Variables that know what was asked of them, and can't be iterated."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values_ = values
        self.asked: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.asked.append(key)
        return self.values_[key]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("variables were iterated")

    def __len__(self) -> int:
        raise AssertionError("variables were counted")


def counting(library: Library) -> tuple[Library, list[Any]]:
    """A library with a filter that notes what goes through it."""
    seen: list[Any] = []

    def note(value: Any) -> Any:
        seen.append(value)
        return value

    return library.extended(filters={"note": note}), seen


def test_only_what_is_used_is_asked_for(library: Library) -> None:
    variables = Watched({"a": Template("{{ b }}"), "b": 1, "c": Template("{{ nope }}")})
    assert Templar(variables, library).render(Template("{{ a }}-{{ 'x' if true else c }}")) == "1-x"
    assert sorted(set(variables.asked)) == ["a", "b", "c"]


def test_branches_not_taken_are_not_rendered(library: Library) -> None:
    noted, seen = counting(library)
    variables = {"a": Template("{{ 1 | note }}"), "b": Template("{{ 2 | note }}")}
    templar = Templar(variables, noted)
    assert templar.render(Template("{% if false %}{{ a }}{% else %}{{ b }}{% endif %}")) == 2
    assert seen == [2]


def test_a_value_is_rendered_once_for_a_templar(library: Library) -> None:
    noted, seen = counting(library)
    variables = {"a": Template("{{ 1 | note }}"), "d": {"x": Template("{{ 2 | note }}"), "y": 3}}
    templar = Templar(variables, noted)
    templar.render(Template("{{ a }}{{ a }}{{ d.y }}"))
    assert seen == [1]
    templar.render([Template("{{ a }}"), Template("{{ d.x }}"), Template("{{ d['x'] }}")])
    assert seen == [1, 2]
    Templar(variables, noted).render(Template("{{ a }}"))
    assert seen == [1, 2, 1]


def test_nothing_is_computed_once_for_all(library: Library) -> None:
    noted, seen = counting(library)
    for _ in range(2):
        Templar({}, noted).render(Template("x{{ 'constant' | note }}"))
    assert seen == ["constant", "constant"]


def test_entries_are_rendered_when_they_are_read(render: Callable[..., Any]) -> None:
    paths = {"base": "/srv", "full": "{{ paths.base }}/app", "bad": "{{ nope }}"}
    assert render("{{ paths.full }}", paths=paths) == "/srv/app"
    assert render("{{ listed[1] }}", listed=["{{ nope }}", "{{ 1 + 1 }}"]) == 2
    assert render("{{ listed | length }}", listed=["{{ nope }}", 1]) == 2
    users = [{"name": "a", "password": "{{ nope }}"}]
    assert render("{{ users | map(attribute='name') | list }}", users=users) == ["a"]


def test_any_mapping_will_do(library: Library) -> None:
    inner = Watched({"x": Template("{{ y }}!"), "y": 0})
    variables = Watched({"m": inner, "y": "Y"})
    assert Templar(variables, library).render(Template("{{ m.x }} {{ m['x'] }}")) == "Y! Y!"
    assert "y" in variables.asked


def test_mappings_of_data_are_left_alone(library: Library) -> None:
    class Hosts(DataMapping):
        def __getitem__(self, key: str) -> Any:
            return {"h1": {"text": "{{ a }}"}}[key]

        def __iter__(self) -> Iterator[str]:
            return iter(["h1"])

        def __len__(self) -> int:
            return 1

    templar = Templar({"hostvars": Hosts(), "a": 1}, library)
    assert templar.render(Template("{{ hostvars['h1'].text }}")) == "{{ a }}"
    assert templar.render(Template("{{ hostvars.h1['text'] }}")) == "{{ a }}"
    assert templar.render(Template("{{ hostvars }}")) == {"h1": {"text": "{{ a }}"}}


@pytest.fixture
def lazy_dict(templar: Callable[..., Templar]) -> LazyDict:
    one = templar(a="A")
    return LazyDict({"x": Template("{{ a }}"), "y": [Template("{{ a }}2")]}, one)


@pytest.fixture
def lazy_list(templar: Callable[..., Templar]) -> LazyList:
    one = templar(a="A")
    return LazyList([Template("{{ a }}"), [Template("{{ a }}2")], "b"], one)


def tuple_(value: list[Any]) -> list[Any]:
    made = tuple(value)
    return [*made]


DICT = {"x": "A", "y": ["A2"]}
LIST: list[Any] = ["A", ["A2"], "b"]


@pytest.mark.parametrize(
    "use",
    [
        dict,
        copy.copy,
        copy.deepcopy,
        lambda d: pickle.loads(pickle.dumps(d)),
        lambda d: json.loads(json.dumps(d)),
        lambda d: {**d},
        lambda d: dict(d.items()),
        lambda d: dict(zip(d, d.values(), strict=True)),
        lambda d: {key: d[key] for key in d},
        lambda d: {key: d.get(key) for key in d.keys()},  # noqa: SIM118
        lambda d: d | {},
        lambda d: {} | d,
        lambda d: d.copy(),
        lambda d: {"x": d.pop("x"), "y": d.setdefault("y", 0)},
        lambda d: dict([d.popitem(), d.popitem()]),
        lambda d: eval(repr(d)),
    ],
)
def test_a_lazy_dict_is_that_dict(lazy_dict: LazyDict, use: Callable[[Any], Any]) -> None:
    assert use(lazy_dict) == DICT


def test_a_lazy_dict_is_equal(lazy_dict: LazyDict) -> None:
    assert lazy_dict == DICT
    assert operator.eq(DICT, lazy_dict)
    assert not operator.ne(lazy_dict, DICT)
    assert lazy_dict != {"x": "A"}
    assert isinstance(lazy_dict, dict)
    assert lazy_dict.get("nope", 7) == 7
    with pytest.raises(KeyError):
        lazy_dict["nope"]


@pytest.mark.parametrize(
    "use",
    [
        list,
        copy.copy,
        copy.deepcopy,
        lambda v: pickle.loads(pickle.dumps(v)),
        tuple_,
        lambda v: v[:],
        lambda v: operator.add(v, []),
        lambda v: operator.add([], v),
        lambda v: [*v],
        lambda v: v * 1,
        lambda v: 1 * v,
        lambda v: list(reversed(list(reversed(v)))),
        lambda v: [v[0], v[-2], v[2]],
        lambda v: [v.pop(0), v.pop(0), v.pop()],
        lambda v: v.copy(),
        lambda v: eval(repr(v)),
        lambda v: [each for each in v if each in v],
    ],
)
def test_a_lazy_list_is_that_list(lazy_list: LazyList, use: Callable[[Any], Any]) -> None:
    assert use(lazy_list) == LIST


def test_a_lazy_list_is_equal(lazy_list: LazyList) -> None:
    assert lazy_list == LIST
    assert operator.eq(LIST, lazy_list)
    assert not operator.ne(lazy_list, LIST)
    assert isinstance(lazy_list, list)
    assert "A" in lazy_list
    assert lazy_list.index("A") == 0
    assert lazy_list.count("A") == 1


def test_changes_of_a_lazy_list_are_kept(lazy_list: LazyList) -> None:
    lazy_list.append("c")
    lazy_list.extend(LazyList(["d"], lazy_list._renderer))
    lazy_list += ["e"]
    lazy_list.remove("A")
    assert lazy_list == [["A2"], "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("variables", "chain"),
    [
        ({"a": "{{ a }}"}, "a → a"),
        ({"a": "{{ b }}", "b": "x{{ a }}"}, "a → b → a"),
        ({"a": {"x": "{{ a.x }}"}}, r"a\.x → a\.x"),
        ({"a": ["{{ a[0] }}"]}, r"a\[0\] → a\[0\]"),
        ({"a": "{{ b.k }}", "b": {"k": "{{ a | upper }}"}}, r"a → b\.k → a"),
    ],
)
def test_variables_that_need_themselves(
    render: Callable[..., Any], variables: dict[str, Any], chain: str
) -> None:
    with pytest.raises(TemplateError, match=f"a variable can't need itself: {chain}$") as caught:
        render("{{ a }}", **variables)
    assert caught.value.path == "play.yml"


def test_a_recursion_without_a_cycle_ends(render: Callable[..., Any]) -> None:
    with pytest.raises(TemplateError, match="never ends"):
        render("{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}")


def test_more_variables_win(templar: Callable[..., Templar]) -> None:
    base = templar(a=1, b="{{ a }}{{ item }}")
    assert base.with_variables({"item": "x"}).render(Template("{{ b }}")) == "1x"
    assert base.with_variables({"item": 2, "a": 3}).render(Template("{{ b }}")) == "32"
    both = base.with_variables({"item": 0}).with_variables({"item": 5})
    assert both.render(Template("{{ item }}{{ vars | length }}")) == "53"
    assert "item" not in base.view


def test_variables_hide_functions(render: Callable[..., Any]) -> None:
    assert render("{{ now }}{{ q }}", now="mine", q=1) == "mine1"
