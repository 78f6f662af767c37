from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.views.sanitise import decode, is_plain, sanitise, sanitise_line

# Visible marks that Unicode files under format characters: they are glyphs, and harmless.
VISIBLE_FORMATS = {chr(code) for code in (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2)}
VISIBLE_FORMATS |= {chr(code) for code in (0x110BD, 0x110CD, *range(0x13430, 0x13440))}


def harmful(char: str) -> bool:
    if char in "\n\t" or char in VISIBLE_FORMATS:
        return False
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


@given(st.text(st.characters(codec=None)))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert not [char for char in sanitise(text) if harmful(char)]


def test_every_control_and_format_character_of_unicode_is_made_visible() -> None:
    bad = [chr(code) for code in range(0x110000) if harmful(chr(code))]
    assert [char for char in bad if is_plain(char)] == []
    assert len(bad) > 2000


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp", "Mn", "Lo"])))
def test_plain_text_is_unchanged(text: str) -> None:
    assert sanitise(text) == text


@given(st.text(st.characters(codec=None)))
def test_it_is_done_once(text: str) -> None:
    assert sanitise(sanitise(text)) == sanitise(text)


@given(st.binary())
def test_any_bytes_become_text_that_can_be_written(data: bytes) -> None:
    assert is_plain(decode(data))
    decode(data).encode()


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J", "^[[2J"),
        ("\x1b]52;c;aGk=\x07", "^[]52;c;aGk=^G"),
        ("\x1b]8;;http://x\x1b\\link", "^[]8;;http://x^[\\link"),
        ("\x1bP1$r\x1b\\", "^[P1$r^[\\"),
        ("a\x9bmb", "a\\x9bmb"),
        ("\x7f\x00\r", "^?^@^M"),
        ("abc\u202egnp", "abc\\u202egnp"),
        ("a\u200bb", "a\\u200bb"),
        ("\U000e0041", "\\U000e0041"),
        ("\udcff", "\\udcff"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
        ("Grüße, 日本, ✔️", "Grüße, 日本, ✔️"),
    ],
)
def test_shown_as(hostile: str, shown: str) -> None:
    assert sanitise(hostile) == shown


def test_a_line_stays_one_line() -> None:
    assert sanitise_line("a\nok web02") == "a\\nok web02"


@pytest.mark.parametrize(
    ("data", "text"), [(b"caf\xe9", "caf\\xe9"), (b"\x9b2J", "\\x9b2J"), (b"\xc2\x9b", "\\x9b")]
)
def test_bytes_that_are_no_utf8(data: bytes, text: str) -> None:
    assert decode(data) == text


@given(st.text(st.sampled_from("\x00\x01\x1b\u202ea\n"), max_size=12))
def test_a_run_is_what_its_characters_are_one_by_one(text: str) -> None:
    assert sanitise(text) == "".join(sanitise(char) for char in text)
