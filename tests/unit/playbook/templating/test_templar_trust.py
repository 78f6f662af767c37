"""Only what the operator wrote is ever a template: data stays data, however it is combined."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.dialect.tags import Template, Unsafe
from opsrun.errors import TemplateError
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.templar import Templar

_ran: list[str] = []


def _canary(terms: list[Any], run: Any, **options: Any) -> list[Any]:
    _ran.append("lookup")
    return ["evaluated"]


LIBRARY = Library.standard().extended(lookups={"canary": _canary})
PIECES = [
    *("{{", "}}", "{%", "%}", "{#", "#}", "{{ secret }}", "{{ lookup('canary') }}", "secret"),
    *("{% set x = lookup('canary') %}", "'", '"', "[", "]", "{", "}", "(", ")", "\\", "\n", " "),
    *("#jinja2: variable_start_string: '<<'", "<<", ">>", "~", "|", "a", "é", "1", ",", ":"),
    *("__class__", "x.__class__", "or true", "== 1", "% for i in x %"),
]
data = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)


def templar(**variables: Any) -> Templar:
    return Templar({"secret": "S3CRET", **variables}, LIBRARY)


def run(text: str, **variables: Any) -> Any:
    before = len(_ran)
    found = templar(**variables).render(Template(text))
    assert len(_ran) == before
    return found


def same(value: str) -> Any:
    return value


@given(x=data, y=data)
def test_data_through_expressions(x: str, y: str) -> None:
    assert run("{{ x }}", x=x) == x
    assert run("a{{ x }}b{{ y }}", x=x, y=y) == f"a{x}b{y}"
    assert run("{{ x ~ y }}", x=x, y=y) == x + y
    assert run("{{ x + y }}", x=x, y=y) == x + y
    assert run("{{ [x, y] | join('{{') }}", x=x, y=y) == "{{".join((x, y))
    assert run("{{ {'k': x, y: [x]} }}", x=x, y=y) == {"k": x, y: [x]}
    assert run("{{ '%s|%s' % (x, y) }}", x=x, y=y) == f"{x}|{y}"
    assert run("{{ '{0}{1}'.format(x, y) }}", x=x, y=y) == x + y
    assert run("{{ x.replace('a', y) }}", x=x, y=y) == x.replace("a", y)
    assert run("{{ (x ~ y) | upper }}", x=x, y=y) == (x + y).upper()
    assert run("{{ x.split('a') }}", x=x, y=y) == x.split("a")
    assert run("{{ d[k] }}", d={x: y}, k=x) == y
    assert run("{{ vars['x'] }}", x=x) == x
    assert run("{{ nope | default(x) }}", x=x) == x
    assert run("{% set z = x %}{{ z }}", x=x) == x
    assert run("{% macro m(v) %}{{ v }}{{ y }}{% endmacro %}{{ m(x) }}", x=x, y=y) == x + y


@given(x=data, turns=st.integers(1, 4))
def test_data_through_rounds_of_setting_facts(x: str, turns: int) -> None:
    known: Any = x
    expected = x
    for _ in range(turns):
        known = run("{{ '{{' ~ x ~ '}}' }}", x=known)
        expected = "{{" + expected + "}}"
        assert known == expected
        assert type(known) is str
        held = run("{{ {'inner': [x]} }}", x=known)
        assert run("{{ x.inner[0] }}", x=held) == expected
        assert templar(x=held).render(held) == {"inner": [expected]}


@given(x=data)
def test_data_within_variables_of_the_operators(x: str) -> None:
    variables = {"a": Template("<{{ x }}>"), "b": {"c": [Template("{{ a }}{{ x }}")]}, "x": x}
    assert run("{{ b.c[0] }}", **variables) == f"<{x}>{x}"
    assert run("{{ b }}", **variables) == {"c": [f"<{x}>{x}"]}


@given(x=data)
def test_data_among_brackets_is_never_code(x: str) -> None:
    before = len(_ran)
    try:
        templar(x=x).render(Template("[{{ x }}]"))
        templar(x=x).render(Template('{"a": "{{ x }}"}'))
    finally:
        assert len(_ran) == before


@given(x=data)
def test_data_in_conditions_is_never_code(x: str) -> None:
    before = len(_ran)
    one = templar(x=x)
    assert one.condition(Template("'{{ x }}' == x")) is True
    assert one.condition("x == vars['x']") is True
    assert one.condition("x") is True
    for condition in ("{{ x }}", "{{ x }} == 1", "not {{ x }}", "{% if true %}{{ x }}{% endif %}"):
        try:
            one.condition(Template(condition))
        except TemplateError:
            pass
    assert len(_ran) == before


@given(x=data, y=data)
def test_data_in_files(x: str, y: str) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.j2")
        path.write_text("{{ x }}|{% for e in l %}{{ e }};{% endfor %}")
        before = len(_ran)
        found = templar(x=x, l=[x, y]).file(str(path), {})
        assert found.decode() == f"{x}|{x};{y};"
        assert len(_ran) == before


@pytest.mark.parametrize("value", ["{{ secret }}", Unsafe("{{ secret }}")])
def test_texts_that_are_no_template_are_never_compiled(value: str) -> None:
    one = templar(x=value, holder=[value, {"k": value}])
    assert one.render(value) == "{{ secret }}"
    assert one.render(Template("{{ x }}")) == "{{ secret }}"
    assert one.render({"a": [value]}) == {"a": ["{{ secret }}"]}
    assert one.render(Template("{{ holder }}")) == ["{{ secret }}", {"k": "{{ secret }}"}]
    assert one.lookup("canary", [], {}) == ["evaluated"]


def test_what_lookups_give_is_data() -> None:
    library = LIBRARY.extended(lookups={"text": lambda terms, run: ["{{ secret }}"]})
    one = Templar({"secret": "S", "a": Template("{{ lookup('text') }}")}, library)
    assert one.render(Template("{{ lookup('text') }}")) == "{{ secret }}"
    assert one.render(Template("{{ a }}{{ q('text')[0] }}")) == "{{ secret }}{{ secret }}"


def test_conditions_from_data_are_refused() -> None:
    one = templar()
    with pytest.raises(TemplateError, match="isn't from a file of yours"):
        one.condition("{{ secret }}")
    with pytest.raises(TemplateError, match="can't be !unsafe"):
        one.condition(Unsafe("true"))


@pytest.mark.parametrize(
    "reach",
    [
        "x.__class__",
        "x['__class__']",
        "''.__class__.__mro__",
        "x | attr('__class__')",
        "[x] | map(attribute='__class__') | list",
        "lookup.__globals__",
        "lookup['__globals__']",
        "cycler.__init__.__globals__",
        "joiner.__init__",
        "namespace.__init__",
        "x.split.__self__",
        "range.mro",
        "dict.fromkeys",
        "'{0.__class__}'.format(x)",
        "'{0[__class__]}'.format(x)",
        "'{x.__class__}'.format_map({'x': x})",
        "m.__func__",
        "nope.__class__",
        "self.__init__",
        "secret_.reveal()",
    ],
)
def test_templates_do_not_reach_into_python(reach: str) -> None:
    from opsrun.secret import Secret

    macro = "{% macro m() %}{% endmacro %}"
    with pytest.raises(TemplateError, match=r"not for templates|undefined|no attribute"):
        templar(x="x", secret_=Secret("hunter2")).render(Template(macro + "{{ " + reach + " }}"))


def test_entries_may_have_any_name() -> None:
    assert run("{{ d.__class__ }}{{ d['_x'] }}{{ d._x }}", d={"__class__": 1, "_x": 2}) == "122"
    assert run("{{ d.items() | list }}{{ d['items'] }}", d={"items": 3}) == "[('items', 3)]3"
