"""Options whose value is empty, and options that other tools have."""

from __future__ import annotations

import pytest
from support.cli import opsrun

from opsrun.cli.habits import HINTED, habit
from opsrun.cli.main import load

HOSTS = ("-i", "h1,", "-w", "h1")


@pytest.mark.parametrize(
    "option",
    [
        *("--inventory", "--hosts", "--group", "--exclude", "--exclude-group", "--limit"),
        *("--hostfile", "--user", "--password-file", "--private-key", "--ssh-config"),
        *("--ssh-option", "--jump", "--become-user", "--become-password-file", "--outdir"),
    ],
)
def test_an_empty_value_is_never_taken_for_none(option: str) -> None:
    ran = opsrun("exec", *HOSTS, option, "", "--list-hosts")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"opsrun: {option}: the value is empty\n"


@pytest.mark.parametrize("value", [" ", "\t"])
def test_blanks_are_empty_too(value: str) -> None:
    ran = opsrun("ping", *HOSTS, "--limit", value)
    assert ran.status == 2
    assert "--limit: the value is empty" in ran.err


@pytest.mark.parametrize(
    ("command", "option", "hint"),
    [
        ("exec", "-t", "--command-timeout"),
        ("exec", "-t5", "--command-timeout"),
        ("exec", "-H", "--hosts"),
        ("put", "-m", "opsrun exec -m"),
        ("ping", "-t", "--connect-timeout"),
        ("put", "-r", "directories are copied with all that is in them"),
        ("get", "-r", "directories are copied with all that is in them"),
        ("sync", "-a", "kept by sync"),
        ("sync", "-z", "nothing is compressed"),
        ("put", "-P", "--port"),
        ("sync", "-p", "kept by sync"),
        ("sync", "-c", "--checksum"),
        ("sync", "-e", "--jump"),
        ("get", "-n", "opsrun exec ls"),
        ("put", "-H", "--hosts"),
    ],
)
def test_another_tools_option_is_answered_with_ours(command: str, option: str, hint: str) -> None:
    ran = opsrun(command, *HOSTS, option)
    assert ran.status == 2
    assert f"No such option '{option[:2]}'" in ran.err
    assert hint in ran.err


def test_long_options_as_well() -> None:
    ran = opsrun("sync", *HOSTS, "a", "/b", "--archive")
    assert ran.status == 2
    assert "No such option '--archive'. Here, directories are copied with all" in ran.err


@pytest.mark.parametrize("command", ["exec", "sync", "inventory"])
def test_an_option_that_nobody_has_gets_no_hint(command: str) -> None:
    ran = opsrun(command, *HOSTS, "-Z")
    assert ran.status == 2
    assert "Here," not in ran.err


@pytest.mark.parametrize("command", HINTED)
def test_what_is_hinted_at_is_no_option_of_the_commands(command: str) -> None:
    """Else nobody would ever read it; but of a table's commands one at least lacks it."""
    sharing = [name for name in HINTED if HINTED[name] is HINTED[command]]
    for option in HINTED[command]:
        lacking = [
            name
            for name in sharing
            if not any(option in (*each.opts, *each.secondary_opts) for each in load(name).params)
        ]
        assert lacking, option
        assert habit(lacking[0], option).startswith(" Here, ")


@pytest.mark.parametrize("pattern", ["web[01-", "~(", "web[5-1]"])
def test_a_malformed_pattern_is_shown(pattern: str) -> None:
    ran = opsrun("exec", "-i", "h1,", "-w", pattern, "--list-hosts")
    assert ran.status == 2
    assert pattern in ran.err
