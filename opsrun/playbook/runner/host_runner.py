"""One task on one host: its loop, its result, its exports, and what is said of it."""

from __future__ import annotations

import traceback
from dataclasses import replace

from opsrun.errors import OpsrunError
from opsrun.events import Notice, TaskResult
from opsrun.modules.base import ModuleError
from opsrun.playbook.messages import Parked, RunTask, TaskEnded, Wait
from opsrun.playbook.runner.kit import Kit
from opsrun.playbook.runner.turn import CENSORED, Turn
from opsrun.results import Outcome

HEALTH_TIMEOUT = 60.0
"""Seconds that a look between the batches of a canary has where nothing else is said."""


class HostRunner:
    """See `opsrun.playbook.interfaces.Runner`."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def run(self, order: RunTask) -> TaskEnded | Parked:
        """From conditions to exports; or what has to be waited for first.

        Raises nothing: whatever happens is in the message.
        """
        task = self._kit.book.task(order.task)
        if order.passed or order.refused:
            # It was waited, for whatever others have done.
            self._kit.changes.touch()
        try:
            try:
                turn = Turn(self._kit, task, order)
            except (OpsrunError, ModuleError) as error:
                return self._failed(order, CENSORED if self._hidden(order) else str(error))
            return turn.parked() or turn.ended()
        except Exception as error:
            return self._crashed(order, error)

    def look(self, order: RunTask, wait: Wait) -> str:
        """Wait until checks hold on a host, with what a task says of its connection.

        Returns:
            Why they won't, or did not in time; empty once they hold.
        """
        try:
            turn = Turn(self._kit, self._kit.book.task(order.task), order)
            self._kit.reach.watch(turn.wish(), wait)
        except (OpsrunError, ModuleError) as error:
            return str(error)
        return ""

    def healthy(self, order: RunTask) -> str:
        """Wait for all that a task awaits, one after the other; as `look`."""
        try:
            task = self._kit.book.task(order.task)
            turn = Turn(self._kit, task, order)
            for wait in turn.waits():
                limit = HEALTH_TIMEOUT if wait.timeout is None else wait.timeout
                self._kit.reach.watch(turn.wish(), replace(wait, timeout=limit))
        except (OpsrunError, ModuleError) as error:
            return str(error)
        return ""

    def _hidden(self, order: RunTask) -> bool:
        return self._kit.book.task(order.task).keywords.no_log not in (None, False)

    def _crashed(self, order: RunTask, error: Exception) -> TaskEnded:
        hidden = self._hidden(order)
        # What an error says may be made of the very values that are not to be shown.
        frames = [*traceback.format_tb(error.__traceback__), type(error).__name__]
        detail = "".join(frames if hidden else traceback.format_exception(error)).rstrip()
        words = f"a bug in opsrun ended this task:\n{detail}"
        self._kit.emit(Notice("error", words, order.host))
        shown = type(error).__name__ if hidden else repr(error)
        return self._failed(order, f"internal error: {shown}")

    def _failed(self, order: RunTask, words: str) -> TaskEnded:
        """The task was not begun, or did not end."""
        result = {"failed": True, "changed": False, "msg": words}
        self._kit.emit(TaskResult(order.host, order.task, Outcome.FAILED, result))
        hidden = self._hidden(order)
        return TaskEnded(
            order.host, order.task, order.turn, Outcome.FAILED, result=result, hidden=hidden
        )
