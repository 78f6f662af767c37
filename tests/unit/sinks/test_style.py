from __future__ import annotations

import pytest

from opsrun.events import Outcome
from opsrun.sinks.style import (
    OUTCOME_STYLE,
    describe,
    duration,
    host_style,
    paint,
    wants_color,
    wants_live,
)


@pytest.mark.parametrize(
    ("environ", "terminal", "expected"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm"}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, False, True),
        ({"CLICOLOR_FORCE": "0"}, False, False),
        ({"FORCE_COLOR": ""}, False, False),
        ({"CLICOLOR": "0"}, True, False),
    ],
)
def test_colour_is_wanted(environ: dict[str, str], terminal: bool, expected: bool) -> None:
    assert wants_color(environ, terminal) is expected


@pytest.mark.parametrize(
    ("term", "out", "err", "expected"),
    [
        ("xterm", True, True, True),
        ("xterm", False, True, False),
        ("xterm", True, False, False),
        ("dumb", True, True, False),
        ("", True, True, False),
    ],
)
def test_a_live_line_is_wanted(term: str, out: bool, err: bool, expected: bool) -> None:
    assert wants_live({"TERM": term}, out, err) is expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (90061, "25 h 01 min"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_every_outcome_has_a_style_and_no_host_is_red() -> None:
    assert set(OUTCOME_STYLE) == set(Outcome)
    styles = {host_style(f"web{index}") for index in range(200)}
    assert len(styles) > 5
    assert not styles & {"31", "91"}


def test_paint_adds_nothing_without_colour() -> None:
    assert (paint("x", "31", False), paint("x", "31", True)) == ("x", "\x1b[31mx\x1b[0m")


def test_values_within_values_are_no_python() -> None:
    words = describe({"tcp:22": {"seconds": 0.0012345, "attempts": 2}, "rtt": 0.5})
    assert words == "tcp:22=(seconds=0.001234 attempts=2) rtt=0.5"
