"""What is drawn: a tree for each play, and lines between its parts. Plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["section", "role", "block", "part", "import", "include", "task", "handler"]
Relation = Literal["order", "notify", "gate"]
Detail = Literal["plays", "roles", "tasks"]


@dataclass(frozen=True, slots=True)
class Item:
    """One part of a play, and what is in it."""

    id: str
    kind: Kind
    label: str
    detail: str = ""
    """A module, a file, how many tasks."""
    when: str = ""
    """Its own conditions."""
    loop: str = ""
    """What it is done for each of."""
    tags: tuple[str, ...] = ()
    """Its own."""
    notes: tuple[str, ...] = ()
    """What a reader should know: why nothing is below it, whom it notifies in vain."""
    place: str = ""
    children: tuple[Item, ...] = ()

    def walk(self) -> Iterator[Item]:
        """This one and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class PlayTree:
    """One play."""

    id: str
    name: str
    hosts: str
    """The pattern."""
    count: int | None = None
    """How many hosts it selects; None where there is no inventory."""
    path: str = ""
    tags: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Batches, gates and what is awaited beside gates."""
    items: tuple[Item, ...] = ()
    handlers: tuple[Item, ...] = ()

    def walk(self) -> Iterator[Item]:
        """Every item of it."""
        for item in (*self.items, *self.handlers):
            yield from item.walk()


@dataclass(frozen=True, slots=True)
class Edge:
    """A line from one item or play to another, by their ids."""

    source: str
    target: str
    relation: Relation
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Playbooks, as they are drawn."""

    title: str
    plays: tuple[PlayTree, ...]
    edges: tuple[Edge, ...] = ()
    summary: str = ""
    """How much there is, in words; of all, also where less is drawn."""


def summarised(plays: Iterable[PlayTree]) -> str:
    """How much there is in ``plays``, in words."""
    every = list(plays)
    items = [item for play in every for item in play.walk()]
    roles = {item.label for item in items if item.kind == "role"}
    tasks = sum(item.kind == "task" for item in items)
    handlers = sum(item.kind == "handler" for item in items)
    counts = ((len(every), "play"), (len(roles), "role"), (tasks, "task"))
    return counted((*counts, (handlers, "handler")))


def counted(counts: tuple[tuple[int, str], ...]) -> str:
    """Counts in words, noughts left out.

    >>> counted(((1, "play"), (0, "role"), (3, "task")))
    '1 play, 3 tasks'
    """
    return ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts if n)
