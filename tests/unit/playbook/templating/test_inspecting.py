"""What a template names, without rendering it."""

from __future__ import annotations

import pytest

from opsrun.playbook.templating.inspecting import Inspection, of_condition, of_file, of_value


def names(found: Inspection) -> set[str]:
    return {use.name for use in found.names}


def plugins(found: Inspection) -> set[tuple[str, str]]:
    return {(use.kind, use.name) for use in found.plugins}


def test_variables_are_those_that_the_template_does_not_set() -> None:
    source = (
        "{% set a = b %}{% for c in d %}{{ c.e }}{{ loop.index }}{% endfor %}"
        "{% macro f(g) %}{{ g }}{{ h }}{% endmacro %}{{ a }}{{ f(i) }}{{ range(j) }}"
    )
    assert names(of_value(source)) == {"b", "d", "h", "i", "j"}


def test_what_is_asked_about_is_optional() -> None:
    found = of_value("{{ a | default(b) }}{{ c.d.e is defined }}{{ f['g'] | d(1) }}{{ h }}")
    assert found.optional == {"a", "c", "f"}
    assert names(found) == {"a", "b", "c", "f", "h"}


def test_filters_tests_and_lookups() -> None:
    found = of_value("{{ a | b | c.d.e }}{{ a is f }}{{ lookup('g', x) }}{{ query(y, x) }}")
    assert plugins(found) == {
        ("filter", "b"),
        ("filter", "c.d.e"),
        ("test", "f"),
        ("lookup", "g"),
    }


def test_lines_are_those_of_the_source() -> None:
    found = of_file("#jinja2: trim_blocks: False\n\n{{ a }}\n{{ b | c }}\n", "x.j2")
    assert [(use.name, use.line) for use in found.names] == [("b", 4), ("a", 3)]
    assert [(use.name, use.line) for use in found.plugins] == [("c", 4)]


@pytest.mark.parametrize(
    ("source", "line"),
    [("{{ a", 1), ("\n{% if a %}\n", 2), ("{% break %}", 1), ("{{ a b }}", 1), ("{% nope %}", 1)],
)
def test_what_can_not_be_compiled_says_why_and_where(source: str, line: int) -> None:
    found = of_file(source, "x.j2")
    assert found.fault
    assert found.line == line


def test_delimiters_may_be_others() -> None:
    assert names(of_file("#jinja2: variable_start_string: '[%'\n[% a }} {{ b }}", "x")) == {"a"}
    assert "no option" in of_file("#jinja2: nope: 1\n", "x").fault


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a == 'x'", {("a", "x", True)}),
        ("not a == 'x'", {("a", "x", False)}),
        ("a != 1 and b.c == 2", {("a", 1, False), ("b.c", 2, True)}),
        ("a is defined", {("a is defined", True, True)}),
        ("a is not defined", {("a is defined", False, True)}),
        ("a is undefined and b['c'] == 1", {("a is defined", False, True), ("b.c", 1, True)}),
        ("a == 'x' or b", set()),
        ("a == b", set()),
        ("f(a) == 1", set()),
        ("1 == 2 == 3", set()),
    ],
)
def test_what_must_hold_for_a_condition(
    source: str, expected: set[tuple[str, object, bool]]
) -> None:
    assert set(of_condition(source).equalities) == expected


def test_stand_ins_that_have_stand_ins_may_be_missing() -> None:
    assert of_value("{{ a | default(b) | default(1) }}").optional == {"a", "b"}
    assert of_value("{{ a | default(b) }}").optional == {"a"}


def test_faults_have_a_place() -> None:
    value = of_value("one\n {{ a b }}")
    assert (value.line, value.column) == (2, 7)
    assert value.fault == "expected an operator or its end, found 'b'"
    condition = of_condition("a b")
    assert (condition.line, condition.column) == (1, 3)
    assert of_condition("(a").fault == "it ends too early, without ')'"
    later = of_condition("a and\n )")
    assert (later.line, later.column) == (2, 2)
    whole = of_file("#jinja2: trim_blocks: False\n{{ a b }}\n", "t.j2")
    assert (whole.line, whole.column) == (2, 6)
    assert of_value("{% break %}").column == 0
