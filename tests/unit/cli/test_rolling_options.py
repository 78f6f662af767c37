"""Options of reboots and canaries that contradict each other, or mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import opsrun

from opsrun import Fleet, UsageError


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--then-timeout", "5"], "--then-timeout is for --then-wait"),
        (["--then-wait", "sssh"], "did you mean 'ssh'"),
        (["--then-wait", "ssh", "--then-wait", "ssh"], "twice"),
        (["--health", "ssh"], "--health is for --canary"),
        (["--canary", "1", "--health-timeout", "5"], "--health-timeout is for --health"),
        (["--canary", "1", "--health", "tpc:1"], "did you mean 'tcp'"),
        (["--canary", "1", "--serial", "2"], "canary and serial both"),
        (["--canary", "0"], "a canary of no hosts"),
        (["--canary", "1,0%"], "a canary of no hosts"),
        (["--canary", ""], "empty"),
        (["--canary", "1,"], "--canary takes a number or a percentage, not ''"),
        (["--canary", "1,x"], "--canary takes a number or a percentage, not 'x'"),
        (["--canary", "101%"], "--canary can't be 101%"),
        (["--raw", "--then-wait", "cmd:true"], "no shell for the check"),
        (["--raw", "--canary", "1", "--health", "ssh"], "no shell for the check"),
    ],
)
def test_what_can_not_be_meant(words: list[str], said: str) -> None:
    ran = opsrun("exec", "-i", "h1,h2,", "-w", "all", *words, "--", "true")
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"then_timeout": 5}, "then_timeout is for then_wait"),
        ({"then_wait": 5}, "then_wait"),
        ({"then_wait": "ssh", "then_timeout": -1}, "timeout"),
        ({"health": "ssh"}, "health is for canary"),
        ({"canary": 1, "serial": 2}, "canary and serial both"),
        ({"canary": 0}, "a canary of no hosts"),
        ({"canary": (1, "x")}, "canary takes a number or a percentage, not 'x'"),
        ({"canary": ["1", "200%"]}, "canary can't be 200%"),
        ({"canary": True}, "canary"),
        ({"canary": 1.5}, "canary"),
        ({"canarry": 1}, "did you mean 'canary'"),
    ],
)
def test_from_python_as_well(options: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Fleet("h1,h2,", engine="threads").exec("true", hosts="all", **options)  # type: ignore[arg-type]


def test_defaults_of_the_operators_own_are_no_mistake(tmp_path: Path) -> None:
    """They are there for the commands that wait."""
    tmp_path.chmod(0o755)
    (tmp_path / "opsrun.toml").write_text(
        "[exec]\nthen-timeout = 600\nhealth = ['cmd:false']\nhealth-timeout = 5\n"
    )
    (tmp_path / "hosts").write_text("here ansible_connection=local\n")
    ran = opsrun("exec", "-i", "hosts", "-w", "all", "--", "echo ran", cwd=tmp_path)
    assert (ran.status, ran.out) == (0, "here | ran\n"), ran.err
