"""A condition's text, cut into what is code and what stands between ``{{`` and ``}}``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsrun.errors import TemplateError


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a condition."""

    text: str
    is_value: bool = False
    """It stood between ``{{`` and ``}}``."""
    quoted: str = ""
    """The quote that a value stands within; empty for none."""


def single(source: str) -> str | None:
    """The expression, where ``source`` is ``{{ expression }}`` and nothing else."""
    body = source.strip()
    if not body.startswith("{{"):
        return None
    end = _value_end(body, 2)
    return _inside(body, 2, end) if end == len(body) else None


def split(source: str) -> Iterator[Part]:
    """The pieces of ``source``, in order. TemplateError where a ``{{`` is never closed."""
    start = at = 0
    quote = ""
    while at < len(source):
        if source.startswith("{{", at):
            end = _value_end(source, at + 2)
            yield Part(source[start:at])
            yield Part(_inside(source, at + 2, end), is_value=True, quoted=quote)
            start = at = end
            continue
        if quote and source[at] == "\\":
            at += 1
        elif source[at] == quote:
            quote = ""
        elif not quote and source[at] in "'\"":
            quote = source[at]
        at += 1
    yield Part(source[start:])


def _inside(source: str, start: int, end: int) -> str:
    """Without the signs that take blanks away: ``{{- x -}}``."""
    found = source[start : end - 2]
    found = found[1:] if found[:1] in ("-", "+") else found
    return (found[:-1] if found[-1:] in ("-", "+") else found).strip()


def _value_end(source: str, at: int) -> int:
    """Where the expression that begins at ``at`` has ended, ``}}`` included."""
    depth, quote = 0, ""
    while at < len(source):
        each = source[at]
        if quote:
            at += each == "\\"
            quote = "" if each == quote else quote
        elif each in "'\"":
            quote = each
        elif depth == 0 and source.startswith("}}", at):
            return at + 2
        else:
            depth += (each in "{[(") - (each in "}])")
        at += 1
    raise TemplateError("expected }} after {{, found the condition's end")
