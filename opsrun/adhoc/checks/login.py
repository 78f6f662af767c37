"""``ssh``: a full login, and a shell that works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from opsrun.adhoc.checks.base import Attempt, HostCheck, Sight, wrong


@dataclass(frozen=True, slots=True)
class LoginCheck(HostCheck):
    """Passes when a new login has a shell; nobody becomes anybody."""

    @classmethod
    def parse(cls, text: str, rest: str) -> Self:
        """Read ``ssh``.

        Raises:
            UsageError: something follows.
        """
        if rest or text.endswith(":"):
            raise wrong(text, "ssh alone; a port is waited for with tcp:PORT")
        return cls()

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`."""
        return sight.log_in

    def __str__(self) -> str:
        return "ssh"
