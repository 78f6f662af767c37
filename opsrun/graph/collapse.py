"""Less of a graph: roles without their tasks, plays without either."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from opsrun.graph.model import Detail, Edge, Graph, Item, PlayTree, counted

FEW = 5
"""So many handlers that nobody notifies are still drawn."""


def collapsed(graph: Graph, detail: Detail) -> Graph:
    """``graph`` down to what ``detail`` says; lines end at what is left of where they ended."""
    if detail == "tasks":
        return graph
    moved: dict[str, str] = {}
    notified = {edge.target for edge in graph.edges if edge.relation == "notify"}
    plays = tuple(_play(play, detail, moved, notified) for play in graph.plays)
    return replace(graph, plays=plays, edges=_edges(graph.edges, moved))


def _play(play: PlayTree, detail: Detail, moved: dict[str, str], notified: set[str]) -> PlayTree:
    if detail == "plays":
        moved.update(dict.fromkeys((item.id for item in play.walk()), play.id))
        said = summary(play.items, len(play.handlers))
        return replace(play, items=(), handlers=(), notes=(*play.notes, *([said] if said else [])))
    items = tuple(kept for item in play.items for kept in _item(item, moved))
    return replace(play, items=items, handlers=_handlers(play, moved, notified))


def _handlers(play: PlayTree, moved: dict[str, str], notified: set[str]) -> tuple[Item, ...]:
    """Those that somebody notifies; the others are counted, if they are many."""
    idle = [each for each in play.handlers if not notified & {inner.id for inner in each.walk()}]
    if len(idle) <= FEW:
        idle = []
    found = [_alone(each, moved) for each in play.handlers if each not in idle]
    if idle:
        rest = Item(f"{play.id}/idle", "handler", f"{len(idle)} that nobody notifies")
        moved.update((inner.id, rest.id) for each in idle for inner in each.walk())
        found.append(rest)
    return tuple(found)


def summary(items: Iterable[Item], handlers: int = 0) -> str:
    """How much there is in ``items``, in words."""
    every = [each for item in items for each in item.walk()]
    roles = len({each.label for each in every if each.kind == "role"})
    tasks = sum(each.kind == "task" for each in every)
    includes = sum(each.kind == "include" for each in every)
    return counted(((roles, "role"), (tasks, "task"), (includes, "include"), (handlers, "handler")))


def _item(item: Item, moved: dict[str, str]) -> list[Item]:
    """A role or a section with the roles that are in it; what else there is, counted."""
    if item.kind not in ("role", "section"):
        # Facts are gathered outside of any section.
        return [_alone(item, moved)]
    inner = tuple(_roles(item.children, item.id, moved))
    own = [each for child in item.children for each in _outside_roles(child)]
    tasks = sum(each.kind == "task" for each in own)
    includes = sum(each.kind == "include" for each in own)
    said = counted(((tasks, "task"), (includes, "include")))
    notes = tuple(note for each in own for note in each.notes if _matters(note))
    return [replace(item, detail=said, children=inner, notes=(*item.notes, *_once(notes)))]


def _matters(note: str) -> bool:
    return note.startswith(("opens ", "awaits "))


def _once(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))


def _roles(items: Iterable[Item], owner: str, moved: dict[str, str]) -> list[Item]:
    found: list[Item] = []
    for item in items:
        if item.kind == "role":
            found += _item(item, moved)
            continue
        moved[item.id] = owner
        found += _roles(item.children, owner, moved)
    return found


def _outside_roles(item: Item) -> list[Item]:
    """The item and those below it that are not a further role's."""
    if item.kind == "role":
        return []
    return [item, *(each for child in item.children for each in _outside_roles(child))]


def _alone(item: Item, moved: dict[str, str]) -> Item:
    moved.update(dict.fromkeys((each.id for each in item.walk()), item.id))
    return replace(item, children=())


def _edges(edges: Iterable[Edge], moved: dict[str, str]) -> tuple[Edge, ...]:
    found: dict[Edge, None] = {}
    for edge in edges:
        source, target = moved.get(edge.source, edge.source), moved.get(edge.target, edge.target)
        if source != target:
            found[replace(edge, source=source, target=target)] = None
    return tuple(found)
