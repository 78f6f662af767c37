"""How far a host had got, and how a server let go of it before that."""

from __future__ import annotations

from dataclasses import dataclass

PHASES = ("dns", "tcp", "banner", "kex", "hostkey", "auth", "open", "become", "exec", "run")
"""The phases of a connection, in their order. Every `HostError` names one."""


QUEUED = "queued"
"""In place of a phase, for work that the end of the run came before."""

WAITING = "wait"
"""In place of a phase, for a gate that stayed shut."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A server let go of a connection before the login: it has, or takes, too many of them."""

    penalty: bool = False
    """It takes none from us for a while, and said so."""
    hop: bool = False
    """It was the jump host that let go, of all that went through it."""
    progress: int = 0
    """How many of our logins have ended well at the same server so far."""
    wait: float = 0.0
    """Seconds, at least, until the next attempt."""
    final: bool = False
    """It has been left alone often enough; no further attempt is worth it."""
