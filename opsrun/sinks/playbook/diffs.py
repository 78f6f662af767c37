"""What a task changes, as a unified diff: from the ``diff`` that its result has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opsrun.sinks.difference import MAX_LINES

_SKIPPED = (
    ("dst_binary", "destination file appears to be binary"),
    ("src_binary", "source file appears to be binary"),
)
_TOO_LARGE = (
    ("dst_larger", "destination file size is greater than"),
    ("src_larger", "source file size is greater than"),
)
_NO_NEWLINE = "\\ No newline at end of file"


def entries(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of a result's ``diff``: one, several, or none."""
    found = result.get("diff")
    several = found if isinstance(found, list | tuple) else [found]
    return [each for each in several if isinstance(each, Mapping) and each]


def diff_lines(entry: Mapping[str, Any]) -> Iterator[str]:
    """One part as lines without their ends; nothing where both sides are equal.

    A line may hold a line break before ``\\ No newline at end of file`` (GNU diff's words).

    Args:
        entry: ``before`` and ``after`` (text, or values that are shown as JSON), their headers, or
            ``prepared``, or a reason why there is no diff.
    """
    for name, words in _SKIPPED:
        if entry.get(name):
            yield f"diff skipped: {words}"
    for name, words in _TOO_LARGE:
        if entry.get(name):
            yield f"diff skipped: {words} {entry[name]}"
    if "before" in entry and "after" in entry:
        yield from _unified(entry)
    if entry.get("prepared"):
        yield from str(entry["prepared"]).splitlines()


def _unified(entry: Mapping[str, Any]) -> Iterator[str]:
    before, after = _lines(entry["before"]), _lines(entry["after"])
    old, new = (_header(entry, side) for side in ("before", "after"))
    if max(len(before), len(after)) > MAX_LINES:
        if before != after:
            yield f"diff skipped: {old} and {new} have more than {MAX_LINES} lines"
        return
    from difflib import unified_diff

    for number, line in enumerate(unified_diff(before, after, old, new)):
        if number < 2:
            # difflib writes a tab for a date that isn't there.
            yield line.rstrip("\n").rstrip("\t") if line.endswith("\n") else line
        elif line.endswith("\n"):
            yield line[:-1]
        else:
            yield f"{line}\n{_NO_NEWLINE}"


def _header(entry: Mapping[str, Any], side: str) -> str:
    name = entry.get(f"{side}_header")
    return f"{side}: {name}" if name else side


def _lines(value: Any) -> Sequence[str]:
    if isinstance(value, Mapping):
        value = json.dumps(value, indent=4, sort_keys=True, ensure_ascii=False, default=str) + "\n"
    text = "" if value is None else str(value)
    return [part for part in text.replace("\r\n", "\n").splitlines(keepends=True) if part]
