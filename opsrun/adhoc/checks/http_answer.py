"""What a web server answers, and which answers are good."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from opsrun.adhoc.checks.base import wrong

BODY = 1024 * 1024
"""Bytes of a body that are looked at."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; RFC 9110."""

    status: int
    reason: str = ""
    body: bytes = b""
    cut_short: bool = False
    """There was more of it than `BODY`."""

    def text(self) -> str:
        """The body; what is no UTF-8 in it is replaced."""
        return self.body.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Statuses:
    """Which status codes are good: singly, or by their hundreds."""

    wanted: tuple[str, ...] = ("2xx", "3xx")

    @classmethod
    def parse(cls, text: str, value: str) -> Self:
        """Read ``200,204`` or ``2xx,404``.

        Raises:
            UsageError: it is something else; ``text`` is the whole check.
        """
        wanted = tuple(value.lower().split(","))
        if not all(re.fullmatch(r"[1-5](?:[0-9]{2}|xx)", one) for one in wanted):
            raise wrong(text, "status=200, or several as in status=200,204 or status=2xx")
        return cls(wanted)

    def take(self, status: int) -> bool:
        """Whether this one is good."""
        return str(status) in self.wanted or f"{status // 100}xx" in self.wanted


USUAL = Statuses()
"""Those that are good unless others are asked for."""
