"""How far a host had got."""

from __future__ import annotations

PHASES = ("dns", "tcp", "banner", "kex", "hostkey", "auth", "open", "become", "exec", "run")
"""The phases of a connection, in their order. Every `HostError` names one."""


QUEUED = "queued"
"""In place of a phase, for work that the end of the run came before."""

WAITING = "wait"
"""In place of a phase, for a gate that stayed shut."""
