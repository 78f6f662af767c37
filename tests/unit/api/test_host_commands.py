"""A command for each host: the name gets into the shell whole, or the command is refused."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun import Fleet, Host, UsageError
from opsrun.api.commands import commands
from opsrun.inventory.model import Origin

NAMES = st.sampled_from(["web01", "a b", "$(id)", "`id`", "it's", 'x"y', "a;b", "-n", "*", "\\"])


def host(name: str) -> Host:
    """A host of this name alone."""
    nothing: Any = None
    return Host(name, ("web",), (), Origin("here"), nothing)


def said(script: str) -> str:
    """What a shell makes of it."""
    shell = ["/bin/sh", "-c", script]
    return subprocess.run(shell, capture_output=True, text=True, check=True).stdout


@given(NAMES | st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_a_shell_reads_the_name_and_nothing_else(name: str) -> None:
    words, own = commands("printf %s {host}", [host(name)])
    assert words == "printf %s {host}"
    assert said(own[name]) == name.replace("\r\n", "\n").replace("\r", "\n")


def tried(words: str) -> str | None:
    """What printf is given by these words; None where they are no whole command."""
    shell = ["/bin/sh", "-c", f"printf '<%s>' {words}"]
    ended = subprocess.run(shell, capture_output=True, text=True, check=False)
    return None if ended.returncode or ended.stderr else ended.stdout


@given(NAMES, st.text("ab '\"\\{}host%`<#", max_size=12), st.text("ab '\"\\ ", max_size=6))
def test_however_the_words_around_it_quote_a_name_is_one_word_or_refused(
    name: str, before: str, after: str
) -> None:
    template = f"{before}{{host}}{after}"
    _, plain = commands(template, [host("plain")])
    wanted = tried(plain["plain"]) if plain else None
    try:
        _, own = commands(template, [host(name)])
    except UsageError as error:
        refused = str(error)
    else:
        refused = ""
    if refused:
        assert "within quotes" in refused
    elif wanted is not None:
        assert tried(own[name]) == wanted.replace("plain", name)


@pytest.mark.parametrize(
    "command",
    [
        "echo ${host}",
        "echo %{host}",
        "echo {{host}}",
        "echo {hosts}",
        "echo \\{host}",
        "echo { host }",
    ],
)
def test_what_only_looks_like_the_place_stays(command: str) -> None:
    assert commands(command, [host("web01")]) == (command, {})


@pytest.mark.parametrize(
    "command",
    [
        "echo '{host}'",
        'echo "is {host}"',
        'echo "it\\"s {host}"',
        "cat <<E\n{host}\nE",
        "echo `echo {host}`",
    ],
)
def test_places_within_quotes(command: str) -> None:
    assert commands(command, [host("web01")])[1] == {"web01": command.replace("{host}", "web01")}
    with pytest.raises(UsageError, match="the name 'a b' needs some"):
        commands(command, [host("web01"), host("a b")])


def test_behind_closed_quotes_is_not_within() -> None:
    _, own = commands("printf %s 'it'\"'\"'s' \\\" {host}", [host("a b")])
    assert own["a b"].endswith("'a b'")


def test_a_call_is_made_once_for_each_host_and_taken_as_it_stands() -> None:
    asked: list[str] = []

    def restart(one: Host) -> str:
        asked.append(one.name)
        return f"echo {{host}} {one.groups[0]}"

    words, own = commands(restart, [host("a"), host("b")])
    assert words == "restart(host)"
    assert own == {"a": "echo {host} web", "b": "echo {host} web"}
    assert asked == ["a", "b"]


def test_a_calls_mistakes_are_found_before_any_host_is_reached() -> None:
    wrong: Any = lambda one: None  # noqa: E731
    with pytest.raises(UsageError, match="the command for a: expected text, found None"):
        Fleet("a,b,").exec(wrong, hosts="all")
    with pytest.raises(UsageError, match="the command is empty"):
        Fleet("a,b,").exec(lambda one: " ", hosts="all")
    with pytest.raises(ZeroDivisionError):
        Fleet("a,b,").exec(lambda one: str(1 // 0), hosts="all")
