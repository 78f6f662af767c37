"""All handlers of a play: in which order they run, and which ones a name means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from opsrun.errors import did_you_mean
from opsrun.playbook.model.nodes import Block, Node, Task

NameOf = Callable[[Task], str]
"""Renders a handler's name; raises, or gives "", where that can't be done."""


class HandlerList:
    """Grows when roles are included.

    A name that several handlers have is the last file's that has it, and in that file the first
    one's, as Ansible 2.18 finds them. A topic (``listen``) is all of those that have it, a name
    once. Blocks around handlers are only a way to write them down.
    """

    def __init__(self, nodes: Sequence[Node], name_of: NameOf) -> None:
        self.tasks: list[Task] = []
        """In the order in which they run; only ever grows at its end."""
        self._name_of = name_of
        self._groups: list[list[Task]] = []
        self._names: dict[str, str] = {}
        self._ids: set[str] = set()
        self._found: dict[str, tuple[Task, ...]] = {}
        self._by_name: dict[str, Task] = {}
        self._by_topic: dict[str, list[Task]] = {}
        self.add(nodes)

    def add(self, nodes: Iterable[Node]) -> list[Task]:
        """Make more known; gives those that weren't."""
        fresh: list[Task] = []
        last: tuple[object, ...] = ()
        for node in nodes:
            found = [task for task in _flat(node) if task.id not in self._ids]
            if not found:
                continue
            group = (node.id,) if isinstance(node, Block) else _file(node)
            if group != last:
                self._groups.append([])
            last = group
            self._groups[-1].extend(found)
            self._ids.update(task.id for task in found)
            self._names.update((task.id, self._name_of(task)) for task in found)
            fresh += found
        self.tasks += fresh
        if fresh:
            self._index()
        return fresh

    def _index(self) -> None:
        self._found, self._by_name, self._by_topic = {}, {}, {}
        for group in reversed(self._groups):
            for task in group:
                self._mention(task)

    def _mention(self, task: Task) -> None:
        for name in self._called(task):
            self._by_name.setdefault(name, task)
        for topic in _in_role(task, map(str, task.listen)):
            self._by_topic.setdefault(topic, []).append(task)

    def _called(self, task: Task) -> Iterator[str]:
        name = self._names[task.id]
        if name:
            yield from _in_role(task, (name,))

    def find(self, name: str) -> tuple[Task, ...]:
        """Those that a name or topic means; none if it means nothing."""
        known = self._found.get(name)
        if known is None:
            known = self._found[name] = tuple(self._look(name))
        return known

    def _look(self, name: str) -> Iterator[Task]:
        seen = set()
        first = self._by_name.get(name)
        if first is not None:
            seen.add(self._names[first.id])
            yield first
        for task in self._by_topic.get(name, ()):
            own = self._names[task.id]
            if task is first or (own and own in seen):
                continue
            seen.add(own)
            yield task

    def name(self, task: str) -> str:
        """What to call the handler with this id in a list; its id where it has no name."""
        return self._names.get(task) or task

    def unknown(self, name: str) -> str:
        """The sentence about a name that means nothing."""
        hint = did_you_mean(name, [*self._by_name, *self._by_topic])
        where = "in either the main handlers list nor in the listening handlers list"
        return f"The requested handler {name!r} was not found {where}{hint}"


def _in_role(task: Task, names: Iterable[str]) -> Iterator[str]:
    """Names, or topics, as they are, and as the role's that the handler belongs to.

    A collection's role goes by its name without the collection, too.
    """
    role = task.role.name if task.role is not None else ""
    short = role.split(".", 2)[-1] if role.count(".") > 1 else role
    for name in names:
        yield name
        yield from (f"{each} : {name}" for each in dict.fromkeys((role, short)) if each)


def _flat(node: Node) -> Iterator[Task]:
    if isinstance(node, Task):
        yield node
        return
    for each in node.tasks:
        yield from _flat(each)


def _file(task: Task) -> tuple[object, ...]:
    # Two uses of a role are two files: each has its own conditions and variables.
    return (task.origin.path, id(task.role))
