"""What results say, in the parts that a report shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsrun.events import Outcome, Result, TaskResult
from opsrun.reports.model import Said, Status
from opsrun.reports.texts import Texts, one_line
from opsrun.sinks.style import describe
from opsrun.sinks.transfers import body, is_transfer

_OF_ITSELF = frozenset(
    (
        *("changed", "failed", "skipped", "unreachable", "failed_when_result", "item", "attempts"),
        *("diff", "results", "invocation", "warnings", "deprecations", "exception", "censored"),
        *("msg", "reason", "rc", "stdout", "stderr", "stdout_lines", "stderr_lines"),
        *("module_stdout", "module_stderr", "cmd", "start", "end", "delta", "ansible_facts"),
        *("ansible_loop_var", "ansible_index_var", "ansible_loop"),
        *("skip_reason", "skipped_reason", "false_condition"),
    )
)
"""What results of many modules have, and says nothing that isn't told otherwise."""


def status_of(event: TaskResult | Result) -> Status:
    """How it ended."""
    if isinstance(event, TaskResult) and not event.outcome.is_good:
        if event.ignored:
            return Status.IGNORED
        if event.rescued:
            return Status.RESCUED
    return Status(str(event.outcome))


def of_task(event: TaskResult, action: str, texts: Texts) -> Said:
    """What a task's end on a host says; nothing for a loop, whose items have said it."""
    result = event.result
    if event.loop and "results" in result:
        return Said()
    if "censored" in result:
        return Said(why=texts.keep(result["censored"]))
    why = texts.keep(_why(event, action))
    return Said(
        why=why,
        how=_how(result.get("rc"), None) if not event.outcome.is_good else "",
        stdout=texts.keep(result.get("stdout") or result.get("module_stdout")),
        stderr=texts.keep(result.get("stderr") or result.get("module_stderr")),
        more=texts.keep(_more(event, action)),
    )


def _why(event: TaskResult, action: str) -> object:
    result = event.result
    if event.outcome is Outcome.SKIPPED:
        return None
    if event.included:
        return f"included {event.included}"
    words = result.get("msg") or result.get("reason")
    # A message of one who did well is for people only where somebody asked for it.
    is_told = not event.outcome.is_good or action in ("debug", "assert", "fail", "pause")
    warnings = result.get("warnings")
    lines = [f"warning: {each}" for each in warnings] if isinstance(warnings, list) else []
    if not is_told or words in (None, ""):
        return "\n".join(lines)
    return words if not lines else "\n".join([str(words), *lines])


def _more(event: TaskResult, action: str) -> object:
    """Values of debug's ``var``, and what a module that failed has to tell besides."""
    if action != "debug" and event.outcome is not Outcome.FAILED:
        return None
    own = {str(name): value for name, value in event.result.items() if name not in _OF_ITSELF}
    own.pop(str(event.result.get("ansible_loop_var")), None)
    shown = {name: value for name, value in own.items() if not name.startswith("_ansible_")}
    return shown or None


def why_skipped(event: TaskResult, texts: Texts) -> str:
    """The condition that did not hold, or the reason."""
    result: Mapping[str, Any] = event.result
    condition = result.get("false_condition")
    words = condition if condition is not None else result.get("skip_reason", "")
    return texts.keep(one_line(str(words or "")))


def of_result(event: Result, texts: Texts) -> Said:
    """What the work on a host says, of a run that is no playbook's."""
    error = event.error
    stdout: object = event.stdout
    more = ""
    if is_transfer(event) and not event.stdout:
        stdout = body(event, 0)
    elif event.data:
        more = texts.keep(describe(event.data))
    if event.truncated:
        more = f"{more}\nsome output is missing".strip()
    return Said(
        why=texts.keep(f"{error.phase}: {error.message}") if error else "",
        how=_how(event.rc, event.signal) if not event.ok else "",
        hint=texts.keep(error.hint) if error else "",
        stdout=texts.keep(stdout),
        stderr=texts.keep(event.stderr),
        more=more,
    )


def _how(rc: object, signal: str | None) -> str:
    if signal:
        return one_line(f"killed by SIG{signal}")
    return one_line(f"exit status {rc}") if rc not in (None, 0) else ""
