"""Template files: blanks, ends of lines, delimiters and includes as ansible-core 2.18 has them."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from opsrun.errors import TemplateError, UndefinedVariable
from opsrun.playbook.templating.library import LookupContext
from opsrun.playbook.templating.templar import Templar

VALUES: dict[str, Any] = {
    "t": True,
    "two": [1, 2],
    "nothing": None,
    "dd": {"k": "v"},
    "fl": 1.0,
    "foo": "bar",
    "nl": "q\n\n",
    "rec": "{{ foo }}/{{ two[0] }}",
    "deep": {"x": {"y": "{{ rec }}"}},
    "ansible_managed": "mine",
}
LOOP = "{% if t %}\n  yes\n{% endif %}\n    {% for i in two %}\n    x{{ i }}\n    {% endfor %}\nend"


@pytest.fixture
def file(tmp_path: Path, templar: Callable[..., Templar]) -> Callable[..., bytes]:
    """Renders ``files[0]`` of a folder with these files."""

    def rendered(text: str, files: dict[str, str] | None = None, /, **options: Any) -> bytes:
        for name, content in {"main.j2": text, **(files or {})}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())
        context = LookupContext(folders=[str(tmp_path / "shared")])
        return templar(context, **VALUES).file(str(tmp_path / "main.j2"), options)

    return rendered


@pytest.mark.parametrize(
    ("written", "options", "expected"),
    [
        (
            "a={{ nothing }}|{{ t }}|{{ two }}|{{ dd }}|{{ fl }}",
            {},
            "a=|True|[1, 2]|{'k': 'v'}|1.0",
        ),
        (LOOP, {}, "  yes\n        x1\n        x2\n    end"),
        (LOOP, {"lstrip_blocks": True}, "  yes\n    x1\n    x2\nend"),
        (
            LOOP,
            {"trim_blocks": False, "lstrip_blocks": "yes"},
            "\n  yes\n\n\n    x1\n\n    x2\n\nend",
        ),
        (
            "#jinja2: trim_blocks: False, lstrip_blocks: True\n" + LOOP,
            {},
            "\n  yes\n\n\n    x1\n\n    x2\n\nend",
        ),
        ("x\n{% if t %}\n{{ nl }}\n{% endif %}\n", {}, "x\nq\n\n\n"),
        ("{{ nl }}\n", {}, "q\n\n"),
        ("{{ foo }}\n\n\n", {}, "bar\n\n\n"),
        ("{{ foo }}\r\n\r\n", {}, "bar\n"),
        ("a\r\nb {{ foo }}\r\n{% if t %}\r\nz\r\n{% endif %}\r\n", {}, "a\nb bar\nz\n"),
        ("a\n{{ foo }}\n", {"newline_sequence": "\\r\\n"}, "a\r\nbar\r\n"),
        (
            "[% if t %]\n<< foo >> {{ foo }}\n[% endif %]\n",
            {
                "block_start_string": "[%",
                "block_end_string": "%]",
                "variable_start_string": "<<",
                "variable_end_string": ">>",
            },
            "bar {{ foo }}\n",
        ),
        (
            "#jinja2: variable_start_string: '<<', variable_end_string: '>>'\n<< foo >>\n",
            {},
            "bar\n",
        ),
        (
            "{{ 1 }}{{ 'x' if false }}{{ two | map('string') }}{{ range(2) }}{{ dd.keys() }}\n",
            {},
            "1['1', '2'][0, 1]['k']\n",
        ),
        ("{{ rec }} {{ deep.x.y }} {{ deep }}", {}, "bar/1 bar/1 {'x': {'y': 'bar/1'}}"),
        (
            "{% set ns = namespace(n=0) %}{% for i in two %}{% set ns.n = ns.n + i %}{% endfor %}"
            "{{ ns.n }}",
            {},
            "3",
        ),
        ("{{ nope | default('d') }}{{ nope.x.y is defined }}", {}, "dFalse"),
        ("{{ extra }}", {"template_vars": {"extra": "E"}}, "E"),
        (r"{{ 'a\tb' }}", {}, "a\tb"),
        ("{% raw %}{{ x }}{% endraw %}", {}, "{{ x }}"),
        (
            "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(1) }}{% filter upper %}a{% endfilter %}",
            {},
            "<1>A",
        ),
        ("{% set b %}[1]{% endset %}{{ b }}", {}, "[1]"),
    ],
)
def test_text(
    file: Callable[..., bytes], written: str, options: dict[str, Any], expected: str
) -> None:
    assert file(written, **options).decode() == expected


def test_includes_imports_and_extends(file: Callable[..., bytes]) -> None:
    files = {
        "inc.j2": "inc {{ foo }}\n",
        "each.j2": "[{{ x }}{{ foo }}]",
        "mac.j2": "{% macro f(x) %}<{{ x }}>{% endmacro %}\n"
        "{% macro g() %}({{ rec }}){% endmacro %}\n",
        "shared/far.j2": "far",
    }
    text = (
        "{% include 'inc.j2' %}\n{% import 'mac.j2' as m %}\n{{ m.f(foo) }}\n"
        "{% from 'mac.j2' import g with context %}\n{{ g() }}\n"
        "{% for x in two %}{% include 'each.j2' %}{% endfor %}\n{% include 'far.j2' %}"
        "{% include 'none.j2' ignore missing %}"
    )
    assert file(text, files).decode() == "inc bar<bar>\n(bar/1)\n[1bar][2bar]far"


def test_extends(file: Callable[..., bytes]) -> None:
    base = "B\n{% block body %}base{{ two[0] }}{% endblock %}\nE\n"
    text = "{% extends 'base.j2' %}\n{% block body %}child {{ foo }} {{ super() }}{% endblock %}\n"
    assert file(text, {"base.j2": base}).decode() == "B\nchild bar base1E\n"


def test_an_import_without_context_sees_no_variables(file: Callable[..., bytes]) -> None:
    text = "{% import 'm.j2' as m %}{{ m.f() }}"
    body = "{% macro f() %}{{ foo is defined }}{{ lookup('items', [7]) }}{% endmacro %}"
    assert file(text, {"m.j2": body}) == b"False7"


def test_what_the_file_knows_of_itself(file: Callable[..., bytes], tmp_path: Path) -> None:
    text = (
        "{{ ansible_managed }}|{{ template_destpath }}|{{ template_path }}|{{ template_fullpath }}"
    )
    path = tmp_path / "main.j2"
    expected = f"Ansible managed|/etc/x|main.j2|{path}"
    assert file(text, dest="/etc/x", src="main.j2").decode() == expected
    assert (
        file("{{ template_run_date.year > 2000 }}{{ template_host | length > 0 }}") == b"TrueTrue"
    )


def test_encodings(file: Callable[..., bytes]) -> None:
    assert file("é{{ foo }}", output_encoding="utf-16") == "ébar".encode("utf-16")
    with pytest.raises(TemplateError, match="ascii can't hold the character 'é'"):
        file("aé", output_encoding="ascii")
    with pytest.raises(TemplateError, match="no encoding 'utf-99'"):
        file("a", output_encoding="utf-99")


def test_an_undefined_variable_has_its_place(file: Callable[..., bytes], tmp_path: Path) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        file("one\n{% for i in two %}\n  {{ fooo }}\n{% endfor %}\n")
    assert str(caught.value) == (
        f"{tmp_path}/main.j2:3:6: 'fooo' is undefined; did you mean 'foo'?\n    {{{{ fooo }}}}\n"
        "       ^"
    )


def test_an_error_in_an_included_file_is_told_there(
    file: Callable[..., bytes], tmp_path: Path
) -> None:
    with pytest.raises(UndefinedVariable) as caught:
        file("{% include 'inc.j2' %}", {"inc.j2": "a\nb {{ nope }}\n"})
    assert (caught.value.path, caught.value.line) == (f"{tmp_path}/inc.j2", 2)
    with pytest.raises(TemplateError) as syntax:
        file("{% include 'inc.j2' %}", {"inc.j2": "a\n{% if %}\n"})
    assert (syntax.value.path, syntax.value.line) == (f"{tmp_path}/inc.j2", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{% include 'incc.j2' %}", "there is no template 'incc.j2' in "),
        ("a\n{% endif %}", "this can't be read as a template: "),
        ("#jinja2: trim_blockz: True\n", "#jinja2: there is no option 'trim_blockz'; did you mean"),
        ("#jinja2: trim_blocks\n", "#jinja2: expected NAME: VALUE, found 'trim_blocks'"),
        ("#jinja2: trim_blocks: perhaps\n", "trim_blocks: expected yes or no, found 'perhaps'"),
        ("{{ 'a' | nofilter }}", "there is no filter 'nofilter'"),
    ],
)
def test_files_that_cannot_be_rendered(
    file: Callable[..., bytes], tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        file(text, {"inc.j2": ""})
    assert caught.value.message.startswith(message)
    assert caught.value.path == f"{tmp_path}/main.j2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"newline_sequence": "x"}, "newline_sequence: expected"),
        ({"variable_start_string": ""}, "variable_start_string: expected a delimiter"),
        ({"trim_blocks": "maybe"}, "trim_blocks: expected yes or no"),
    ],
)
def test_options_that_cannot_be_used(
    file: Callable[..., bytes], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(TemplateError, match=message):
        file("", **options)


def test_files_that_are_not_there_or_no_text(
    templar: Callable[..., Templar], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        templar().file(str(tmp_path / "none"), {})
    (tmp_path / "bin").write_bytes(b"a\n\xff")
    with pytest.raises(TemplateError, match=r"bin:2: expected text in UTF-8"):
        templar().file(str(tmp_path / "bin"), {})


def test_a_file_is_read_anew_for_each_host(templar: Callable[..., Templar], tmp_path: Path) -> None:
    path = tmp_path / "t.j2"
    path.write_text("{% import 'm.j2' as m with context %}{{ m.name }}")
    (tmp_path / "m.j2").write_text("{% set name = host %}")
    assert [templar(host=name).file(str(path), {}) for name in "ab"] == [b"a", b"b"]
    path.write_text("other {{ host }}")
    assert templar(host="c").file(str(path), {}) == b"other c"


def test_variables_of_values_do_not_see_the_files_own(file: Callable[..., bytes]) -> None:
    assert file("{% set foo = 'mine' %}{{ foo }} {{ rec }}") == b"mine bar/1"


def test_a_lookup_within_a_file(file: Callable[..., bytes]) -> None:
    assert file("{{ lookup('seen', 'rec') }}") == b"bar/1"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("by hand", "by hand"),
        ("{file} of 100%%", "{{ 1 }}%Y.j2 of 100%"),
        ("{{{{ foo }}}} {{{{ two[0] + 1 }}}}", "bar 2"),
        ("{{{{ '{file}' }}}}", "{{ 1 }}%Y.j2"),
        ("{{ foo }}", "{ foo }"),
        ("%Y-%m-%d", "2020-01-02"),
    ],
)
def test_what_is_managed(
    tmp_path: Path, templar: Callable[..., Templar], setting: str, expected: str
) -> None:
    path = tmp_path / "main.j2"
    path.write_text("{{ ansible_managed }}")
    moment = datetime(2020, 1, 2, 3, 4, 5).timestamp()
    os.utime(path, (moment, moment))
    made = templar(LookupContext(managed=setting), foo="bar", two=[1])
    assert made.file(str(path), {"src": "{{ 1 }}%Y.j2"}).decode() == expected


@pytest.mark.parametrize("setting", ["{files}", "{file", "{{{{ nope }}}}"])
def test_a_setting_that_is_no_text(
    tmp_path: Path, templar: Callable[..., Templar], setting: str
) -> None:
    path = tmp_path / "main.j2"
    path.write_text("{{ ansible_managed }}")
    with pytest.raises(TemplateError, match=r"ansible_managed: expected text|'nope' is undefined"):
        templar(LookupContext(managed=setting)).file(str(path), {})
