"""What a program of somebody's prints, as a result: one JSON object, and whatever is around it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opsrun.modules.base import ModuleError, ModuleResult
from opsrun.modules.coercion import BadValue, a_bool
from opsrun.modules.wording import text_of
from opsrun.remote.command import CommandResult

FLAGS = ("changed", "failed", "skipped")
_MOST_WORDS = 2000
_NOT_KEPT = frozenset({"invocation"})


def read_answer(answer: CommandResult, name: str) -> ModuleResult:
    """The result that a program printed.

    Lines before the object, and behind it, are not part of it: many programs say something first.

    Args:
        answer: of the program.
        name: of the module, for messages.

    Raises:
        ModuleError: there is no object, it was cut off, or its flags are none.
    """
    if answer.truncated:
        raise ModuleError(f"{name} printed more than is kept of it: its result can't be read")
    text = text_of(answer.stdout)
    found, behind = _object(text)
    if found is None:
        raise _without_result(answer, name, text)
    flags = {key: _flag(found[key], key, name) for key in FLAGS if key in found}
    if answer.rc != 0:
        flags.setdefault("failed", True)
    data = {key: value for key, value in found.items() if key not in _NOT_KEPT}
    if behind.strip():
        data["warnings"] = [
            *_listed(data.get("warnings")),
            f"{name} printed more behind its result: {behind.strip()[:200]}",
        ]
    return ModuleResult.from_dict({**data, **flags})


def _object(text: str) -> tuple[dict[str, Any] | None, str]:
    """The first line that begins an object, read; and what follows it."""
    decoder = json.JSONDecoder()
    at = 0
    for line in text.splitlines(keepends=True):
        start = at + len(line) - len(line.lstrip())
        at += len(line)
        if not line.lstrip().startswith("{"):
            continue
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found, text[end:]
    return None, ""


def _without_result(answer: CommandResult, name: str, text: str) -> ModuleError:
    words = text_of(answer.stderr).strip() or text.strip()
    how = f"exit status {answer.rc}" if answer.signal is None else f"SIG{answer.signal}"
    said = f": {words[-_MOST_WORDS:]}" if words else ""
    return ModuleError(
        f"{name} printed no result, which is a JSON object ({how}){said}",
        rc=answer.rc,
        module_stdout=text[:_MOST_WORDS],
        module_stderr=text_of(answer.stderr)[:_MOST_WORDS],
    )


def _flag(value: Any, key: str, name: str) -> bool:
    try:
        return a_bool(value)
    except BadValue as bad:
        raise ModuleError(f"{name}: {key!r} in its result: {bad}") from bad


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def plain(value: Any) -> Any:
    """``value`` as JSON has it: arguments may hold texts of kinds of their own."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value + 0
    return str(value)
