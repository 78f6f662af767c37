"""What templates come to: kinds of values and text, as ansible-core 2.18 and 2.19 were seen to."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from support.vaults import VAULT, envelope

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template, Unsafe, Vaulted
from opsrun.errors import TemplateError
from opsrun.playbook.templating.library import LookupContext
from opsrun.playbook.templating.literal import literal
from opsrun.playbook.templating.omit import OMIT
from opsrun.playbook.templating.templar import Templar

VALUES: dict[str, Any] = {
    "one": 1,
    "two": [1, 2],
    "mapping": {"k": "v"},
    "foo": "bar",
    "nothing": None,
    "yes_": True,
    "spelled": "{'a': 1}",
    "number": "42",
    "nested": {"a": "{{ foo }}", "b": ["{{ one }}", {"c": "{{ mapping.k }}"}]},
}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{{ true }}x", "Truex"),
        ("{{ one }}", 1),
        ("{{ nothing }}", None),
        ("a{{ nothing }}", "a"),
        ("{{ 1 }}{{ 2 }}", "12"),
        ("{{ 1.0 }}", 1.0),
        ("{{ number }}", "42"),
        ("{{ spelled }}", "{'a': 1}"),
        ("{{ 'True' }}", "True"),
        ("{{ 'true' }}", "true"),
        ("{{ '[1' ~ ']' }}", "[1]"),
        ("{{ one ~ nothing ~ true }}", "1NoneTrue"),
        (" {{ two }}", " [1, 2]"),
        ("{{ two }}{{ two }}", "[1, 2][1, 2]"),
        ("x{{ two }}", "x[1, 2]"),
        ("x{{ (1, 'b') }}", "x(1, 'b')"),
        ("x{{ mapping.items() | list }}", "x[('k', 'v')]"),
        ("{{ mapping.keys() }}", ["k"]),
        ("{{ mapping.values() }}", ["v"]),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ range(3) }}", [0, 1, 2]),
        ("x{{ range(2) }}", "x[0, 1]"),
        ("{{ two | map('string') }}", ["1", "2"]),
        ("{{ (two | map('string'))[0] }}", "1"),
        ("{{ two | map('string') | length }}", 2),
        ("{% if true %}{{ one }}{% endif %}", 1),
        ("{% set x = two %}{{ x }}", [1, 2]),
        ("{% if true %}\nx\n{% endif %}\ny", "x\ny"),
        ("{# c #}{{ one }}", 1),
        ("{{ 'x' if false }}", ""),
        ("a{{ 'x' if false }}", "a"),
        ("{{ 10**20 }}", 10**20),
        ("{{ 5 / 2 }} {{ 5 // 2 }}", "2.5 2"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{{ 'a,b'.split(',') }}", ["a", "b"]),
        ("{{ {'keys': 3}['keys'] }}", 3),
        ("{{ {'k': 3}.k }}", 3),
        ("{{ two.0 }}", 1),
        ("{{ '%s-%s' % (foo, two) }}", "bar-[1, 2]"),
        ("{{ '{0}-{1[0]}-{2.k}'.format(foo, two, mapping) }}", "bar-1-v"),
        ("{{ '{k}'.format_map(mapping) }}", "v"),
        ("{% macro f(x) %}{{ x }}{% endmacro %}{{ f([1]) }}", [1]),
        ("{% for i in two %}{% if i == 2 %}{% break %}{% endif %}{{ i }},{% endfor %}", "1,"),
        ("{% set l = [] %}{% do l.append(one) %}{{ l }}", [1]),
        ("{{ nested }}", {"a": "bar", "b": [1, {"c": "v"}]}),
        ("{{ {'a': [two, nested.b[1]]} }}", {"a": [[1, 2], {"c": "v"}]}),
        ("{{ two + nested.b }}", [1, 2, 1, {"c": "v"}]),
        ("{{ nested.b + two }}", [1, {"c": "v"}, 1, 2]),
        ("{{ nested.b[:1] }}", [1]),
        ("{{ ','.join(nested.b[:1] | map('string')) }}", "1"),
        ("{{ nothing | default('x') }}", None),
        ("{{ '' | d('x', true) }}", "x"),
        ("{{ nope | default(omit) }}", OMIT),
        ("{{ 'abc'.encode() }}", "abc"),
        ("{{ vars['foo'] }}", "bar"),
        ("{{ vars.nested.a }}", "bar"),
        ("{{ vars['no' ~ 'pe'] | default('D') }}", "D"),
    ],
)
def test_a_template_comes_to(render: Callable[..., Any], written: str, expected: Any) -> None:
    found = render(written, **VALUES)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[{{ one }}, '{{ foo }}']", [1, "bar"]),
        ("[{{ one }}, {{ foo }}]", "[1, bar]"),
        ('{"a": {{ one }}, "b": true, "c": null}', {"a": 1, "b": True, "c": None}),
        ("[{% for i in two %}{{ i }},{% endfor %}]\n", [1, 2]),
        ("{% if one == 1 %}True{% else %}False{% endif %}", True),
        ("{% if one == 1 %}true{% else %}false{% endif %}", "true"),
        ("[{{ foo }}]\nkey = 1", "[bar]\nkey = 1"),
        ("[1, {{ one }}]:80", "[1, 1]:80"),
        ("{{ '[' }}1]", "[1]"),
        ("[1{{ ']' }}", "[1]"),
        ("[{{ one }}, __import__('os')]", "[1, __import__('os')]"),
        (r"['\d', {{ one }}]", ["\\d", 1]),
    ],
)
def test_lists_and_dicts_that_the_template_itself_spells_are_values(
    render: Callable[..., Any], written: str, expected: Any
) -> None:
    found = render(written, **VALUES)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{{ foo }}\n", "bar\n"),
        ("{{ foo }}\n\n", "bar\n\n"),
        ("{{ lines }}\n", "q\n\n"),
        ("{{ one }}\n", 1),
        ("{{ two }}\n", [1, 2]),
        ("{{ two }} ", [1, 2]),
        ("{{ one }} ", "1 "),
        ("{% set x = two %}\n{{ x }}\n", [1, 2]),
        ("{% if true %}x{% endif %}\n", "x\n"),
    ],
)
def test_ends_of_lines_at_the_end(render: Callable[..., Any], written: str, expected: Any) -> None:
    assert render(written, lines="q\n\n", **VALUES) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r"{{ 'a\tb' }}", r"a\tb"),
        (r"{{ 'a\\1' }}", r"a\\1"),
        (r"{% set q = 'a\tb' %}{{ q }}", "a\tb"),
        (r"{% if '\t' | length == 1 %}one{% endif %}", "one"),
        (r"{{ 'abc' | replace('b', '\n') }}", r"a\nc"),
        (r"{{ 'it\'s' }}", r"it\'s"),
        (r"{{ '\u00e9' | length }}", 6),
        (r"{# '\t' #}{% raw %}'\t'{% endraw %}", r"'\t'"),
        (r"\t{{ 1 }}", r"\t1"),
        ("{{ 'a\n b' }}", "a\n b"),
    ],
)
def test_backslashes_in_texts(render: Callable[..., Any], written: str, expected: Any) -> None:
    assert render(written) == expected


def test_containers_are_rendered_deeply_and_are_new(render: Callable[..., Any]) -> None:
    written = {"a": ["{{ one }}", ("{{ two }}", {"b": "{{ foo }}!"})], "c{{ one }}": 1}
    found = render(written, **VALUES)
    assert found == {"a": [1, [[1, 2], {"b": "bar!"}]], "c{{ one }}": 1}
    assert type(found["a"]) is list
    assert type(found["a"][1][1]) is dict
    assert [type(key) for key in found] == [str, str]


def test_what_is_rendered_can_be_changed_without_harm(templar: Callable[..., Any]) -> None:
    shared = {"list": [1]}
    one = templar(shared=shared)
    found = one.render(Template("{{ shared }}"))
    found["list"].append(2)
    assert shared == {"list": [1]}
    assert one.render(Template("{{ shared.list }}")) == [1]


def test_changes_made_by_a_template_stay_in_its_templar(templar: Callable[..., Any]) -> None:
    shared = {"list": [1], "map": {}}
    one = templar(shared=shared)
    change = "{% do shared.list.append(2) %}{% do shared.map.update({'k': 1}) %}{{ shared.list }}"
    assert one.render(Template(change)) == [1, 2]
    assert shared == {"list": [1], "map": {}}


def test_dates_are_text(render: Callable[..., Any]) -> None:
    assert render({"day": date(2024, 1, 31)}) == {"day": "2024-01-31"}
    assert render("{{ now(fmt='%Y') | int > 2000 }}") is True


def test_a_function_is_no_value(render: Callable[..., Any]) -> None:
    with pytest.raises(TemplateError, match=r"'split' is a function, not a value; call it: split"):
        render("{{ 'x'.split }}")


def test_omit_is_no_text(render: Callable[..., Any]) -> None:
    assert render("x{{ nope | default(omit) }}") == "x"
    with pytest.raises(TemplateError, match="'omit' can only be a whole value"):
        render("{{ 'x' ~ omit }}")


def test_unsafe_and_scalars_are_as_they_are(render: Callable[..., Any]) -> None:
    assert render(Unsafe("{{ one }}")) == "{{ one }}"
    assert type(render(Unsafe("{{ one }}"))) is str
    assert render([1.5, True, None, "text"]) == [1.5, True, None, "text"]
    assert math.isnan(render("{{ 'nan' | float }}"))


def test_what_is_encrypted_is_opened_where_it_is_used(
    render: Callable[..., Any], templar: Callable[..., Templar]
) -> None:
    sealed = Vaulted(envelope("{{ one }} as it is"), Origin("v.yml", 3))
    words = r"v\.yml:3.*'secret_' is encrypted .*no secret is at hand"
    with pytest.raises(TemplateError, match=words):
        render("{{ secret_ }}", secret_=sealed)
    holder = {"plain": 1, "secret_": sealed, "list": [sealed]}
    assert render("{{ holder.plain }}", holder=holder) == 1
    made = templar(LookupContext(vault=VAULT), one=1, secret_=sealed, holder=holder)
    # What was encrypted is data.
    for text in ("{{ secret_ }}", "{{ holder.secret_ }}", "{{ holder.list[0] }}"):
        assert made.render(Template(text)) == "{{ one }} as it is"
    assert type(made.render(sealed)) is str
    assert made.render(Template("{{ secret_ | length }}-{{ secret_ }}")) == "18-{{ one }} as it is"


def test_what_is_encrypted_is_no_condition(templar: Callable[..., Templar]) -> None:
    with pytest.raises(TemplateError, match="what is encrypted is data"):
        templar(LookupContext(vault=VAULT)).condition(Vaulted(envelope("false")))


def test_what_is_written_encrypted_can_be_asked_for(templar: Callable[..., Templar]) -> None:
    sealed = Vaulted(envelope("A"))
    made = templar(LookupContext(vault=VAULT), a=sealed, b=Template("{{ a }}"), c="A", d=[sealed])
    asked = {"a": True, "b": False, "c": False, "d[0]": True, "a ~ ''": False, "9": False}
    for text, answer in asked.items():
        assert made.render(Template(f"{{{{ ({text}) is vault_encrypted }}}}")) is answer, text
    assert made.render(Template("{{ a | type_debug }}")) == "str"


@pytest.mark.parametrize("text", ["[1, 2", "{1, }}", "[...]", "[b'a']", "[1j]", "{[1]: 2}", "[a]"])
def test_texts_that_are_no_literal_stay_texts(text: str) -> None:
    assert literal(text) is text


@pytest.mark.parametrize(
    ("text", "value"), [("[-1, true]", [-1, True]), ("{'a': (1, {2})}", {"a": [1, [2]]})]
)
def test_literals(text: str, value: Any) -> None:
    assert literal(text) == value


@pytest.mark.parametrize("written", ["{{ range(2) }}", "{{ {0: 'a', 1: 'b'}.keys() }}"])
def test_what_only_looks_like_a_list_is_one_as_the_value_of_a_variable(
    render: Callable[..., Any], written: str
) -> None:
    assert render("{{ v == [0, 1] }}", v=written) is True
