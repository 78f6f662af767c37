"""The packets of SSH connections by their types, as sshd's log tells them at LogLevel DEBUG3."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Phase = Literal["tcp", "banner", "kex", "auth", "open", "exec", "session"]
PHASES: tuple[Phase, ...] = ("tcp", "banner", "kex", "auth", "open", "exec", "session")

LOG_LEVEL = "LogLevel DEBUG3"
"""A line for sshd_config."""

_LINE = re.compile(rb"debug3: (receive|send) packet: type (\d+)")
_OPENED = 91
_ASKS: tuple[tuple[Phase, Collection[int]], ...] = (
    ("kex", (20, *range(30, 50))),
    ("auth", (5, *range(50, 80))),
    ("open", (90,)),
    ("exec", (98,)),
)
"""Types of the messages that a client waits for an answer to (RFC 4250, 4.1.2), in their order."""


@dataclass(frozen=True, slots=True)
class Packets:
    """What a server took and gave."""

    received: tuple[int, ...] = ()
    sent: tuple[int, ...] = ()

    @property
    def opened(self) -> int:
        """Channels."""
        return self.sent.count(_OPENED)


def phase_of(received: Iterable[int]) -> Phase:
    """Whose round trip it was in which these came together: the earliest phase's.

    What travels along with an earlier phase costs no round trip of its own.
    """
    found = set(received)
    return next((phase for phase, types in _ASKS if found & set(types)), "session")


class PacketLog:
    """Follows a server's log; begins at its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = path.stat().st_size

    def new(self) -> Packets:
        """The packets since the last call; the server is at rest, so all lines are whole."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            text = file.read()
        self._at += len(text)
        found: dict[bytes, list[int]] = {b"receive": [], b"send": []}
        for way, number in _LINE.findall(text):
            found[way].append(int(number))
        return Packets(tuple(found[b"receive"]), tuple(found[b"send"]))
