"""A command of its own for each host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsrun.adhoc.base import Job, Setting, Trail
from opsrun.adhoc.run import Exec
from opsrun.engine.dispatch import Slot
from opsrun.events import Result
from opsrun.remote.command import Command


class ExecEach(Exec):
    """Runs on each host what is meant for it.

    Args:
        setting: what all workers of the run share.
        command: what they have in common; its script is no host's.
        own: each host's command, by name.
    """

    def __init__(self, setting: Setting, command: Command, own: Mapping[str, Command]) -> None:
        super().__init__(setting, command)
        self._own = own

    def act(self, job: Job, slot: Slot, trail: Trail, *further: Any) -> Result:
        """See `Exec.act`."""
        return Exec(self.setting, self._own[job.host]).act(job, slot, trail, *further)
