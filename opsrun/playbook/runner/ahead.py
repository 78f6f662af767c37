"""What can be asked of a host before its tasks' turns: the inspections of those that come next.

Nothing that is worked out here is believed at a task's turn, where all is worked out again; see
`opsrun.playbook.prefetch.answers` for when an answer is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from opsrun.modules import registry
from opsrun.modules.base import Context, Module
from opsrun.modules.requests import Run
from opsrun.playbook.actions.registry import INCLUDES, find_action
from opsrun.playbook.interfaces import Templar, Wish
from opsrun.playbook.messages import RunTask
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.prefetch.answers import Key, Question
from opsrun.playbook.runner import loops
from opsrun.playbook.runner.kit import Kit
from opsrun.playbook.runner.loops import Item
from opsrun.playbook.runner.reached import reached
from opsrun.playbook.runner.remote import Foresight, Remote, wished
from opsrun.playbook.runner.resolved import resolved
from opsrun.playbook.runner.search import Search
from opsrun.playbook.templating.ahead import rendering_ahead
from opsrun.playbook.variables.layers import Layers


def ahead_of(
    kit: Kit, order: RunTask, layers: Layers, templar: Templar, item: Item | None
) -> Foresight:
    """See `opsrun.playbook.runner.remote.Foresight`: the items behind ``item``, and what follows.

    Args:
        kit: of the run.
        order: whose turn it is.
        layers: the raw variables of its task.
        templar: sees them.
        item: of the task's loop, which is the one that is asked about now.
    """
    return partial(_questions, _Ahead(kit, order), order, item)


def _questions(
    ahead: _Ahead, order: RunTask, item: Item | None, wish: Wish, known: set[Key]
) -> Iterator[tuple[Key, Question]]:
    book = ahead.kit.book
    if item is not None:
        yield from ahead.of(book.task(order.task), wish, known, item.index + 1)
    for name in order.ahead:
        task = book.task(name)
        if ahead.ends_at(task):
            return
        if ahead.asks(task):
            yield from ahead.of(task, wish, known, 0)


class _Ahead:
    """Works out the first requests of tasks that come next on a host."""

    def __init__(self, kit: Kit, order: RunTask) -> None:
        self.kit = kit
        self._order = order

    def ends_at(self, task: Task) -> bool:
        """Whether nothing behind ``task`` can be known, or relied upon, before it is done."""
        action = find_action(task.action.name)
        if action is not None:
            return not action.passes
        if task.action.name in INCLUDES:
            return True
        said = task.keywords
        if said.delegate_to is not None or task.async_seconds is not None or task.awaits:
            return True
        if registry.find(task.action.written) is None:
            # To look further for it may be to run something.
            return True
        with rendering_ahead():
            try:
                kind = self.kit.modules.find(task.action.written, said.collections)
            except Exception:
                # There is a file of it that can't be used: told at the task's turn.
                return True
        return kind is None or not kind.ahead

    def asks(self, task: Task) -> bool:
        """Whether it is done on this host, and not for all hosts by one of them."""
        return find_action(task.action.name) is None and task.keywords.run_once in (None, False)

    def of(
        self, task: Task, wish: Wish, known: set[Key], start: int
    ) -> Iterator[tuple[Key, Question]]:
        """The questions of a task, or of the items of its loop from one on."""
        with rendering_ahead():
            try:
                each = self._each(task)
            except Exception:
                # Whatever it is, it is told at the task's turn if it is still so.
                return
        for index, (layers, templar) in enumerate(each):
            key = task.id, index
            if index < start or key in known:
                continue
            with rendering_ahead():
                try:
                    question = self._question(task, layers, templar, wish)
                except Exception:
                    continue
            if question is not None:
                yield key, question

    def _each(self, task: Task) -> list[tuple[Layers, Templar]]:
        kit, host = self.kit, self._order.host
        order = replace(self._order, task=task.id, ahead=())
        layers = kit.variables.layers(host, task, order)
        weakest = reached(task, host, kit.settings)
        templar = kit.variables.templar_over(layers.before(weakest), task)
        if task.loop is None:
            return [(layers, templar)]
        items = loops.items(task, loops.values(task, templar), templar)
        return [
            (layers.over(each.variables), templar.with_variables(each.variables)) for each in items
        ]

    def _question(
        self, task: Task, layers: Layers, templar: Templar, wish: Wish
    ) -> Question | None:
        kit, host = self.kit, self._order.host
        place = task.places.get("when", task.origin)
        if not all(templar.condition(each, place) for each in task.keywords.when):
            return None
        if wished(kit, task, host, "", templar, layers) != wish:
            return None
        module = resolved(kit, task, templar)
        search = Search(task, kit.playbook(task), kit.settings.cwd)
        remote = Remote(kit, task, host, wish)
        context = remote.context(module, templar, search, layers)
        request = _first(module, context)
        if request is None:
            return None
        script = remote.script(request, templar)
        return Question(script, request.data, request.cap)


def _first(module: Module, context: Context) -> Run | None:
    """What a module asks first, if that can be asked ahead."""
    if not module.ahead or (context.check and not module.checks):
        return None
    steps = module.steps(context)
    try:
        request = next(steps)
    except StopIteration:
        return None
    finally:
        steps.close()
    if not isinstance(request, Run) or request.effect != "reads":
        return None
    return None if request.take or request.apart or request.away or request.far else request
