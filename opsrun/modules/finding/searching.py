"""Whether a text that comes in pieces is matched by an expression: as a whole, or line by line."""

from __future__ import annotations

import codecs
import io
import re
from dataclasses import dataclass

from opsrun.modules.base import ModuleError

PIECE = 8 * 1024
"""Bytes that are decoded at once. A line in front of what is no text is matched, if it came in an
earlier piece, as in programs that read a file so."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What a text is to be matched by.

    Args:
        expression: what a line has to begin with; or what is searched for in all of the text.
        whole: which of them.
        encoding: of the text; one that `encoded` has let pass.
        limit: characters of a line, or of all of the text, that are kept in memory.
    """

    expression: re.Pattern[str]
    whole: bool = False
    encoding: str = "utf-8"
    limit: int = 64 * 1024 * 1024


def encoded(name: str) -> str:
    """An encoding of text. ModuleError: there is none of this name."""
    try:
        "".encode(name)
        codecs.getincrementaldecoder(name)
    except (LookupError, ValueError) as error:
        raise ModuleError(f"encoding: {error}") from error
    return name


class Search:
    """One text."""

    def __init__(self, wording: Wording) -> None:
        self._wording = wording
        decoder = codecs.getincrementaldecoder(wording.encoding)()
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._parts: list[str] = []
        self._kept = 0
        self._found = False
        self._why: str | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes, however many."""
        for at in range(0, len(data), PIECE):
            if self._found or self._why is not None:
                return
            self._take(data[at : at + PIECE])

    def ended(self) -> bool:
        """Whether it matches. ModuleError: that can't be told."""
        if not self._found and self._why is None:
            self._take(b"", final=True)
        if not self._found and self._why is None:
            self._last("".join(self._parts))
        self._parts = []
        if self._why is not None:
            raise ModuleError(self._why)
        return self._found

    def _take(self, data: bytes, *, final: bool = False) -> None:
        try:
            text = self._decoder.decode(data, final)
        except UnicodeError as error:
            self._why = f"its content is no text: {error}"
            return
        if not self._wording.whole and "\n" in text:
            *lines, rest = text.split("\n")
            lines[0] = "".join([*self._parts, lines[0]])
            self._parts, self._kept, text = [], 0, rest
            match = self._wording.expression.match
            self._found = any(match(f"{line}\n") for line in lines)
        self._keep(text)

    def _keep(self, text: str) -> None:
        if text:
            self._parts.append(text)
            self._kept += len(text)
        if self._kept > self._wording.limit:
            self._parts = []
            what = "" if self._wording.whole else "a line of "
            most = self._wording.limit >> 20
            self._why = f"{what}more than {most} Mi characters are not looked into"

    def _last(self, text: str) -> None:
        if self._wording.whole:
            self._found = self._wording.expression.search(text) is not None
        elif text:
            self._found = self._wording.expression.match(text) is not None
