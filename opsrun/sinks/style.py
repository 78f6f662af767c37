"""Colours, durations and the few words that all text outputs share."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from opsrun.events import Outcome
from opsrun.views.sanitise import sanitise_line

RESET = "\x1b[0m"
BOLD, DIM, RED, GREEN, YELLOW, MAGENTA, CYAN = "1", "2", "31", "32", "33", "35", "36"

OUTCOME_STYLE: Mapping[Outcome, str] = {
    Outcome.OK: GREEN,
    Outcome.CHANGED: YELLOW,
    Outcome.SKIPPED: CYAN,
    Outcome.FAILED: RED,
    Outcome.UNREACHABLE: MAGENTA,
    Outcome.LOST: MAGENTA,
    Outcome.CANCELLED: CYAN,
}
"""SGR parameters (ECMA-48) for each outcome."""

_HOST_STYLES = ("36", "32", "33", "34", "35", "96", "92", "93", "94", "95")
"""No red: that is for what went wrong."""


def paint(text: str, style: str, color: bool) -> str:
    """``text`` in a style given as SGR parameters, or as it is without ``color``."""
    return f"\x1b[{style}m{text}{RESET}" if color and style else text


def host_style(host: str) -> str:
    """The host's own colour, the same in every run."""
    return _HOST_STYLES[zlib.crc32(host.encode("utf-8", "replace")) % len(_HOST_STYLES)]


def outcome_word(outcome: Outcome, color: bool) -> str:
    """The outcome's name in its colour."""
    return paint(str(outcome), OUTCOME_STYLE[outcome], color)


def duration(seconds: float) -> str:
    """Seconds as an operator says them.

    >>> duration(2.34), duration(83), duration(3720)
    ('2.3 s', '1 min 23 s', '1 h 02 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def describe(data: Mapping[str, Any]) -> str:
    """Further values of a result in one line: ``rtt=0.0012 ssh=(attempts=3 seconds=1.3)``."""
    return sanitise_line(" ".join(f"{name}={_value(value)}" for name, value in data.items()))


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + " ".join(f"{name}={_value(inner)}" for name, inner in value.items()) + ")"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def wants_color(environ: Mapping[str, str], terminal: bool) -> bool:
    """Whether a stream is to be coloured.

    ``NO_COLOR`` (no-color.org) wins over ``FORCE_COLOR`` and ``CLICOLOR_FORCE``, these over
    ``TERM=dumb`` and ``CLICOLOR=0``, and those over the stream's being a terminal.
    """
    if environ.get("NO_COLOR"):
        return False
    if any(environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return terminal and environ.get("TERM", "") != "dumb" and environ.get("CLICOLOR") != "0"


def wants_live(environ: Mapping[str, str], out_terminal: bool, err_terminal: bool) -> bool:
    """Whether a live status line can be drawn: both streams lead to a terminal that can erase."""
    return out_terminal and err_terminal and environ.get("TERM", "dumb") not in ("", "dumb")
