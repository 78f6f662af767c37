"""Playbooks, made ready and carried out: what was read, who does it, over which connections."""

from __future__ import annotations

from opsrun.composition.playbooks.options import Confirm, PlaybookOptions, Prompt
from opsrun.composition.playbooks.prepared import Prepared
from opsrun.composition.playbooks.stage import PlaybookStage

__all__ = ["Confirm", "PlaybookOptions", "PlaybookStage", "Prepared", "Prompt"]
