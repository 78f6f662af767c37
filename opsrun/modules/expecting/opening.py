"""What comes on a terminal before the program's own output: read past, and told."""

from __future__ import annotations

from opsrun.modules.wording import text_of
from opsrun.remote.conversing import Hear

_LONGEST = 1024 * 1024
"""Bytes of a login shell's greetings, before nobody believes that the script will speak."""


class Opening:
    """Keeps all from ``hear`` up to the line that the script around a program ends with.

    Args:
        mark: that its lines begin with; random.
        hear: is told what the program itself prints.
    """

    def __init__(self, mark: str, hear: Hear) -> None:
        self.mark = mark
        self._sign = f"{mark} ".encode()
        self._hear = hear
        self._heard: bytes | None = b""
        self.code = ""
        """``start``, or why the program did not run; empty before anything is known."""
        self.words = ""
        """Behind the code: when it started, or what a tool said."""

    def hear(self, data: bytes) -> bytes | None:
        """See `Hear`."""
        if self._heard is None:
            return self._hear(data)
        self._heard += data
        _, found, rest = self._heard.partition(self._sign)
        line, ended, behind = rest.partition(b"\n")
        if not (found and ended):
            return None if len(self._heard) > _LONGEST else b""
        self.code, _, self.words = text_of(line.rstrip(b"\r")).partition(" ")
        self._heard = None
        return self._hear(behind) if self.code == "start" and behind else b""

    def behind(self, output: bytes) -> bytes:
        """Of all that came, what the program printed."""
        _, _, rest = output.partition(self._sign)
        return rest.partition(b"\n")[2]
