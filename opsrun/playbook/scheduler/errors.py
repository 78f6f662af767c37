"""What a scheduler refuses, and what it has to say beside its orders."""

from __future__ import annotations

from dataclasses import dataclass


class StaleMessage(ValueError):
    """An answer to nothing: a second one, one of another turn, or of a host that isn't asked."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that the operator has to be told, see `PlayScheduler.complaints`."""

    message: str
    host: str = ""
    """Whom it failed; empty for a warning about the play."""
    task: str = ""
    """Id of the task that it happened at."""
