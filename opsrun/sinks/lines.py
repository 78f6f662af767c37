"""Cuts a stream of bytes into the lines that an operator reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from opsrun.views.sanitise import decode

LIMIT = 64 * 1024
"""Bytes of a line that are held back for its end; a longer one goes on in pieces."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or a piece of one, without its end."""

    data: bytes
    rewritten: bool = False
    """Text before this was overwritten by a carriage return, as progress bars do."""
    continues: bool = False
    """The piece before this one belongs to the same line."""

    def text(self) -> str:
        """Fit for a terminal; an ellipsis stands for what was overwritten."""
        return ("… " if self.rewritten else "") + decode(self.data)


class LineBuffer:
    """Gives whole lines from bytes that were cut anywhere; the same however they were cut.

    A line ends with LF or CR LF. A CR anywhere else starts the line anew, and only what was
    written last is kept, as on a terminal: a progress bar becomes its last state.
    """

    __slots__ = ("_continues", "_pending_cr", "_rewritten", "_text")

    def __init__(self) -> None:
        self._text = bytearray()
        self._pending_cr = self._rewritten = self._continues = False

    def holds_part(self) -> bool:
        """Whether what comes next belongs to a line that has begun."""
        return bool(self._text) or self._pending_cr or self._continues

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that ``data`` completes. Must be consumed whole."""
        *ended, rest = data.split(b"\n")
        for part in ended:
            yield from self._add(part)
            yield self._take()
        yield from self._add(rest)

    def end(self) -> Line | None:
        """What is left over, if anything: a last line without an end."""
        return self._take() if self._text else None

    def _add(self, part: bytes) -> Iterator[Line]:
        head, *rest = part.split(b"\r")
        yield from self._append(head)
        for segment in rest:
            self._pending_cr = True
            yield from self._append(segment)

    def _append(self, segment: bytes) -> Iterator[Line]:
        if not segment:
            return
        if self._pending_cr:
            self._rewritten |= bool(self._text)
            self._text.clear()
            self._pending_cr = False
        self._text += segment
        while len(self._text) > LIMIT:
            yield self._piece(_boundary(self._text))

    def _piece(self, end: int) -> Line:
        line = Line(bytes(self._text[:end]), self._rewritten, self._continues)
        del self._text[:end]
        self._rewritten, self._continues = False, True
        return line

    def _take(self) -> Line:
        line = self._piece(len(self._text))
        self._pending_cr = self._rewritten = self._continues = False
        return line


def _boundary(text: bytearray) -> int:
    """Where to cut near `LIMIT` without cutting a UTF-8 character (up to 4 bytes, RFC 3629)."""
    for end in range(LIMIT, LIMIT - 4, -1):
        if text[end] & 0xC0 != 0x80:
            return end
    return LIMIT


def lines_of(data: bytes) -> Iterator[Line]:
    """All lines of a whole output; the last one need not end with a newline."""
    buffer = LineBuffer()
    yield from buffer.feed(data)
    last = buffer.end()
    if last is not None:
        yield last
