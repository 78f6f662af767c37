"""pause: until time has passed, or the operator has answered."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from opsrun.errors import Cancelled
from opsrun.modules.base import ModuleResult
from opsrun.modules.options import module, option
from opsrun.playbook.actions.base import Acted, Action, Call
from opsrun.playbook.runner.values import number


@module("pause", exclusive=[("minutes", "seconds")])
class Pause(Action):
    """Wait."""

    minutes: float | None = option(kind="float", doc="So many.")
    seconds: float | None = option(kind="float", doc="So many.")
    prompt: str | None = option(doc="What to ask the operator.")
    echo: bool = option(True, doc="Show what is typed.")

    def act(self, call: Call) -> Acted:
        """Wait, or ask. Raises `Cancelled` if the run ends meanwhile."""
        seconds = self.seconds if self.minutes is None else self.minutes * 60
        began = datetime.now(), time.monotonic()
        typed: str | None = ""
        if seconds is not None:
            limit = number(call.task, call.task.keywords.timeout, "timeout", call.templar, 0)
            short = 0 < limit < seconds
            if call.pausing.wait(limit if short else max(0.0, seconds)):
                raise Cancelled("the run was ended during the pause", host=call.host)
            if short:
                words = f"the task's limit of {limit:g} s was reached"
                raise call.fail(words, timedout={"period": limit})
        else:
            words = self.prompt or "Press enter to continue, Ctrl+C to interrupt"
            # With nobody there to answer, as in Ansible: said, and gone on.
            typed = call.pausing.ask(words, self.echo)
        return Acted(self._result(began, seconds, typed or ""))

    def _result(self, began: tuple[Any, float], seconds: float | None, typed: str) -> ModuleResult:
        passed = time.monotonic() - began[1]
        unit = "minutes" if self.minutes is not None else "seconds"
        shown = round(passed / 60, 2) if unit == "minutes" else round(passed, 2)
        data = {
            "start": str(began[0]),
            "stop": str(datetime.now()),
            "delta": int(passed),
            "echo": self.echo,
            "rc": 0,
            "stderr": "",
            "stdout": f"Paused for {shown} {unit}",
            "user_input": typed,
        }
        return ModuleResult(data=data)
