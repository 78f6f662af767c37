"""``-e`` in its forms."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.vaults import VAULT, envelope, tagged

from opsrun.dialect.tags import Template, Unsafe, Vaulted
from opsrun.errors import PlaybookError, UsageError
from opsrun.playbook.extra_vars import extra_vars


def test_words_are_text_and_later_ones_win(tmp_path: Path) -> None:
    (tmp_path / "vars.yml").write_text("a: 3\nc: [1, yes]\n")
    given = ["a=1 b='x y' d=1.5", '{"a": 2, "e": null}', "@vars.yml", "b=z"]
    assert extra_vars(given, str(tmp_path)) == {
        "a": 3,
        "b": "z",
        "c": [1, True],
        "d": "1.5",
        "e": None,
    }


@pytest.mark.parametrize("text", ["a={{ b }}", "{a: '{{ b }}'}", "a='{{ b }}' c=1"])
def test_the_operators_text_is_a_template(text: str) -> None:
    found = extra_vars([text])["a"]
    assert isinstance(found, Template)
    assert found == "{{ b }}"


def test_what_is_marked_unsafe_stays_data() -> None:
    assert isinstance(extra_vars(["{a: !unsafe '{{ b }}'}"])["a"], Unsafe)


def test_a_word_may_begin_with_a_template() -> None:
    assert extra_vars(["a={{b}}{{c}} d={x}"]) == {"a": "{{b}}{{c}}", "d": "{x}"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foo", "'foo' is no NAME=VALUE"),
        ("a=1 foo", "'foo' is no NAME=VALUE"),
        ("", "the value is empty"),
        ("@", "needs the name of a file"),
        ("a='x", "never closed"),
    ],
)
def test_what_is_none_of_the_forms(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        extra_vars([text])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1, 2]", "expected names and values, found a list"),
        ("{a: ", "-e:"),
        ("@missing.yml", r"missing\.yml: -e: No such file"),
        ("@list.yml", r"list\.yml:1:1: -e: expected names and values, found a list"),
        ("@broken.yml", r"broken\.yml:3:1: broken YAML"),
    ],
)
def test_mappings_that_cannot_be_used(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "list.yml").write_text("- 1\n")
    (tmp_path / "broken.yml").write_text("a: 1\nb: [\n")
    with pytest.raises(PlaybookError, match=words):
        extra_vars([text], str(tmp_path))


def test_what_is_encrypted_needs_its_secret(tmp_path: Path) -> None:
    (tmp_path / "vault").write_text(envelope("a: '{{ b }}'\n"))
    (tmp_path / "value.yml").write_text(f"a: {tagged('A')}")
    with pytest.raises(PlaybookError, match=r"^vault: this file is encrypted .*no secret"):
        extra_vars(["@vault"], str(tmp_path))
    assert isinstance(extra_vars(["@vault"], str(tmp_path), VAULT)["a"], Template)
    # A value is opened where it is used.
    assert isinstance(extra_vars(["@value.yml"], str(tmp_path))["a"], Vaulted)


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.yml").write_text("---\n")
    assert extra_vars(["@empty.yml"], str(tmp_path)) == {}
