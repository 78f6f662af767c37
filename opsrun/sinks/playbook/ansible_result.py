"""What Ansible's default callback prints of a result, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opsrun.events import TaskResult
from opsrun.views.sanitise import sanitise

CENSORED = (
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result"
)
_NEVER = ("failed", "skipped", "results", "warnings", "deprecations", "exception")
_AT_LEAST_3 = ("diff", "invocation")
_DEBUG = ("changed", "failed_when_result", "ansible_loop_var", "ansible_index_var", "ansible_loop")
_QUIET_FACTS = ("setup", "gather_facts")
_WORDY = ("debug", "assert")
DETAILED = 3
"""Verbosity from which on nothing is left out."""


def is_wordy(event: TaskResult, action: str) -> bool:
    """Whether the result is shown in several lines, however quiet the run is to be."""
    if action not in _WORDY or event.outcome == "skipped":
        return False
    if event.outcome.is_good:
        return not event.quiet
    return "evaluated_to" in event.result or "failed_when_result" in event.result


def shows(event: TaskResult, action: str, verbosity: int) -> bool:
    """Whether a good result is printed beside the host's name."""
    if is_wordy(event, action):
        return True
    least = DETAILED if action in _QUIET_FACTS else 1
    return verbosity >= least


def dump(event: TaskResult, action: str, verbosity: int) -> str:
    """The result as JSON: on one line, or indented for tasks that are there to say something."""
    wordy = is_wordy(event, action)
    values = _kept(event, action, verbosity, wordy)
    return sanitise(_json(values, 4 if wordy else None))


def on_a_line(values: Mapping[str, Any]) -> str:
    """As what set_stats left is shown: indented, and then without the ends of lines."""
    return sanitise(_json(values, 1).replace("\n", ""))


def _kept(event: TaskResult, action: str, verbosity: int, wordy: bool) -> dict[str, Any]:
    hidden = set(_NEVER)
    if verbosity < DETAILED:
        hidden |= {*_AT_LEAST_3}
    if action == "debug" and "skipped_reason" in event.result and not event.loop:
        hidden.add("changed")
    if wordy and action == "debug":
        hidden |= {*_DEBUG}
        loop_var = event.result.get("ansible_loop_var")
        hidden |= {str(loop_var), str(event.result.get("ansible_index_var"))} if loop_var else set()
    found = {
        str(name): value
        for name, value in event.result.items()
        if name not in hidden and not str(name).startswith("_ansible_")
    }
    if "censored" in found:
        found["censored"] = CENSORED
    return found


def _json(value: Mapping[str, Any], indent: int | None) -> str:
    try:
        return json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        # Keys of several types don't sort.
        return json.dumps(value, indent=indent, ensure_ascii=False, default=str, skipkeys=True)
