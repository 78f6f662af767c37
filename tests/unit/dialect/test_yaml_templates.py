"""Texts with Jinja's delimiters are templates that know their place; the rest is data."""

from __future__ import annotations

import pytest

from opsrun.dialect.tags import Template, Unsafe, Vaulted
from opsrun.dialect.yaml_data import parse
from opsrun.errors import PlaybookError

TEXT = """\
a: "{{ x }}"
b: [plain, '{% if x %}', {c: "{# n #}"}]
d: !unsafe "{{ x }}"
e: !unsafe ["{{ x }}"]
f: |
  one
  {{ x }}
"{{ k }}": 1
g: !vault |
  $ANSIBLE_VAULT;1.1
"""


def test_templates_with_their_places() -> None:
    data = parse(TEXT, "x.yml", templates=True).data
    found = [data["a"], data["b"][1], data["b"][2]["c"], data["f"]]
    assert all(isinstance(each, Template) for each in found)
    places = [(each.origin.path, each.origin.line, each.origin.column) for each in found]
    assert places == [("x.yml", 1, 4), ("x.yml", 2, 12), ("x.yml", 2, 30), ("x.yml", 5, 4)]
    assert isinstance(next(key for key in data if key == "{{ k }}"), Template)


def test_what_must_not_be_a_template_is_none() -> None:
    data = parse(TEXT, "x.yml", templates=True).data
    assert type(data["b"][0]) is str
    assert isinstance(data["d"], Unsafe)
    assert isinstance(data["e"][0], Unsafe)
    assert not isinstance(data["d"], Template)
    assert isinstance(data["g"], Vaulted)


def test_templates_have_to_be_asked_for() -> None:
    document = parse(TEXT, "x.yml")
    assert type(document.data["a"]) is str
    assert document.value_origin(document.data, "a").column == 1


def test_items_and_values_know_their_place() -> None:
    document = parse("a:\n  - x\n  -   y\nb:   {c: 1}\n", "x.yml", templates=True)
    item = document.origin(document.data["a"], 1)
    value = document.value_origin(document.data, "b")
    assert [(each.line, each.column) for each in (item, value)] == [(3, 7), (4, 6)]
    assert (document.root.line, document.root.column) == (1, 1)


def test_errors_are_of_the_kind_that_was_asked_for() -> None:
    with pytest.raises(PlaybookError, match=r"x\.yml:2:1: a tab"):
        parse("a:\n\tb: 1", "x.yml", error=PlaybookError)
    document = parse("a: [1]", "x.yml", templates=True, error=PlaybookError)
    assert isinstance(document.error("no", document.data["a"], 0), PlaybookError)


def test_json_that_yaml_can_not_read_holds_templates_too() -> None:
    data = parse('{"a": "{{ x }}", "b": "\\ud83d\\ude00"}', "x", templates=True).data
    assert isinstance(data["a"], Template)
