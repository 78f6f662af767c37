"""Runs in a few words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from opsrun.journal.listing import Ending, ListedRun
from opsrun.results import Outcome
from opsrun.sinks.style import CYAN, GREEN, MAGENTA, RED, YELLOW

ENDING_STYLE: Mapping[Ending, str] = {
    "ok": GREEN,
    "failed": RED,
    "interrupted": YELLOW,
    "running": CYAN,
    "cut off": MAGENTA,
}
"""SGR parameters (ECMA-48)."""


def outcomes(run: ListedRun) -> str:
    """On how many hosts it was done, and what did not end well: ``20``, ``20: 2 failed``."""
    hosts = run.first_host if run.host_count == 1 else str(run.host_count)
    bad = [f"{run.counts[o]} {o}" for o in Outcome if not o.is_good and run.counts.get(o)]
    if run.host_count == 1:
        # Whether it failed is said, and there is nobody else.
        bad = [words.partition(" ")[2] for words in bad if not words.endswith(" failed")]
    return f"{hosts}: {', '.join(bad)}" if bad else hosts


def what(action: str, command: str, argv: Sequence[str]) -> str:
    """What was done, as the operator would recognise it."""
    if action in ("exec", "facts") and argv and command.startswith("-"):
        return shlex.join(argv)
    return command if command.split(" ")[0] == action else f"{action} {command}"
