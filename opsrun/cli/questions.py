"""What a run of playbooks asks its operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsrun.cli.confirming import Typed
from opsrun.errors import Cancelled

if TYPE_CHECKING:
    from opsrun.cli.execution import Front


class Questions:
    """What a playbook asks its operator: vars_prompt, pause, ``--step``, dangers."""

    def __init__(self) -> None:
        self.front: Front | None = None
        """Of the run; there from its beginning on."""
        self.typed = Typed()
        """Asks whether dangerous work is meant."""

    def begin(self, front: Front) -> None:
        """From here on questions share the run's terminal."""
        self.front = front
        self.typed.asker, self.typed.given_up = front.asker, front.is_ending

    def can_be_asked(self) -> bool:
        """Whether somebody sits at a terminal."""
        return self.typed.asker.is_there()

    def prompt(self, words: str, echo: bool) -> str | None:
        """See `opsrun.composition.playbooks.options.Prompt`."""
        if self.front is None:
            return None
        answer = self.front.asker.ask(words, echo, self.front.is_ending)
        if answer is None and self.front.is_ending():
            # No answer, and none that a default could stand for.
            raise Cancelled("the run was ended at a question", phase="run")
        return None if answer is None else answer.reveal()

    def confirm(self, task: str) -> str:
        """See `opsrun.composition.playbooks.options.Confirm`."""
        from opsrun.views.sanitise import sanitise_line

        while True:
            words = f"{sanitise_line(task)}? [y]es, [N]o, [c]ontinue with all: "
            typed = self.prompt(words, True)
            answer = (typed or "n").strip().lower()[:1] or "n"
            if answer in ("y", "n", "c"):
                return answer
