"""All tasks and blocks of a run by their ids: what messages mean when they name one."""

from __future__ import annotations

from collections.abc import Iterable

from opsrun.playbook.model.nodes import Block, Node, Task
from opsrun.results import Outcome


class TaskBook:
    """Grows while a run goes on; an id never changes its meaning."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._blocks: dict[str, Block] = {}
        self._rescued: set[str] = set()
        self._retrieved: set[str] = set()

    def add(self, nodes: Iterable[Node], *, rescued: bool = False, away: bool = False) -> None:
        """Make ``nodes``, and all that is in them, known.

        Args:
            nodes: of a play, or of an include.
            rescued: whether a failure there leads into a rescue part further out.
            away: the same of a host that can't be reached.
        """
        for node in nodes:
            if isinstance(node, Task):
                self._tasks[node.id] = node
                if rescued:
                    self._rescued.add(node.id)
                if away:
                    self._retrieved.add(node.id)
                continue
            self._blocks[node.id] = node
            if node.loop is not None:
                self.add((node.loop,), rescued=rescued, away=away)
            here = bool(node.rescue)
            lost = here and node.rescue_unreachable
            self.add(node.tasks, rescued=rescued or here, away=away or lost)
            self.add((*node.rescue, *node.always), rescued=rescued, away=away)

    def rescued(self, name: str, outcome: Outcome = Outcome.FAILED) -> bool:
        """Whether this end of the task with this id leads into a rescue part."""
        if outcome is Outcome.UNREACHABLE:
            return name in self._retrieved
        return outcome is Outcome.FAILED and name in self._rescued

    def task(self, name: str) -> Task:
        """The task with this id. KeyError if there is none."""
        return self._tasks[name]

    def block(self, name: str) -> Block:
        """The block with this id. KeyError if there is none."""
        return self._blocks[name]
