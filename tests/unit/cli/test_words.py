"""Which words of ``opsrun exec`` are opsrun's."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.cli.exec import exec_
from opsrun.cli.words import STILL_OURS, split_words
from opsrun.errors import UsageError

OPTIONS = {
    "-w": True,
    "--hosts": True,
    "-i": True,
    "--inventory": True,
    "-l": True,
    "--limit": True,
    "-o": True,
    "--output": True,
    "-f": True,
    "--forks": True,
    "-u": True,
    "--user": True,
    "-b": False,
    "--become": False,
    "-v": False,
    "--verbose": False,
    "-q": False,
    "--env": True,
    "--stdin": False,
    "-h": False,
    "--help": False,
    "--then-wait": True,
    "--then-timeout": True,
    "--canary": True,
    "--health": True,
}


def split(line: str) -> tuple[list[str], list[str]]:
    """Options and command of a line whose words hold no space."""
    words = split_words(line.split(), OPTIONS)
    return list(words.options), list(words.command)


@pytest.mark.parametrize(
    ("line", "options", "command"),
    [
        ("", "", ""),
        ("df", "", "df"),
        ("df -h", "", "df -h"),
        ("--hosts web df", "--hosts web", "df"),
        ("--hosts=web df", "--hosts=web", "df"),
        ("-w web df", "-w web", "df"),
        ("-wweb df", "-wweb", "df"),
        ("df -h --hosts web", "--hosts web", "df -h"),
        ("df --hosts=web -h", "--hosts=web", "df -h"),
        ("ls -l /tmp --hosts web", "--hosts web", "ls -l /tmp"),
        ("ls -l /tmp -w web", "", "ls -l /tmp -w web"),
        ("-f10 df", "-f10", "df"),
        ("-f 10 df", "-f 10", "df"),
        ("-vv df", "-vv", "df"),
        ("-vf 10 df", "-vf 10", "df"),
        ("-vf10 df", "-vf10", "df"),
        ("-fv df", "-fv", "df"),
        ("-qb df", "-qb", "df"),
        ("-f -1 df", "-f -1", "df"),
        ("--hosts -x df", "--hosts -x", "df"),
        ("--hosts --env df", "--hosts --env", "df"),
        ("-w web -- df -h", "-w web", "df -h"),
        ("-- df -h --hosts web", "", "df -h --hosts web"),
        ("-- --hosts", "", "--hosts"),
        ("--", "", ""),
        ("git checkout -- file --hosts web", "", "git checkout -- file --hosts web"),
        ("git --hosts web checkout -- x --user y", "--hosts web", "git checkout -- x --user y"),
        ("df --become", "--become", "df"),
        ("df --become --user u --output=fold", "--become --user u --output=fold", "df"),
        ("df --unknown --also=x", "", "df --unknown --also=x"),
        ("df --hostsx web --host web", "", "df --hostsx web --host web"),
        ("- x --hosts web", "--hosts web", "- x"),
        ("FOO=bar env --hosts web", "--hosts web", "FOO=bar env"),
        ("-v --env A=b -q sh -c x --forks 3 y", "-v --env A=b -q --forks 3", "sh -c x y"),
        ("reboot --then-wait ssh --then-timeout=9", "--then-wait ssh --then-timeout=9", "reboot"),
        ("x --canary 1,10% --health tcp:1 y", "--canary 1,10% --health tcp:1", "x y"),
        ("x -- --then-wait ssh", "", "x -- --then-wait ssh"),
        ("--unknown df", "--unknown", "df"),
        ("-Z df", "-Z", "df"),
    ],
)
def test_split(line: str, options: str, command: str) -> None:
    assert split(line) == (options.split(), command.split())


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("df --env A=b", "--env"),
        ("df --env=A=b", "--env"),
        ("df -h --stdin", "--stdin"),
        ("df --verbose", "--verbose"),
        ("--hosts web ls --help", "--help"),
    ],
)
def test_another_long_option_of_ours_behind_the_first_word_is_an_error(
    line: str, name: str
) -> None:
    with pytest.raises(UsageError) as caught:
        split(line)
    message = str(caught.value)
    assert message.startswith(f"{name} after the command's first word")
    assert f"`opsrun exec {name} ... -- " in message


@pytest.mark.parametrize(
    "line", ["--hosts", "-w", "-vf", "df --hosts", "df --forks", "--hosts -- df", "df --user -- x"]
)
def test_an_option_without_its_value_is_an_error(line: str) -> None:
    with pytest.raises(UsageError, match="needs a value"):
        split(line)


plain = st.sampled_from(["df", "/tmp", "web", "a b", "x=y", "'", "$(id)", "", "é", "*"])
option_words = st.sampled_from(
    [*OPTIONS, "--hosts=web", "--env=A=b", "-f10", "-vv", "--unknown", "-h", "-Z", "--", "-"]
)
lines = st.lists(plain | option_words | st.text(max_size=4), max_size=12)


@given(lines)
def test_every_word_lands_once_on_one_side_in_its_order(args: list[str]) -> None:
    try:
        words = split_words(args, OPTIONS)
    except UsageError:
        return
    left, right = list(words.options), list(words.command)
    rest = list(args)
    if "--" in rest and len(left) + len(right) == len(rest) - 1:
        # The one that ended our options: it belongs to neither side.
        rest.remove("--")
    assert len(left) + len(right) == len(rest)
    assert _interleaved(left, right, rest)


def _interleaved(left: list[str], right: list[str], whole: list[str]) -> bool:
    reached = {(0, 0)}
    for word in whole:
        following = set()
        for i, j in reached:
            if i < len(left) and left[i] == word:
                following.add((i + 1, j))
            if j < len(right) and right[j] == word:
                following.add((i, j + 1))
        reached = following
    return (len(left), len(right)) in reached


@given(lines)
def test_nothing_behind_the_dashes_is_ours(args: list[str]) -> None:
    assert split_words(["--", *args], OPTIONS).command == tuple(args)
    assert split_words(["-w", "web", "--", *args], OPTIONS).command == tuple(args)


@given(st.lists(plain.filter(bool), min_size=1), lines.filter(lambda args: "--" not in args))
def test_ours_behind_the_first_word_are_of_the_short_list(
    first: list[str], args: list[str]
) -> None:
    try:
        words = split_words([*first, *args], OPTIONS)
    except UsageError:
        return
    position = 0
    while position < len(words.options):
        name, equals, _ = words.options[position].partition("=")
        assert name in STILL_OURS
        position += 2 if OPTIONS[name] and not equals else 1


def test_the_short_list_holds_options_of_the_command() -> None:
    names = {
        name
        for parameter in exec_.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
    assert names >= STILL_OURS
