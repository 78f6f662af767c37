"""``retries_unreachable``: a task whose host can't be reached is begun anew.

Only where nothing has come of it: no shell has answered to anything that may change the host, and
what kept us out may pass (a host key, or a login that is refused, stays what it is). A connection
that breaks while something is under way is another matter: what it did is not known.
"""

from __future__ import annotations

from collections.abc import Callable

from opsrun.events import Notice
from opsrun.modules.base import ModuleError
from opsrun.playbook.interfaces import Templar, Wish
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.runner.done import Done
from opsrun.playbook.runner.kit import Kit
from opsrun.playbook.runner.values import number
from opsrun.results import Outcome

FIRST = 1.0
"""Seconds of the first pause; each is twice as long as the one before."""
LONGEST = 30.0
KEYWORD = "retries_unreachable"


def pause(attempt: int) -> float:
    """Seconds between an attempt, from 1 on, and the next.

    >>> [pause(attempt) for attempt in range(1, 8)]
    [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    """
    return float(min(LONGEST, FIRST * 2.0 ** min(attempt - 1, 50)))


def persistently(
    kit: Kit, task: Task, wish: Wish, host: str, templar: Templar, once: Callable[[], Done]
) -> Done:
    """What ``once`` gives, as often as the task's keyword allows for and it takes.

    Raises:
        TemplateError, ModuleError: the keyword can't be used; and what ``once`` raises.
    """
    most = number(task, task.keywords.retries_unreachable, KEYWORD, templar, 0)
    if most < 0:
        raise ModuleError(f"{KEYWORD}: expected 0 or more, found {most:g}")
    attempt = 1
    while True:
        done = once()
        if attempt > 1:
            done.result["attempts"] = attempt
        if not done.fleeting or attempt > most:
            return done
        seconds, left = pause(attempt), int(most) - attempt
        where = "" if wish.host == host else f"{wish.host}: "
        after = f"another attempt in {seconds:g} s, {left} more after it"
        words = f"{where}unreachable: {done.result.get('msg', '')}: {after}"
        kit.emit(Notice("warning", words, host))
        if kit.pausing.wait(seconds):
            done.outcome, done.fleeting = Outcome.CANCELLED, False
            return done
        with kit.reach.lease(wish) as shell:
            # Whatever is left of the connection is not to be trusted.
            shell.forget()
        attempt += 1
