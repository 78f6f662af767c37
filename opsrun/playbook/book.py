"""All tasks and blocks of a run by their ids: what messages mean when they name one."""

from __future__ import annotations

from collections.abc import Iterable

from opsrun.playbook.model.nodes import Block, Node, Task


class TaskBook:
    """Grows while a run goes on; an id never changes its meaning."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._blocks: dict[str, Block] = {}

    def add(self, nodes: Iterable[Node]) -> None:
        """Make ``nodes``, and all that is in them, known."""
        for node in nodes:
            if isinstance(node, Task):
                self._tasks[node.id] = node
                continue
            self._blocks[node.id] = node
            self.add((*node.tasks, *node.rescue, *node.always))

    def task(self, name: str) -> Task:
        """The task with this id. KeyError if there is none."""
        return self._tasks[name]

    def block(self, name: str) -> Block:
        """The block with this id. KeyError if there is none."""
        return self._blocks[name]
