"""Makes what hosts say harmless to a terminal, and visible.

A terminal obeys what it is sent: ECMA-48 escapes move the cursor and erase lines, OSC sets titles
and the clipboard, bidirectional controls (UAX #9) and characters without width make text read
otherwise than it is. None of that may come from a host. Every such character is replaced by a
visible stand-in: ``^[`` for the C0 controls, as ``cat -v`` writes them, and ``\\x9b`` or
``\\u202e`` for the rest. Colours are no exception: nothing that a host sends is obeyed.
"""

from __future__ import annotations

import re
from functools import cache

_FORBIDDEN = re.compile(
    "(["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and newline, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # no glyph of their own
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero width, separators, bidirectional
    "\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"  # fillers, surrogates, BOM, specials
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # formats and tags
    "])\\1*"
)
"""What never reaches a terminal, in runs of one character.

Variation selectors (U+FE00 to FE0F) stay: they choose between two glyphs of one character. ZERO
WIDTH JOINER does not: two names that look alike and differ are worse than an emoji in two parts.
"""


_LINES = {ord("\n"): " ", ord("\t"): " "}


def sanitise(text: str) -> str:
    """``text`` with every character that a terminal might obey made visible.

    Newline and tab pass; plain text comes back unchanged.

    >>> sanitise("\\x1b[2J")
    '^[[2J'
    """
    return text if is_plain(text) else _FORBIDDEN.sub(_visible, text)


def sanitise_line(text: str) -> str:
    """As `sanitise`, for text that has to stay on one line: newlines become visible too."""
    return sanitise(text.replace("\n", "\\n"))


def is_plain(text: str) -> bool:
    """True if `sanitise` would change nothing."""
    if text.isascii():
        return text.translate(_LINES).isprintable()
    return _FORBIDDEN.search(text) is None


def decode(data: bytes) -> str:
    """UTF-8 as text, with ``\\xff`` for each byte that is none, and sanitised."""
    return sanitise(data.decode("utf-8", "backslashreplace"))


def _visible(match: re.Match[str]) -> str:
    # Runs at once: a disk image on standard output is mostly NUL.
    return _stand_in(match[1]) * len(match[0])


@cache
def _stand_in(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return "^" + chr(code + 0x40)
    if code == 0x7F:
        return "^?"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
