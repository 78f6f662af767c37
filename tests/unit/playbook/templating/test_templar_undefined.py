"""What is not there: defaults, tests, and errors that name place and nearest names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.errors import TemplateError, UndefinedVariable
from opsrun.playbook.templating.library import Library, accepts_undefined
from opsrun.playbook.templating.templar import Templar

VALUES: dict[str, Any] = {
    "foo": "bar",
    "two": [1, 2],
    "mapping": {"key": "v"},
    "nothing": None,
    "broken": "{{ nope }}",
    "deep": {"x": "{{ nope }}", "y": 2},
    "json": '{"a": 1}',
}


@pytest.mark.parametrize(
    "written",
    [
        "nope",
        "broken",
        "deep.x",
        "deep.x.further[0]",
        "nope.a.b",
        "nope['a'][0]",
        "mapping.nope.deep",
        "two[7]",
        "foo.nope",
        "nothing.x",
        "undef(hint='give it')",
        "nope | default(nope2)",
        "[] | first",
        "nope.x | default(broken)",
    ],
)
def test_a_default_can_be_given(render: Callable[..., Any], written: str) -> None:
    assert render("{{ (" + written + ") | default('D') }}", **VALUES) == "D"
    assert render("{{ (" + written + ") is defined }}", **VALUES) is False
    assert render("{{ (" + written + ") is undefined }}", **VALUES) is True


def test_what_is_defined_keeps_its_value(render: Callable[..., Any]) -> None:
    assert render("{{ deep.y | default('D') }}", **VALUES) == 2
    assert render("{{ nothing is defined }}", **VALUES) is True


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{{ fooo }}", "'fooo' is undefined; did you mean 'foo'?"),
        ("x{{ qqqqqq }}", "'qqqqqq' is undefined"),
        ("{{ fooo.a.b }}", "'fooo' is undefined, in 'fooo.a.b'; did you mean 'foo'?"),
        (
            "{{ mapping.kye }}",
            "'mapping.kye': 'dict object' has no attribute 'kye'; did you mean 'key'?",
        ),
        (
            "{{ mapping['kye'] }}",
            "\"mapping['kye']\": 'dict object' has no attribute 'kye'; did you mean 'key'?",
        ),
        ("{{ two[7] }}", "'two[7]': list object has no element 7, its length is 2"),
        (
            "{{ foo.splitt }}",
            "'foo.splitt': 'str object' has no attribute 'splitt'; did you mean 'split'?",
        ),
        ("{{ two.length }}", "'two.length': 'list object' has no attribute 'length'"),
        ("{{ nothing.x }}", "'nothing.x': 'None' has no attribute 'x'"),
        (
            "{{ json.a }}",
            "'json.a': 'str object' has no attribute 'a'; to read the list or dict in this text, "
            "use | from_yaml",
        ),
        ("{{ undef(hint='give it') }}", "give it"),
        ("{{ [fooo] }}", "'fooo' is undefined; did you mean 'foo'?"),
        ("{{ fooo + 1 }}", "'fooo' is undefined; did you mean 'foo'?"),
        ("{{ fooo == 1 }}", "'fooo' is undefined; did you mean 'foo'?"),
        ("{{ 'x' in fooo }}", "'fooo' is undefined; did you mean 'foo'?"),
        ("{{ fooo ~ 'x' }}", "'fooo' is undefined; did you mean 'foo'?"),
        ("{{ fooo() }}", "'fooo' is undefined; did you mean 'foo'?"),
        ("{{ fooo | upper }}", "'fooo' is undefined; did you mean 'foo'?"),
        ("{{ fooo is string }}", "'fooo' is undefined; did you mean 'foo'?"),
        ("{% for x in fooo %}{% endfor %}", "'fooo' is undefined; did you mean 'foo'?"),
        ("{% if fooo %}{% endif %}", "'fooo' is undefined; did you mean 'foo'?"),
        (
            "{{ [mapping] | map(attribute='kye') | list }}",
            "'dict object' has no attribute 'kye'; did you",
        ),
        ("{{ broken }}", "'nope' is undefined (for the value of 'broken')"),
        ("{{ deep }}", "'nope' is undefined (for the value of 'deep.x')"),
    ],
)
def test_what_is_missing_is_named(render: Callable[..., Any], written: str, message: str) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        render(written, **VALUES)
    assert caught.value.message.startswith(message)
    assert caught.value.path == "play.yml"


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes the file that the templates are said to be from."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> None:
        (tmp_path / "play.yml").write_text(text)

    return write


def test_the_source_line_is_shown(play: Callable[[str], None], library: Library) -> None:
    play("- debug:\n    msg: 'a {{ mapping.key }} {{ portt }}'\n")
    text = Template("a {{ mapping.key }} {{ portt }}", Origin("play.yml", 2, 10))
    with pytest.raises(UndefinedVariable) as caught:
        Templar({"port": 1, "mapping": {"key": 1}}, library).render({"msg": text})
    assert str(caught.value) == (
        "play.yml:2:34: 'portt' is undefined; did you mean 'port'?\n"
        "      msg: 'a {{ mapping.key }} {{ portt }}'\n"
        "                                   ^"
    )


def test_a_line_of_a_block_is_found(play: Callable[[str], None], library: Library) -> None:
    play("x: |\n  one\n  two {{ a }}\n  three {{ nope }}\n")
    text = Template("one\ntwo {{ a }}\nthree {{ nope }}\n", Origin("play.yml", 1, 4))
    with pytest.raises(UndefinedVariable) as caught:
        Templar({"a": 1}, library).render(text)
    assert (caught.value.line, caught.value.column) == (4, 12)


def test_the_error_is_where_the_needed_template_is(
    play: Callable[[str], None], library: Library
) -> None:
    play("a: '{{ b }}'\nb: '{{ nope }}'\n")
    b = Template("{{ nope }}", Origin("play.yml", 2, 4))
    a = Template("{{ b }}", Origin("play.yml", 1, 4))
    with pytest.raises(UndefinedVariable) as caught:
        Templar({"b": b, "a": a}, library).render(Template("x {{ a }}", Origin("other.yml", 7, 1)))
    assert (caught.value.path, caught.value.line, caught.value.column) == ("play.yml", 2, 8)
    assert caught.value.message == "'nope' is undefined (for the value of 'b')"


def test_without_the_file_the_origin_is_told(render: Callable[..., Any]) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        render("{{ nope }}")
    error = caught.value
    assert (error.path, error.line, error.column, error.text) == ("play.yml", 3, 5, None)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{{ 1 + }}", "this can't be read as a template: "),
        ("{{ a", "this can't be read as a template: "),
        ("{% if a %}", "this can't be read as a template: "),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ 'a' + 1 }}", "can only concatenate str"),
        ("{{ 'x' | nofilter }}", "there is no filter 'nofilter'"),
        ("{{ 'x' | uper }}", "there is no filter 'uper'; did you mean 'upper'?"),
        ("{{ 'x' | ns.coll.uper }}", "there is no filter 'ns.coll.uper'"),
        ("{{ 'x' is nott }}", "there is no test 'nott'"),
        ("{{ lookup('itemz', 1) }}", "there is no lookup 'itemz'; did you mean 'items'?"),
        ("{{ 'x' | round }}", "the filter 'round': "),
        ("{{ lookup('failing', 'f') }}", "the lookup 'failing': can't read 'f'"),
        ("{{ lookup('items', errors='x') }}", "errors: expected strict, warn or ignore"),
        ("{% include 'x.j2' %}", "only template files can include"),
    ],
)
def test_other_errors(render: Callable[..., Any], written: str, message: str) -> None:
    with pytest.raises(TemplateError, match=r"^play\.yml:3:5: ") as caught:
        render(written)
    assert caught.value.message.startswith(message)


def test_what_is_unknown_fails_where_it_is_used(render: Callable[..., Any]) -> None:
    assert render("{{ 1 if true else ('x' | nofilter) }}") == 1
    assert render("{% if false %}{{ 'x' is notest }}{% endif %}y") == "y"
    assert render("{{ false and lookup('nolookup') }}") is False
    assert render("{{ 'upper' is filter }}{{ 'nofilter' is filter }}") == "TrueFalse"


def test_marked_filters_are_given_what_is_missing(library: Library) -> None:
    @accepts_undefined
    def either(value: Any, yes: Any, no: Any) -> Any:
        return yes if value else no

    more = library.extended(filters={"either": either})
    templar = Templar({}, more)
    assert templar.render(Template("{{ false | either(nope.x, 'no') }}")) == "no"
    with pytest.raises(UndefinedVariable, match=r"'nope' is undefined, in 'nope\.x'"):
        templar.render(Template("{{ true | either(nope.x, 'no') }}"))
    with pytest.raises(UndefinedVariable, match="'nope' is undefined"):
        templar.render(Template("{{ nope | either(1, 2) }}"))


def test_names_are_not_put_into_words_for_nothing(library: Library) -> None:
    class Uncounted(dict[str, Any]):
        def __iter__(self) -> Any:
            raise AssertionError("the names were asked for")

    variables = Uncounted(broken=Template("{{ nope.x }}"))
    assert Templar(variables, library).render(Template("{{ broken | default(1) }}")) == 1
