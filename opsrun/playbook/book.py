"""All tasks and blocks of a run by their ids: what messages mean when they name one."""

from __future__ import annotations

from collections.abc import Iterable

from opsrun.playbook.model.nodes import Block, Node, Task


class TaskBook:
    """Grows while a run goes on; an id never changes its meaning."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._blocks: dict[str, Block] = {}
        self._rescued: set[str] = set()

    def add(self, nodes: Iterable[Node], *, rescued: bool = False) -> None:
        """Make ``nodes``, and all that is in them, known.

        Args:
            nodes: of a play, or of an include.
            rescued: whether a failure there leads into a rescue part further out.
        """
        for node in nodes:
            if isinstance(node, Task):
                self._tasks[node.id] = node
                if rescued:
                    self._rescued.add(node.id)
                continue
            self._blocks[node.id] = node
            if node.loop is not None:
                self.add((node.loop,), rescued=rescued)
            self.add(node.tasks, rescued=rescued or bool(node.rescue))
            self.add((*node.rescue, *node.always), rescued=rescued)

    def rescued(self, name: str) -> bool:
        """Whether a failure of the task with this id leads into a rescue part."""
        return name in self._rescued

    def task(self, name: str) -> Task:
        """The task with this id. KeyError if there is none."""
        return self._tasks[name]

    def block(self, name: str) -> Block:
        """The block with this id. KeyError if there is none."""
        return self._blocks[name]
