"""What filters and tests give, against recordings of what ansible-core 2.18 gave for the same
expressions. Where we mean to differ, a row is in `DELIBERATE` and not among the recordings."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opsrun.dialect.tags import Template
from opsrun.errors import TemplateError
from opsrun.playbook.templating.library import Library, LookupContext
from opsrun.playbook.templating.templar import Templar

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())
ROWS: list[list[Any]] = RECORDED["rows"]
CHUNK = 50


@pytest.fixture(autouse=True)
def _universal_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def evaluate(expression: str) -> Any:
    """As in a template file, where backslashes are Jinja's."""
    source = "{{ (" + expression + ") | to_json }}"
    run = LookupContext(read=lambda path: source.encode())
    templar = Templar(RECORDED["variables"], Library.standard(), run)
    return json.loads(templar.file("recorded.j2", {}))


@pytest.mark.parametrize("start", range(0, len(ROWS), CHUNK))
def test_gives_what_was_recorded(start: int) -> None:
    wrong = []
    for expression, works, *value in ROWS[start : start + CHUNK]:
        try:
            found: Any = evaluate(expression)
        except TemplateError as error:
            if works:
                wrong.append((expression, str(error)))
            continue
        # By repr: 1, 1.0 and True are equal, and the order of keys counts.
        if not works or repr(found) != repr(value[0]):
            wrong.append((expression, found))
    assert wrong == []


DELIBERATE: list[tuple[str, Any]] = [
    # A list is joined in order; hash order would be another one on every run.
    ("['z', 'a'] | union(['c'])", ["z", "a", "c"]),
    ("['b', 'a', 'c'] | difference(['a'])", ["b", "c"]),
    ("['b', 'a'] | symmetric_difference(['c', 'a'])", ["b", "c"]),
    # Options can be overridden, and views are lists.
    ("'ü' | to_nice_yaml(allow_unicode=False)", '"\\xFC"\n'),
    ("{'a': 1}.keys() | to_json", '["a"]'),
    # No aliases for what happens to be there twice.
    ("[d.b.c, d.b.c] | to_yaml", "- [1, 2]\n- [1, 2]\n"),
    # An empty result is no change.
    ("{'results': []} is changed", False),
    ("{'failed': 1} is failed", True),
    ("nosuch | type_debug", "Undefined"),
    ("5 | comment", "#\n# 5\n#"),
    ("[1, [2, [3]]] | flatten(levels='1')", [1, 2, [3]]),
    ("[['a', 1]] | community.general.dict", {"a": 1}),
]


@pytest.mark.parametrize(("expression", "expected"), DELIBERATE)
def test_differs_on_purpose(expression: str, expected: Any) -> None:
    assert evaluate(expression) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'x' | comment('c', prefx=1)", "prefix"),
        ("{} | combine({}, recursve=true)", "recursive"),
        ("[{}, [{}]] | combine({})", "lists of them, not a list in a list"),
        ("{} | combine([1])", "lists of them, not a number"),
        ("'[1' | from_json", "line 1"),
        ("'a: [' | from_yaml", "broken YAML"),
        ("'(' | regex_search('(')", "no regular expression"),
        ("[{'ab': 1}] | items2dict", "no key 'key'"),
        ("5 | dict2items", "a dictionary, not a number"),
        ("'1' is version('2', 'lte')", "operator"),
        ("'x' is failed", "registered"),
        ("'x' | hash('md55')", "md5"),
        ("nosuch | mandatory", "nosuch"),
        ("nosuch | mandatory('set it')", "set it"),
        ("'x' | password_hash('sha513')", "sha512"),
        ("'x' | password_hash('sha512', 'no good')", "salt"),
    ],
)
def test_says_what_was_expected(expression: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words.replace("(", r"\(")):
        evaluate(expression)


def test_yaml_that_aliases_blow_up_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 9):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    templar = Templar({"bomb": "\n".join(lines)}, Library.standard())
    with pytest.raises(TemplateError, match="expand"):
        templar.render(Template("{{ bomb | from_yaml }}"))


def test_yaml_that_holds_itself_is_refused() -> None:
    templar = Templar({"loop": "a: &a [*a]"}, Library.standard())
    with pytest.raises(TemplateError, match="holds itself"):
        templar.render(Template("{{ loop | from_yaml }}"))


def test_what_filters_give_is_never_a_template() -> None:
    templar = Templar({"fact": "{{ 6 * 7 }}"}, Library.standard())
    for expression in (
        "fact | regex_replace('6', '1')",
        "[fact] | to_json | from_json | first",
        "fact | to_yaml | from_yaml",
        "fact | b64encode | b64decode",
        "{'a': fact} | combine({}) | dict2items | map(attribute='value') | first",
    ):
        assert "{{" in templar.render(Template("{{ " + expression + " }}"))
