"""Secrets, taken out of what is about to be kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any

from opsrun.secret import MASK


class Redactor:
    """Replaces what is known to be secret by ``********``.

    It works on text that is JSON in ASCII, and on bytes; a secret is looked for as it stands
    there, also where one JSON text holds another. A secret of several lines is looked for line by
    line, too.

    Args:
        known: gives the secrets that are known by now; asked before each use, and more may come.
    """

    def __init__(self, known: Callable[[], Collection[str]]) -> None:
        self._known = known
        self._count = 0
        self._in_text: list[str] = []
        self._in_bytes: list[bytes] = []

    def text(self, ascii_json: str) -> str:
        """JSON in ASCII, without secrets."""
        self._learn()
        for each in self._in_text:
            if each in ascii_json:
                ascii_json = ascii_json.replace(each, MASK)
        return ascii_json

    def bytes(self, data: bytes) -> bytes:
        """Output, without secrets."""
        self._learn()
        for each in self._in_bytes:
            if each in data:
                data = data.replace(each, MASK.encode())
        return data

    def words(self, text: str) -> str:
        """A text as it is, without secrets, and with ``\\udcXX`` for what is no UTF-8."""
        if text.isascii() and not self._known():
            return text
        found: Any = json.loads(self.text(json.dumps(text)))
        return str(found).encode("utf-8", "backslashreplace").decode()

    def _learn(self) -> None:
        known = self._known()
        if len(known) == self._count:
            return
        self._count = len(known)
        # The longest first: one secret may be part of another.
        parts = sorted({part for each in tuple(known) for part in _parts(each)}, key=len)[::-1]
        self._in_bytes = [part.encode("utf-8", "surrogateescape") for part in parts]
        once = [json.dumps(part)[1:-1] for part in parts]
        twice = [json.dumps(part)[1:-1] for part in once]
        plain = [json.dumps(part, ensure_ascii=False)[1:-1] for part in parts]
        nested = [json.dumps(part)[1:-1] for part in plain]
        self._in_text = list(dict.fromkeys((*once, *twice, *nested)))


_SHORTEST_LINE = 8
"""A shorter line of a secret is no secret by itself: ``}``, ``-----``."""


def _parts(secret: str) -> list[str]:
    lines = secret.splitlines()
    more = [line for line in lines if len(line) >= _SHORTEST_LINE] if len(lines) > 1 else []
    return [secret, *more]
