"""The sieve lets through whatever an expression matches."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.modules.finding.sieve import Words, required

_ATOMS = st.sampled_from(
    ["a", "foo", "k", "S", "i", "é", ".", r"\d", r"\w", "[ab]", "[^a]", "^", "$", r"\b", r"\n", " "]
)


def _composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = inner.map(lambda each: f"(?:{each})")
    times = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "+?", "*+"])
    return st.one_of(
        st.lists(group, min_size=2, max_size=3).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(group, times).map("".join),
        st.sampled_from(["(", "(?i:", "(?>", "(?=", "(?!", "(?-i:"]).flatmap(
            lambda opening: inner.map(lambda each: f"{opening}{each})")
        ),
    )


def _is_one(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


EXPRESSIONS = st.tuples(
    st.sampled_from(["", "", "(?i)"]), st.recursive(_ATOMS, _composed, max_leaves=8)
).map("".join)
"""Of all kinds of parts."""
TEXTS = st.lists(
    st.sampled_from([*"aAfFoOkKsSiIb1 é", "foo", "ſ", "\u212a", "\n", "\r\n", "\r", "\0", "ı"]),
    max_size=24,
).map("".join)
"""With what expressions may mean."""


def _holds(text: str, words: Words) -> bool:
    """As grep(1) does, for which letters are ASCII."""
    if words.caseless:
        fold = bytes.lower
        return any(fold(each.encode()) in fold(text.encode()) for each in words.texts)
    return any(each in text for each in words.texts)


@given(EXPRESSIONS.filter(_is_one), TEXTS)
def test_what_matches_has_one_of_the_words(expression: str, text: str) -> None:
    compiled = re.compile(expression)
    words = required(compiled)
    if words is not None and compiled.search(text):
        assert _holds(text, words)


@pytest.mark.parametrize(
    ("expression", "texts", "caseless"),
    [
        ("^PermitRootLogin (yes|no)", ("PermitRootLogin ",), False),
        (r".*needle\s*=\s*\d+", ("needle",), False),
        ("foo|bar", ("bar", "foo"), False),
        ("(?:foo|ba[rz])+x?", ("ba", "foo"), False),
        ("(?i)linux", ("nux",), True),
        ("x(?i:abc)", ("abc",), True),
        ("caf\u00e9s", ("caf",), False),
        (r"one\nlonger", ("longer",), False),
        ("(?>ab)c{2,}", ("ab",), False),
    ],
)
def test_words(expression: str, texts: tuple[str, ...], caseless: bool) -> None:
    assert required(re.compile(expression)) == Words(texts, caseless)


@pytest.mark.parametrize(
    "expression",
    [r"\d+", "a*", "(?:foo)?", "foo|b*", "[ab]", "", "(?=foo)", "你好"],
)
def test_no_words(expression: str) -> None:
    assert required(re.compile(expression)) is None


def test_no_words_in_encodings_that_write_ascii_otherwise() -> None:
    expression = re.compile("foo")
    for name in ("utf-16", "utf-7", "gbk", "cp037"):
        assert required(expression, name) is None
    assert required(expression, "Latin-1") == required(expression, "UTF8") == Words(("foo",), False)


def test_too_many_ways_are_no_sieve() -> None:
    assert required(re.compile("|".join(f"{chr(97 + n % 26)}{n}x" for n in range(40)))) is None


def test_letters_that_fold_into_ascii_are_the_known_ones() -> None:
    others = "".join(map(chr, range(128, sys.maxunicode + 1)))
    folded = {
        letter
        for letter in "abcdefghijklmnopqrstuvwxyz"
        if re.search(letter, others, re.IGNORECASE)
    }
    assert folded == set("iks")
