"""What ``--list-tasks``, ``--list-tags`` and ``--list-hosts`` have to show, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.playbook.model.nodes import Play, Task
from opsrun.playbook.parse.selection import (
    EVERYTHING,
    RenderTag,
    Selection,
    as_written,
    select,
    shown_name,
    tags_of,
)


@dataclass(frozen=True, slots=True)
class ListedTask:
    """One line of ``--list-tasks``."""

    id: str
    name: str
    """With its role's before it (``web : install``); of a task without one, its action."""
    tags: tuple[str, ...]
    """Sorted."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class ListedPlay:
    """A play, and those of its tasks that are selected."""

    index: int
    name: str
    hosts: Any
    tags: tuple[str, ...]
    """Its own, as written."""
    tasks: tuple[ListedTask, ...]

    @property
    def task_tags(self) -> tuple[str, ...]:
        """Every tag of its tasks, sorted."""
        return tuple(sorted({tag for task in self.tasks for tag in task.tags}))


def listed(
    plays: Iterable[Play], selection: Selection = EVERYTHING, render: RenderTag = as_written
) -> tuple[ListedPlay, ...]:
    """The plays with their tasks in order; what opsrun adds itself (facts, flushes) left out."""
    return tuple(_play(play, selection, render) for play in plays)


def _play(play: Play, selection: Selection, render: RenderTag) -> ListedPlay:
    chosen = select(play, selection, render)
    tasks = (task for block in chosen.blocks for task in block.every_task() if not task.implicit)
    return ListedPlay(
        play.index,
        play.name or _pattern(play.hosts),
        play.hosts,
        tags_of(play.keywords.tags, render),
        tuple(_task(task, render) for task in tasks),
    )


def _pattern(hosts: Any) -> str:
    return ",".join(str(each) for each in hosts) if isinstance(hosts, list) else str(hosts)


def _task(task: Task, render: RenderTag) -> ListedTask:
    tags = tuple(sorted(tags_of(task.keywords.tags, render)))
    name = shown_name(task) if task.name else task.action.written
    return ListedTask(task.id, name, tags, task.origin)
