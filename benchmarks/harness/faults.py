"""The ways in which hosts of the chaos run misbehave, and what opsrun has to say of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opsrun.remote.perseverance import UNASKED


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a host's one result has to be."""

    outcome: str
    phase: str | None = None
    """Of the error; None where there is none."""
    signal: str | None = None
    stdout: str = ""
    attempts: int = 1
    """Logins that were begun; a drop alone is tried again unasked."""

    def differs(self, got: dict[str, Any]) -> str:
        """What is wrong about a result, in words; nothing if it is right."""
        wanted = {
            "outcome": self.outcome,
            "phase": self.phase,
            "signal": self.signal,
            "stdout": self.stdout,
            "attempts": self.attempts,
        }
        wrong = [
            f"{name} {got[name]!r}, not {value!r}"
            for name, value in wanted.items()
            if got[name] != value
        ]
        return "; ".join(wrong)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave."""

    name: str
    words: str
    verdict: Verdict
    real: bool = False
    """A host of the lab's; the command does it."""


PARTIAL = "the first half"
"""What arrives before a connection is reset."""

FAULTS = (
    Fault("refused", "nobody listens", Verdict("unreachable", "tcp")),
    Fault("silent", "accepts and says nothing", Verdict("unreachable", "banner")),
    Fault("drips", "one byte of banner at a time", Verdict("unreachable", "banner")),
    Fault("endless", "a banner line without end", Verdict("unreachable", "banner")),
    Fault(
        "resets", "reset before its banner", Verdict("unreachable", "banner", attempts=1 + UNASKED)
    ),
    Fault("mute", "silent behind its banner", Verdict("unreachable", "kex")),
    Fault("huge", "announces a packet of 2 GiB", Verdict("unreachable", "kex")),
    Fault("stranger", "another host key than the known one", Verdict("unreachable", "hostkey")),
    Fault("bouncer", "lets nobody in", Verdict("unreachable", "auth")),
    Fault("deaf", "never answers the request to run", Verdict("lost", "exec")),
    Fault("breaks", "reset in mid-output", Verdict("lost", "run", stdout=PARTIAL)),
    Fault("killed", "the command dies of SIGKILL", Verdict("failed", None, "KILL"), real=True),
    Fault("hangs", "the command never ends", Verdict("failed", "run"), real=True),
)

BY_NAME = {fault.name: fault for fault in FAULTS}
