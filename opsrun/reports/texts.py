"""What hosts said, made harmless and short: no more of all together than a page bears."""

from __future__ import annotations

import json
from typing import Any

from opsrun.sinks.lines import lines_of
from opsrun.views.sanitise import is_plain, sanitise_line

MOST = 20_000
"""Characters of one text that are kept: its beginning and its end."""
BUDGET = 1_500_000
"""Characters of all texts together; what comes after that is kept in `LITTLE`."""
LITTLE = 300


class Texts:
    """Keeps texts, equal ones once, until there is enough of them."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._kept: dict[str, str] = {}
        self._left = budget

    def keep(self, said: object) -> str:
        """What is shown of an output or a value: bytes, text, or data that becomes JSON."""
        text = said if isinstance(said, str) else _text(said)
        if not text:
            return ""
        if isinstance(text, str) and len(text) <= MOST and "\r" not in text and is_plain(text):
            text = text.removesuffix("\n")
        else:
            text = harmless(text)
        known = self._kept.get(text)
        if known is None:
            known = shortened(text, MOST if self._left > 0 else LITTLE)
            self._left -= len(known)
            # What was shortened is found again by what it was.
            self._kept[text if len(text) <= MOST else known] = known
        return known


def harmless(said: str | bytes) -> str:
    """Lines as an operator reads them; a progress bar is its last state."""
    data = said if isinstance(said, bytes) else said.encode("utf-8", "surrogatepass")
    return "\n".join(line.text() for line in lines_of(data))


def one_line(text: str, most: int = 500) -> str:
    """Fit for a heading or a cell."""
    line = sanitise_line(text.encode("utf-8", "replace").decode())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def shortened(text: str, most: int) -> str:
    """A text in about so many characters; a line in its middle says how much is missing.

    >>> shortened("a" * 30 + "b" * 30, 10)
    'aaaa\\n… 50 characters left out …\\nbbbbbb'
    """
    if len(text) <= most:
        return text
    head, tail = text[: most * 2 // 5], text[-(most - most * 2 // 5) :]
    # At the ends of lines, where these are near.
    head = head[: head.rfind("\n")] if head.rfind("\n") > len(head) // 2 else head
    begin = tail.find("\n") + 1
    tail = tail[begin:] if 0 < begin < len(tail) // 2 else tail
    missing = text[len(head) : len(text) - len(tail)]
    lines = missing.count("\n") - 1
    what = f"{lines:,} lines" if lines > 1 else f"{len(missing):,} characters"
    return f"{head}\n… {what} left out …\n{tail}"


def _text(said: object) -> str | bytes:
    if isinstance(said, bytes):
        return said
    return "" if said is None else as_json(said)


def as_json(value: Any) -> str:
    """Data for people to read."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=str, sort_keys=True)
    except (TypeError, ValueError):
        return json.dumps(value, indent=2, ensure_ascii=False, default=str, skipkeys=True)
