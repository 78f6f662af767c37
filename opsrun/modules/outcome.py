"""How a user's command ended, read from between its own output."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from opsrun.modules.wording import text_of
from opsrun.remote.command import CommandResult

_END = re.compile(rb"(?P<note>[ny]) (?P<rc>[0-9]+) (?P<at>.*)\n", re.DOTALL)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,9}))?")

_BY_SIGNAL = 128
"""What a shell adds to a signal's number."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What the script around a command said."""

    code: str
    """``end``, or why it did not run; empty where nothing is known."""
    words: str = ""
    rc: int = 0
    """Exit status; a signal's number, negative, where one ended it."""
    output: bytes = b""
    start: str | None = None
    end: str | None = None
    delta: str | None = None


def read_ending(answer: CommandResult, mark: str) -> Ending:
    """Read what a script of the command modules printed.

    Args:
        answer: of the script; its exit status stands in where the end of the output was cut off.
        mark: that its own lines begin with.
    """
    sign = mark.encode() + b" "
    if not answer.stdout.startswith(sign):
        return Ending("", text_of(answer.stderr))
    line, _, rest = answer.stdout[len(sign) :].partition(b"\n")
    code, _, words = text_of(line).partition(" ")
    if code != "start":
        return Ending(code, f"{words} {text_of(rest).strip()}".strip())
    output, found, behind = rest.rpartition(b"\n" + sign + b"end ")
    tail = _END.match(behind) if found else None
    if tail is None:
        if not answer.truncated or answer.rc is None:
            return Ending("")
        return Ending("end", rc=answer.rc, output=rest, **_times(words, ""))
    rc = int(tail["rc"])
    if tail["note"] == b"y" and rc > _BY_SIGNAL:
        rc = _BY_SIGNAL - rc
    return Ending("end", rc=rc, output=output, **_times(words, text_of(tail["at"])))


def _times(first: str, last: str) -> dict[str, Any]:
    start, end = read_time(first), read_time(last)
    known = start is not None and end is not None
    delta = end - start if start is not None and end is not None else None
    named = {"start": start and _shown(start), "end": end and _shown(end)}
    return {**named, "delta": str(delta) if known else None}


def read_time(text: str) -> datetime | None:
    """A time as the scripts around commands tell it; None where the host told none."""
    found = _TIME.match(text)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]}.{(found[2] or '0')[:6]:0<6}")
    except ValueError:
        return None


def _shown(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.%f")


def lines_of(stdout: str, stderr: str) -> dict[str, Any]:
    """Both streams as results have them."""
    return {
        "stdout": stdout,
        "stdout_lines": stdout.splitlines(),
        "stderr": stderr,
        "stderr_lines": stderr.splitlines(),
    }
