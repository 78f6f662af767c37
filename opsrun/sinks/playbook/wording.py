"""What results say, in lines for people: messages, ends of outputs, reasons. All of it harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.events import Outcome, TaskResult, TaskStarted
from opsrun.sinks.cells import cut
from opsrun.sinks.style import CYAN, DIM, GREEN, RED, outcome_word, paint
from opsrun.views.sanitise import sanitise, sanitise_line

IMPLICIT = "<implicit>"
"""Where what opsrun adds itself was written."""
TAIL_LINES = 8
_COLUMNS = 500
_WHOLE = 1000
"""Lines that are shown of what a task is there to say."""
_DIFF_STYLE = {"+": GREEN, "-": RED, "@": CYAN}
_MARKS = {"!": "stderr", "|": "stdout"}
_MARKS_OF_RESULT = (
    *("changed", "failed", "skipped", "failed_when_result", "ansible_loop_var"),
    *("ansible_index_var", "ansible_loop", "skip_reason", "skipped_reason", "false_condition"),
)


def title(task: TaskStarted, name: str) -> str:
    """The task's name with its role's before it."""
    words = name or task.action
    return sanitise_line(f"{task.role} : {words}" if task.role else words)


def failure_lines(event: TaskResult, origin: str, color: bool) -> Iterator[str]:
    """A failure: who, why, where, and the last lines of what was written there."""
    result = event.result
    said = _text(result.get("censored") or result.get("msg") or result.get("reason") or "")
    first, *more = said.rstrip().splitlines() or [""]
    who = sanitise_line(event.host)
    if event.delegate:
        who += f" -> {sanitise_line(event.delegate)}"
    if event.item is not None:
        who += f" (item={cut(sanitise_line(event.item), _COLUMNS)})"
    words = [
        f"{outcome_word(event.outcome, color)} {who}" + (f": {cut(first, 300)}" if first else "")
    ]
    if result.get("rc") not in (None, 0):
        words.append(f"rc={sanitise_line(str(result['rc']))}")
    if event.ignored:
        words.append(paint("ignored", CYAN, color))
    if event.rescued:
        words.append(paint("rescue follows", CYAN, color))
    yield "  " + " · ".join(words)
    yield from (f"    {cut(line, _COLUMNS)}" for line in more[:TAIL_LINES])
    for mark, name in _MARKS.items():
        styled = paint(mark, RED if mark == "!" else DIM, color)
        yield from (f"    {styled} {line}" for line in _tail(result, name))
    if origin and not origin.startswith(IMPLICIT):
        yield paint(f"    at {sanitise_line(origin)}", DIM, color)


def _tail(result: Mapping[str, Any], name: str) -> list[str]:
    text = result.get(name) or result.get(f"module_{name}")
    lines = [line for line in _text(text or "").splitlines() if line.strip()]
    return [cut(line, _COLUMNS) for line in lines[-TAIL_LINES:]]


def said(event: TaskResult, action: str, verbosity: int) -> str:
    """What a task that ended well has to say; empty for nothing.

    ``debug`` always speaks, commands at ``-v``; at ``-vv`` all of the result is shown.
    """
    if event.outcome is Outcome.SKIPPED:
        return _why_skipped(event) if verbosity >= 1 else ""
    if action == "debug":
        return _clipped(_message(event))
    if verbosity >= 2:
        return _clipped(_json(_own(event)))
    return _clipped(_outputs(event.result)) if verbosity >= 1 else ""


def _why_skipped(event: TaskResult) -> str:
    condition = event.result.get("false_condition")
    reason = event.result.get("skip_reason") or event.result.get("skipped_reason") or ""
    words = f"{condition}" if condition is not None else str(reason)
    return sanitise_line(words)


def _message(event: TaskResult) -> str:
    shown = _own(event)
    if set(shown) == {"msg"}:
        return _text(shown["msg"])
    return "\n".join(f"{sanitise_line(name)}: {_text(value)}" for name, value in shown.items())


def _own(event: TaskResult) -> dict[str, Any]:
    hidden = {*_MARKS_OF_RESULT, "results", "diff", "invocation"}
    hidden.add(str(event.result.get("ansible_loop_var")))
    return {str(name): value for name, value in event.result.items() if name not in hidden}


def _outputs(result: Mapping[str, Any]) -> str:
    lines = [f"| {line}" for line in _text(result.get("stdout") or "").splitlines()]
    lines += [f"! {line}" for line in _text(result.get("stderr") or "").splitlines()]
    if not lines and isinstance(result.get("msg"), str) and result["msg"]:
        lines = _text(result["msg"]).splitlines()
    return "\n".join(lines)


def _clipped(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= _WHOLE:
        return text
    return "\n".join([*lines[:_WHOLE], f"… and {len(lines) - _WHOLE} more lines"])


def _text(value: Any) -> str:
    return sanitise(value if isinstance(value, str) else _json(value))


def _json(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str, sort_keys=True)
    except (TypeError, ValueError):
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str, skipkeys=True)
    return sanitise(text)


def styled_diff(line: str, color: bool) -> str:
    """A line of a unified diff in its colour."""
    return paint(line, _DIFF_STYLE.get(line[:1], ""), color)
