"""``HOST:PATH`` among the words of a copy: what is refused, and what is written instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun import UsageError
from opsrun.cli.options import Selection
from opsrun.cli.remote_words import refuse_remote_words

NOBODY = Selection()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f").touch()
    Path("odd:name").touch()


def written(command: str, *words: str, selection: Selection = NOBODY) -> str:
    """The command that is to be written instead; nothing where the words are taken."""
    try:
        refuse_remote_words(command, words[:-1], words[-1], selection)
    except UsageError as error:
        return str(error).split("`")[1]
    return ""


@pytest.mark.parametrize(
    ("words", "instead"),
    [
        ("put f web01:a", "opsrun put f a --hosts web01"),
        ("put f f web01:/srv/", "opsrun put f f /srv/ --hosts web01"),
        ("put f web01:", "opsrun put f . --hosts web01"),
        ("put f me@web01:a", "opsrun put f a --hosts web01 -u me"),
        ("put f [::1]:a", "opsrun put f a --hosts ::1"),
        ("sync site db01:/srv", "opsrun sync site /srv --hosts db01"),
        ("get web01:/etc/motd .", "opsrun get /etc/motd . --hosts web01"),
        ("get web01:/a db01:/b .", "opsrun get /a /b . --hosts web01,db01"),
        ("put web01:/etc/motd .", "opsrun get /etc/motd . --hosts web01"),
        ("sync web01:/srv here", "opsrun get /srv here --hosts web01"),
        ("get f web01:/a", "opsrun put f /a --hosts web01"),
        ("put f web01:a;b", "opsrun put f 'a;b' --hosts web01"),
    ],
)
def test_how_scp_says_it_and_how_it_is_said_here(words: str, instead: str) -> None:
    assert written(*words.split()) == instead


@pytest.mark.parametrize(
    "words",
    ["put f a", "put f ./web01:a", "put f /srv/a:b", "put f :a", "put odd:name /srv",
     "get /a:b .", "get 'http://web01/a' .", "put - /srv/a"],
)  # fmt: skip
def test_what_is_no_host(words: str) -> None:
    assert written(*words.replace("'", "").split()) == ""


def test_where_hosts_are_named_only_their_names_are_refused() -> None:
    named = Selection(inventory=("web01,web02,",), hosts=("web02",))
    assert written("put", "f", "web01:a", selection=named) == "opsrun put f a --hosts web01"
    assert written("put", "f", "backup:a", selection=named) == ""


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_a_slash_in_front_takes_every_doubt_away(name: str) -> None:
    assert written("put", "f", f"./{name}") == ""
    assert written("get", f"/{name}", ".") == ""
