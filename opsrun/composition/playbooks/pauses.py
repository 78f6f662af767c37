"""What waits in a run: for time, or for the operator."""

from __future__ import annotations

from opsrun.composition.playbooks.options import Prompt
from opsrun.composition.run import Run
from opsrun.engine.base import Engine
from opsrun.errors import Cancelled


class Pauses:
    """See `opsrun.playbook.actions.base.Pausing`."""

    def __init__(self, run: Run, prompt: Prompt | None, engine: Engine) -> None:
        self._run = run
        self._prompt = prompt
        self._engine = engine

    def wait(self, seconds: float) -> bool:
        """See `Pausing.wait`."""
        return self._run.stop.wait(seconds)

    def ask(self, prompt: str, echo: bool) -> str | None:
        """See `Pausing.ask`."""
        if self._prompt is None:
            return None
        try:
            return self._engine.offload(self._prompt, f"{prompt}: ", echo)
        except Cancelled as error:
            self._run.stop.drain(error.message)
            raise
