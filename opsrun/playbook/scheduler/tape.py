"""The order in which `linear` goes through all tasks: the file's, includes in their places."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from opsrun.playbook.model.nodes import Node, Task


def tasks_of(nodes: Iterable[Node]) -> Iterator[Task]:
    """All tasks in ``nodes``, in the order of the file."""
    for node in nodes:
        if isinstance(node, Task):
            yield node
        elif node.loop is not None:
            yield node.loop
        else:
            yield from tasks_of((*node.tasks, *node.rescue, *node.always))


class _Stop:
    __slots__ = ("after", "task")

    def __init__(self, task: Task | None) -> None:
        self.task = task
        self.after: _Stop | None = None


class Tape:
    """A list of tasks with a place in it, behind which more can be put in constant time."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._start = self._at = _Stop(None)
        self.insert(tasks_of(nodes))

    def insert(self, tasks: Iterable[Task]) -> None:
        """Put ``tasks`` right behind the place."""
        last, rest = self._at, self._at.after
        for task in tasks:
            last.after = _Stop(task)
            last = last.after
        last.after = rest

    def rewind(self) -> None:
        """Go back to the beginning: somebody may stand further back than all others."""
        self._at = self._start

    def seek(self, standing: Container[str]) -> Task | None:
        """Go on to the next task that somebody stands at; once round, where need be.

        A second round is for hosts that came back (``clear_host_errors``). None if nobody stands
        at any task of the tape.
        """
        for _round in range(2):
            while self._at.after is not None:
                self._at = self._at.after
                task = self._at.task
                if task is not None and task.id in standing:
                    return task
            self._at = self._start
        return None
