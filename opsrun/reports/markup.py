"""HTML in small pieces. What is text is escaped here, and nowhere is text put into a page else."""

from __future__ import annotations

from html import escape

from opsrun.reports.model import Group, Said, Status
from opsrun.reports.words import names

_LONG = 160
"""Characters of names that are shown unasked."""
_ALL_NAMES = 12_000
_OPEN_LINES = 14
"""Lines of an output that are shown unasked."""


def text(words: str) -> str:
    """Text as HTML, fit for an attribute in double quotes as well."""
    return escape(words, quote=True)


def badge(status: Status, more: str = "") -> str:
    """A status, as a word on its colour."""
    return f'<span class="st {status.slug}">{status.value}{more}</span>'


def hosts(found: tuple[str, ...]) -> str:
    """Names of hosts, folded; of many the number, and the names if somebody wants them."""
    words = names(found)
    if len(words) <= _LONG:
        return f'<span class="hosts">{text(words)}</span>'
    if len(words) > _ALL_NAMES:
        words = f"{words[:_ALL_NAMES]}… and so on"
    return f'<details class="names"><summary>{len(found):,} hosts</summary>{text(words)}</details>'


def said(found: Said, *, folded: bool) -> str:
    """What was said, streams apart.

    Args:
        found: what there is.
        folded: long outputs are shown if somebody wants them.
    """
    parts = []
    if found.why:
        parts.append(f'<p class="why">{text(found.why)}</p>')
    if found.hint:
        parts.append(f'<p class="why at">→ {text(found.hint)}</p>')
    parts.append(_stream(found.stderr, "stderr", folded, ' class="err"'))
    parts.append(_stream(found.stdout, "stdout" if found.stderr else "", folded))
    parts.append(_stream(found.more, "", folded))
    return "".join(parts)


def _stream(output: str, name: str, folded: bool, attribute: str = "") -> str:
    if not output:
        return ""
    lines = output.count("\n") + 1
    pre = f'<pre{attribute} tabindex="0">{text(output)}</pre>'
    if folded and (lines > _OPEN_LINES or len(output) > 3000):
        words = f"{name or 'output'}, {lines:,} lines" if lines > 1 else name or "output"
        return f'<details class="more"><summary>{words}</summary>{pre}</details>'
    head = f'<p class="stream">{name}</p>' if name else ""
    return f'<div class="out">{head}{pre}</div>'


def item(group: Group) -> str:
    """The item of a loop, if it is one."""
    return "" if group.item is None else f"<code>item={text(group.item)}</code>"


def alike(group: Group) -> str:
    """A word on stand-ins."""
    if not group.alike:
        return ""
    return '<span class="at">&lt;host&gt; stands for each one’s own name</span>'
