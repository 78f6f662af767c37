"""Texts that can't be read as templates: what is said, and where it points."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.exceptions import TemplateSyntaxError

from opsrun.dialect.origin import Origin
from opsrun.dialect.yaml_data import parse
from opsrun.errors import TemplateError
from opsrun.playbook.templating.engine import engine_of
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.places import place
from opsrun.playbook.templating.syntax import mistake
from opsrun.playbook.templating.templar import Templar

LIBRARY = Library.standard()

# Where reading ends is marked with ⟦; the mark is taken out of the file.
VALUES = [
    ("'{{ a ⟦b }}'", "expected an operator or its end, found 'b'"),
    ('"{{ \\"a\\" ⟦b }}"', "found 'b'"),
    ("'{{ ''it'' ⟦b }}'", "found 'b'"),
    ('"{{ a | default(0⟦755) }}"', "numbers don't begin with 0: write '0755' or 0o755"),
    ("|\n  one\n  {{ b | ⟦}}\n  three\n", "expected a name, found its end"),
    (">\n  {{ a\n  and\n  ⟦) }}\n", "unexpected ')'"),
    ('"{{ ⟦}}"', "expected an expression, found its end"),
    ('"{{ 1 == ⟦}}"', "it ends too early"),
    ('"{{ ⟦\'abc }}"', "a text begins with ' here, and is never closed"),
    ('"{{ ⟦“abc” }}"', "“ is no quotation mark that Jinja knows"),
    ('"{{ a ⟦& b }}"', "unexpected '&'"),
    ('"{{ a[1 ⟦}}"', "unexpected '}', expected ']'"),
    ("\"{{ lookup('env', 'X' ⟦}}\"", "unexpected '}', expected ')'"),
    ('"{% ⟦if a %}x{{ y }}"', "this {% if %} has no {% endif %}"),
    (
        '"{% if a %}{% for x in y %}{% ⟦endif %}"',
        "{% endif %} stands within the {% for %} of line 1, which {% endfor %} has not ended",
    ),
    ('"{% ⟦endfor %}"', "there is nothing for {% endfor %} to end"),
    ('"{% ⟦fro x in y %}"', "there is no tag 'fro'; did you mean 'from'?"),
    ('"{% for x ⟦y %}{% endfor %}"', "expected 'in', found 'y'"),
    ('"⟦{# never"', "a comment {# has no #}"),
    ('"⟦{% raw %} never"', "{% raw %} has no {% endraw %}"),
    ('"{% ⟦break %}"', "'break' outside loop"),
    ('"⟦{% block a %}{% endblock %}{% block a %}{% endblock %}"', "block 'a' defined twice"),
]
CONDITIONS = [
    (">-\n  a is b and\n  (c == 1) and\n  ⟦)", "unexpected ')'"),
    ("(a⟦", "it ends too early, without ')'"),
    ("1 ⟦=", "expected an operator or its end, found '='"),
    ("a == ⟦'x", "a text begins with ' here, and is never closed"),
    ("[fine, (a ⟦b]", "expected ')', found 'b'"),
]


def _marked(tmp_path: Path, written: str) -> tuple[Path, tuple[int, int]]:
    text = f"first: 1\nx: {written}\n"
    before, _, after = text.partition("⟦")
    path = tmp_path / "p.yml"
    path.write_text(before + after)
    return path, (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)


@pytest.mark.parametrize(("written", "message"), VALUES)
def test_values(tmp_path: Path, written: str, message: str) -> None:
    path, place_of_mark = _marked(tmp_path, written)
    found = parse(path.read_text(), str(path), templates=True, error=TemplateError)
    with pytest.raises(TemplateError) as caught:
        Templar({"y": [1]}, LIBRARY).render(found.data["x"])
    assert message in caught.value.message
    if "twice" not in message and "outside" not in message:
        assert (caught.value.line, caught.value.column) == place_of_mark


@pytest.mark.parametrize(("written", "message"), CONDITIONS)
def test_conditions(tmp_path: Path, written: str, message: str) -> None:
    path, place_of_mark = _marked(tmp_path, written)
    found = parse(path.read_text(), str(path), templates=True, error=TemplateError)
    values = Templar({"fine": True, "a": 1}, LIBRARY)
    with pytest.raises(TemplateError) as caught:
        values.condition(found.data["x"], found.value_origin(found.data, "x"))
    assert message in caught.value.message
    assert (caught.value.line, caught.value.column) == place_of_mark


def test_lines_of_files_count_from_their_first(tmp_path: Path) -> None:
    path = tmp_path / "t.j2"
    path.write_text("#jinja2: trim_blocks: False\nfine\n  {{ a b }}\n")
    with pytest.raises(TemplateError) as caught:
        Templar({}, LIBRARY).file(str(path), {})
    assert (caught.value.line, caught.value.column, caught.value.text) == (3, 8, "  {{ a b }}")
    path.write_text("#jinja2: trim_blocks: False\nfine\n  {{ nope }}\n")
    with pytest.raises(TemplateError) as caught:
        Templar({}, LIBRARY).file(str(path), {})
    assert (caught.value.line, caught.value.column) == (3, 6)


def test_what_is_missing_is_found_in_folded_text(tmp_path: Path) -> None:
    path = tmp_path / "p.yml"
    path.write_text("x: >-\n  {{ one\n  ~ nope }}\n")
    found = parse(path.read_text(), str(path), templates=True, error=TemplateError)
    with pytest.raises(TemplateError, match="'nope' is undefined") as caught:
        Templar({"one": 1}, LIBRARY).render(found.data["x"])
    assert (caught.value.line, caught.value.column) == (3, 5)


def test_texts_that_are_not_in_the_file_have_no_place() -> None:
    assert place("x: 1\n", Origin("p.yml", 1, 4), "{{ a }}", 3) is None
    assert place("x: 1\n", Origin("p.yml"), "1", 0) is None
    assert place("x: 1\n", Origin("p.yml", 9, 4), "1", 0) == (1, 4)


PIECES = ("{{ ", " }}", "{% ", " %}", "if ", "endif", "for ", "in ", "a", " b", "'", '"', "(", "]")


@given(st.lists(st.sampled_from((*PIECES, "|", "=", "0", "{#", "#}", "\n", "-", "set ", "“"))))
def test_every_mistake_has_words_and_a_place(pieces: list[str]) -> None:
    environment = engine_of(LIBRARY).environment
    source = "".join(pieces)
    try:
        environment.parse(source)
    except TemplateSyntaxError as error:
        found = mistake(environment, source, error)
        assert found is None or (found.message and 0 <= found.offset <= len(source))


@given(st.lists(st.sampled_from(("a", "b c", " ", "\n", "'", '"', "\\", "x")), min_size=1))
def test_a_text_in_a_file_is_found_whole(pieces: list[str]) -> None:
    source = "".join(pieces)
    if source.strip() == "":
        return
    found = place(f"first\n  k: {source}", Origin("p", 2, 6), source, len(source.rstrip()) - 1)
    assert found is not None
    assert found[0] == 2 + source.rstrip().count("\n")
