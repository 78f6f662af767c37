"""``k=v`` and command lines in one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.playbook.parse.names import COMMAND_OPTIONS
from opsrun.playbook.parse.words import Unbalanced, split, words

PAIRS = {
    "src=a dest=b": {"src": "a", "dest": "b"},
    "msg='a b'": {"msg": "a b"},
    'msg="a b" x=1': {"msg": "a b", "x": "1"},
    'msg="a\\tb\\nc"': {"msg": "a\tb\nc"},
    "msg='it is {{ \"x y\" }}'": {"msg": 'it is {{ "x y" }}'},
    "dest={{ a | default('x y') }}/b src=c": {"dest": "{{ a | default('x y') }}/b", "src": "c"},
    "a={% if x == 1 %}y{% endif %} b=2": {"a": "{% if x == 1 %}y{% endif %}", "b": "2"},
    "a=b=c": {"a": "b=c"},
    "a=": {"a": ""},
    "a=\n  b=c": {"a": "", "b": "c"},
    "regexp='^a\\s'": {"regexp": "^a\\s"},
    "path=C:\\\\temp": {"path": "C:\\temp"},
}
LINES = {
    'echo "a   b"    c   chdir=/tmp  d=e   "creates=/nope"': (
        {"chdir": "/tmp"},
        'echo "a   b"    c   d=e   "creates=/nope"',
    ),
    "echo one\n  echo two\necho a=b\n": ({}, "echo one\n  echo two\necho a=b\n"),
    'echo "hi there" x\\=y': ({}, 'echo "hi there" x=y'),
    "echo it\\'s": ({}, "echo it\\'s"),
    "echo a \\\nb": ({}, "echo a b"),
    "echo a \\\n  b\necho c\n": ({}, "echo a  b\necho c\n"),
    "echo a \\\n\n  b": ({}, "echo a\n  b"),
    "echo a \\ b \\": ({}, "echo a b"),
    "echo 'a \\\nb' c\\\nd": ({}, "echo 'a \\\nb' c\\\nd"),
    "echo a \\\n  chdir=/tmp b": ({"chdir": "/tmp"}, "echo a  b"),
    "chdir=/tmp\necho a\ncreates=/x\necho b\n": (
        {"chdir": "/tmp", "creates": "/x"},
        "echo a\necho b\n",
    ),
    "chdir=/tmp pwd": ({"chdir": "/tmp"}, "pwd"),
    "creates=/x": ({"creates": "/x"}, ""),
    "": ({}, ""),
}


@pytest.mark.parametrize(("text", "expected"), PAIRS.items())
def test_pairs(text: str, expected: dict[str, str]) -> None:
    found = split(text)
    assert {pair.key: pair.value for pair in found.pairs} == expected
    assert found.rest == ""


@pytest.mark.parametrize(("text", "expected"), LINES.items())
def test_command_lines_keep_all_but_their_options(
    text: str, expected: tuple[dict[str, str], str]
) -> None:
    found = split(text, COMMAND_OPTIONS)
    assert ({pair.key: pair.value for pair in found.pairs}, found.rest) == expected


def test_an_equals_sign_inside_jinja_is_none() -> None:
    text = "{{ 'inc' if q == 1 else 'no' }}.yml"
    assert split(text) == ([], text)


@pytest.mark.parametrize(
    ("text", "at"), [("src='a", 4), ("a={{ b c=d", 2), ("echo it's", 7), ('x="', 2)]
)
def test_what_is_never_closed_is_told_with_its_place(text: str, at: int) -> None:
    with pytest.raises(Unbalanced) as caught:
        split(text)
    assert caught.value.at == at


@given(st.text(alphabet=" ab='\"{}%\\\n", max_size=30))
def test_any_text_is_parted_or_refused(text: str) -> None:
    try:
        found = split(text, COMMAND_OPTIONS)
    except Unbalanced:
        return
    assert not found.pairs
    left = [text[each.start : each.end] for each in words(text)]
    kept = " ".join(each for each in left if each != "\\")
    assert found.rest.split() == kept.replace("\\=", "=").split()


@given(st.dictionaries(st.sampled_from("abc"), st.text(alphabet="xyz 0", max_size=5)))
def test_quoted_values_come_back(values: dict[str, str]) -> None:
    text = " ".join(f'{key}="{value}"' for key, value in values.items())
    assert {pair.key: pair.value for pair in split(text).pairs} == values
