"""Which tasks run: ``--tags``, ``--skip-tags`` and ``--start-at-task``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.errors import UsageError, did_you_mean
from opsrun.playbook.model.nodes import LOOPED, Block, Node, Play, Task

RenderTag = Callable[[Template], Any]


def as_written(template: Template) -> Any:
    """A tag that stays a template: nothing is known to render it with."""
    return str(template)


@dataclass(frozen=True, slots=True)
class Selection:
    """What the operator asked for.

    ``always`` runs unless it is skipped itself, ``never`` only where another of its tags, or
    ``never``, is asked for. ``all``, ``tagged`` and ``untagged`` stand for groups of tasks.
    """

    tags: frozenset[str] = frozenset({"all"})
    skip_tags: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tags: Iterable[str] = (), skip_tags: Iterable[str] = ()) -> Selection:
        """From words as they stand on a command line, each perhaps several with commas."""
        return cls(frozenset(_words(tags)) or frozenset({"all"}), frozenset(_words(skip_tags)))

    @property
    def everything(self) -> bool:
        """Nothing was asked for; tasks tagged ``never`` still don't run."""
        return self.tags == {"all"} and not self.skip_tags

    def takes(self, tags: Iterable[str]) -> bool:
        """Whether a task with these tags, all inherited ones among them, runs."""
        own = frozenset(tags) or frozenset({"untagged"})
        tagged = own != {"untagged"}
        return self._wanted(own, tagged) and not self._skipped(own, tagged)

    def _wanted(self, own: frozenset[str], tagged: bool) -> bool:
        if "always" in own or not self.tags.isdisjoint(own):
            return True
        if "never" in own:
            return False
        return "all" in self.tags or (tagged and "tagged" in self.tags)

    def _skipped(self, own: frozenset[str], tagged: bool) -> bool:
        if "all" in self.skip_tags and ("always" not in own or "always" in self.skip_tags):
            return True
        if not self.skip_tags.isdisjoint(own):
            return True
        return tagged and "tagged" in self.skip_tags


EVERYTHING = Selection()


def _words(given: Iterable[str]) -> list[str]:
    return [word.strip() for text in given for word in text.split(",") if word.strip()]


def tags_of(tags: Iterable[str], render: RenderTag = as_written) -> tuple[str, ...]:
    """Tags with their templates rendered; one template may give several."""
    found: list[str] = []
    for tag in tags:
        value = render(tag) if isinstance(tag, Template) else tag
        for each in value if isinstance(value, (list, tuple, set)) else [value]:
            found += [part.strip() for part in str(each).split(",") if part.strip()]
    return tuple(dict.fromkeys(found))


def select_nodes(
    nodes: Iterable[Node], selection: Selection, render: RenderTag = as_written
) -> tuple[Node, ...]:
    """The nodes that run, blocks without tasks left out. What has no file (flushing of handlers)
    stays; gathering of facts goes by its tag ``always``."""
    found: list[Node] = []
    for node in nodes:
        kept = (
            _select_task(node, selection, render)
            if isinstance(node, Task)
            else _select_block(node, selection, render)
        )
        if kept is not None:
            found.append(kept)
    return tuple(found)


def _select_task(task: Task, selection: Selection, render: RenderTag) -> Task | None:
    if task.implicit and task.action.name in ("meta", LOOPED):
        return task
    return task if selection.takes(tags_of(task.keywords.tags, render)) else None


def _select_block(block: Block, selection: Selection, render: RenderTag) -> Block | None:
    tasks, rescue, always = (
        select_nodes(part, selection, render) for part in (block.tasks, block.rescue, block.always)
    )
    if not (tasks or rescue or always):
        return None
    if len(tasks) == len(block.tasks) and (tasks, rescue, always) == (
        block.tasks,
        block.rescue,
        block.always,
    ):
        return block
    return replace(block, tasks=tasks, rescue=rescue, always=always)


def select(play: Play, selection: Selection, render: RenderTag = as_written) -> Play:
    """``play`` with the tasks alone that run. Handlers stay: who notifies them decides."""
    blocks = select_nodes(play.blocks, selection, render)
    return replace(play, blocks=tuple(node for node in blocks if isinstance(node, Block)))


def shown_name(task: Task) -> str:
    """The name that output has for a task: its role's name before it, its action without one."""
    name = task.name or task.action.written
    return f"{task.role.name} : {name}" if task.role else name


def start_at(plays: Iterable[Play], pattern: str) -> tuple[Play, ...]:
    """``plays`` from the first task on whose name is, or matches, ``pattern``.

    Facts are still gathered in the play where it begins, and in those after it; plays before it
    have nothing to do and are left out. Rescue and always parts don't count as a beginning.

    Raises:
        UsageError: there is no such task.
    """
    return _started(plays, pattern)[0]


def loop_at(plays: Iterable[Play], pattern: str) -> str:
    """If the beginning is in a block with a loop: the id of the task that finds its items. Of the
    first item tasks are left out, too, see `start_within`. UsageError as `start_at`."""
    return _started(plays, pattern)[1]


def _started(plays: Iterable[Play], pattern: str) -> tuple[tuple[Play, ...], str]:
    every = tuple(plays)
    for number, play in enumerate(every):
        found = _Start(pattern)
        blocks = found.nodes(play.blocks)
        if found.begun:
            kept = tuple(node for node in blocks if isinstance(node, Block))
            return (replace(play, blocks=kept), *every[number + 1 :]), found.within
    names = [task.name for play in every for block in play.blocks for task in block.every_task()]
    raise UsageError(f"no task is named {pattern!r}{did_you_mean(pattern, filter(None, names))}")


def start_within(blocks: Iterable[Block], pattern: str) -> tuple[tuple[Block, ...], str]:
    """The same for the first item of a block's loop. What doesn't hold the task stays whole."""
    every = tuple(blocks)
    found = _Start(pattern)
    kept = tuple(node for node in found.nodes(every) if isinstance(node, Block))
    return (kept, found.within) if found.begun else (every, "")


class _Start:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.begun = False
        self.within = ""
        """Of the outermost looped block that it begins in."""

    def nodes(self, nodes: Iterable[Node]) -> tuple[Node, ...]:
        kept = (self._task(node) if isinstance(node, Task) else self._block(node) for node in nodes)
        return tuple(node for node in kept if node is not None)

    def _task(self, task: Task) -> Task | None:
        if task.implicit or self.begun:
            return task
        names = (task.name, shown_name(task))
        self.begun = any(
            name == self.pattern or fnmatchcase(name, self.pattern) for name in names if name
        )
        return task if self.begun else None

    def _block(self, block: Block) -> Block | None:
        before = bool(self.begun)
        if before:
            return block
        tasks = self.nodes(block.tasks)
        if self.begun and block.loop is not None:
            self.within = block.loop.id
        if tasks and not self.begun:
            return replace(block, tasks=tasks, rescue=(), always=())
        return replace(block, tasks=tasks) if tasks else None


def is_decision(node: Node) -> bool:
    """Whether it is the task that decides about one item of a block's loop."""
    return isinstance(node, Task) and node.action.name == LOOPED
