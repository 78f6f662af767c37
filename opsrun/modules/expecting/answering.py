"""Finds prompts in what a program prints, and the answer to each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from opsrun.modules.base import ModuleError
from opsrun.modules.coercion import a_string

WINDOW = 64 * 1024
"""Bytes that a prompt is looked for in: of what came since the last one, the end."""


@dataclass(slots=True)
class Prompt:
    """What to wait for, and what is left to answer."""

    text: str
    pattern: re.Pattern[bytes]
    answers: Iterator[bytes]


def prompts_of(responses: Mapping[Any, Any]) -> list[Prompt]:
    """Prompts in the order in which they are written.

    Args:
        responses: by regular expression one answer for each time, or a list of one for each.

    Raises:
        ModuleError: one is no regular expression, or its answer no text.
    """
    return [_prompt(a_string(text), answer) for text, answer in responses.items()]


def _prompt(text: str, answer: Any) -> Prompt:
    try:
        pattern = re.compile(text.encode("utf-8", "surrogateescape"), re.DOTALL)
    except re.error as error:
        raise ModuleError(f"responses: {text!r} is no regular expression: {error}") from error
    if isinstance(answer, Sequence) and not isinstance(answer, (str, bytes)):
        return Prompt(text, pattern, iter([_line(text, each) for each in answer]))
    return Prompt(text, pattern, repeat(_line(text, answer)))


def _line(text: str, answer: Any) -> bytes:
    if isinstance(answer, (Mapping, Sequence)) and not isinstance(answer, (str, bytes)):
        words = f"expected text or a list of texts, found a {type(answer).__name__}"
        raise ModuleError(f"responses: {text!r}: {words}")
    return a_string(answer).rstrip("\n").encode("utf-8", "surrogateescape") + b"\n"


class Answerer:
    """Reads along, and says what to type.

    Args:
        prompts: of several that are found, the one that begins first is answered; of those that
            begin together, the one that is written first.
    """

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        self._prompts = prompts
        self._heard = b""
        self._start = 0
        """Where to look from: 1 where something was cut off, so that ``^`` finds no beginning."""
        self.exhausted = ""
        """The prompt that came once more than there are answers for."""

    def hear(self, data: bytes) -> bytes | None:
        """What to type now that ``data`` came too; None where a prompt has no answer left."""
        self._heard += data
        typed = b""
        while (found := self._found()) is not None:
            prompt, end = found
            answer = next(prompt.answers, None)
            if answer is None:
                self.exhausted = prompt.text
                return None
            typed += answer
            self._heard, self._start = self._heard[end:], 0
            if not self._heard:
                break
        if len(self._heard) > WINDOW + 1:
            self._heard, self._start = self._heard[-WINDOW - 1 :], 1
        return typed

    def _found(self) -> tuple[Prompt, int] | None:
        best: tuple[int, int, Prompt] | None = None
        for prompt in self._prompts:
            match = prompt.pattern.search(self._heard, self._start)
            # What is found in nothing would be found for ever.
            if match and match.end() > self._start and (best is None or match.start() < best[0]):
                best = match.start(), match.end(), prompt
        return None if best is None else (best[2], best[1])
