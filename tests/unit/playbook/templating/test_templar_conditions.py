"""Conditions, as lenient as ansible-core 2.18 was seen to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import trusted
from opsrun.errors import TemplateError, UndefinedVariable
from opsrun.playbook.templating.library import LookupContext
from opsrun.playbook.templating.segments import Part, single, split
from opsrun.playbook.templating.templar import Templar

PLACE = Origin("play.yml", 3, 5)
VALUES: dict[str, Any] = {
    "one": 1,
    "two": [1, 2],
    "dd": {"k": "v"},
    "foo": "bar",
    "bar": "zzz",
    "s_false": "false",
    "s_upper": "False",
    "s_empty": "",
    "s_expr": "1 == 2",
    "s_name": "foo",
    "zero": "0",
    "nothing": None,
    "t_false": "{{ false }}",
    "t_expr": "{{ one == 2 }}",
    "t_text": "{{ 'False' }}",
    "t_undef": "{{ nope }}",
    "inline": "{% if one == 2 %}true{% else %}false{% endif %}",
    "empty": [],
    "word": "and",
    "sp": "a b",
    "quoted": "it's",
}


@pytest.fixture
def holds(templar: Callable[..., Templar]) -> Callable[[Any], bool]:
    def condition(written: Any) -> bool:
        return templar(**VALUES).condition(trusted(written, PLACE), PLACE)

    return condition


TRUE: list[Any] = [
    *("s_false", "s_upper", "s_expr", "s_name", "zero", "inline", "'false'", 1, None, "", "  "),
    *("{{ s_name }}", "{{ foo }}", "{{ foo }} == 'zzz'", "'{{ foo }}' == 'bar'", "{{ one }} == 1"),
    *("one in {{ two }}", "'k' in {{ dd }}", "{{ two }}", "nope.x | default(true)", "1.5", "one"),
    *("{{ foo }} is defined", "{{ foo }}_x is not defined", [], {"a": "b"}, "one | string", "dd"),
    *("{{ true }} and one == 1", "{{ one == 1 }}", "  one == 1  ", "{{ 1 }}", "not {{ s_false }}"),
    *("{% if one == 1 %}true{% else %}false{% endif %}", "not (t_false)", "true or t_undef"),
    *(["one == 1", "two"], True, "{{ two | length }}", '"{{ foo }}" == "bar"', "{{ -1 }} == -1"),
    *("'a{{ foo }}-{{ one }}' == 'abar-1'", "{{- one -}} == 1", "'{{ quoted }}' == quoted"),
    *("{{ {'a': {'b': one}}['a']['b'] }} == 1", "dd['{{ 'k' }}'] == 'v'", "'}}' ~ foo == '}}bar'"),
    "{{ nothing }} is none",
    r"'\t' | length == 1",
    r"{{ '\t' | length == 2 }}",
    r"{{ '\t' | length }} == 2",
]
FALSE: list[Any] = [
    *("s_empty", "nothing", "t_false", "t_expr", "t_text", "empty", "''", "0", 0, False, "False"),
    *("false", "{{ s_false }}", "{{ s_empty }}", "{{ nothing }}", "{{ empty }}", {}, "{{ 0 }}"),
    *("nope.x is defined", ["one == 1", False], "{{ one == 1 }} and {{ one == 2 }}", "{{ '0' }}"),
    *(
        "{% if one == 1 %}false{% else %}false{% endif %}",
        "dd.nope.x is defined",
        "t_undef is defined",
    ),
    *("one == 2 and foo | nofilter", "{{ s_upper }}", "one == 1\n  and one == 2\n", "{{ -0 }}"),
]


@pytest.mark.parametrize("written", TRUE, ids=str)
def test_holds(holds: Callable[[Any], bool], written: Any) -> None:
    assert holds(written) is True


@pytest.mark.parametrize("written", FALSE, ids=str)
def test_does_not_hold(holds: Callable[[Any], bool], written: Any) -> None:
    assert holds(written) is False


@pytest.mark.parametrize(
    "written",
    [
        "t_undef",
        "nope",
        "not nope",
        "{{ nope }}",
        "{{ nope }} is defined",
        "t_false or t_undef",
        "dd.nope",
        "two[5]",
        "no",
        ["one == 1", "nope"],
        "'{{ nope }}' == 'x'",
    ],
    ids=str,
)
def test_what_is_missing(holds: Callable[[Any], bool], written: Any) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        holds(written)
    assert (caught.value.path, caught.value.line) == ("play.yml", 3)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{{ s_expr }}", "{{ s_expr }} came to the text '1 == 2', and a text is never read as"),
        ("one == 1 and {{ s_expr }}", "{{ s_expr }} came to the text '1 == 2', and"),
        ("{{ sp }} == 1", "{{ sp }} came to the text 'a b'"),
        ("true {{ word }} true", "{{ word }} came to the text 'and'"),
        ("1 ==", "this can't be read as a template: it ends too early"),
        ("{{ one", "expected }} after {{, found the condition's end"),
        ("foo | nofilter", "there is no filter 'nofilter'"),
        ("foo is notest", "there is no test 'notest'"),
    ],
)
def test_what_is_no_condition(holds: Callable[[Any], bool], written: str, message: str) -> None:
    with pytest.raises(TemplateError, match=r"^play\.yml:3") as caught:
        holds(written)
    assert caught.value.message.startswith(message)


def test_warnings(templar: Callable[..., Templar]) -> None:
    said: list[str] = []
    one = templar(LookupContext(warn=said.append), **VALUES)
    one.condition(trusted("{{ one }} == 1", PLACE))
    assert said == ["conditions need no {{ }}: '{{ one }} == 1'"]
    one.condition("s_upper")
    assert said[1:] == [
        "the condition 's_upper' came to the text 'False', which is true like any text; "
        "write `| bool`"
    ]


@pytest.mark.parametrize(
    ("written", "kind", "taken"),
    [("one", "int", True), ("''", "str", False), ("[one]", "list", True), (0, "int", False)],
)
def test_a_result_that_is_no_truth_value(
    templar: Callable[..., Templar], written: Any, kind: str, taken: bool
) -> None:
    said: list[str] = []
    warning = templar(LookupContext(warn=said.append, odd_conditions="warn"), **VALUES)
    assert warning.condition(written, Origin("a.yml", 3, 9)) is taken
    words = f"at location a.yml:3 was of type {kind!r}, taken for {str(taken).lower()}: {written}"
    assert said == [f"Conditional result {words}"]
    assert warning.condition("one == 1") is True
    assert len(said) == 1
    strict = templar(LookupContext(odd_conditions="refuse"), **VALUES)
    with pytest.raises(TemplateError, match=f"failed: its result was of type {kind!r}"):
        strict.condition(written, Origin("a.yml", 3, 9))


def test_the_place_of_a_condition_is_its_origin(templar: Callable[..., Templar]) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        templar().condition("a == nope", Origin("tasks.yml", 9, 11))
    assert (caught.value.path, caught.value.line, caught.value.column) == ("tasks.yml", 9, 11)


def test_segments() -> None:
    assert single(" {{ a }} ") == "a"
    assert single("{{ a }} and {{ b }}") is None
    assert single("{{ '}}' }}") == "'}}'"
    assert list(split("x == '{{ a }}' + {{ {'k': 1} }}")) == [
        Part("x == '"),
        Part("a", is_value=True, quoted="'"),
        Part("' + "),
        Part("{'k': 1}", is_value=True),
        Part(""),
    ]
    assert [part.quoted for part in split(r"'\'{{ a }}'") if part.is_value] == ["'"]
