"""From plays to trees. The parser puts imports in their places; by the ids of what stands there,
they are found again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.errors import OpsrunError
from opsrun.graph.model import Graph, Item, PlayTree, summarised
from opsrun.graph.relations import Relations
from opsrun.graph.wording import (
    block_label,
    conditions,
    loop_text,
    own_tags,
    place,
    play_name,
    play_notes,
    shortened,
    task_detail,
    task_label,
)
from opsrun.playbook.messages import Include
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import Block, Node, Play, Task
from opsrun.playbook.parse.includes import target
from opsrun.playbook.parse.loader import Included
from opsrun.playbook.parse.names import INCLUDES, ROLE_FROM, ROLE_INCLUDES

Follow = Callable[[Task, Include], Included]
"""Loads what an include leads to, as far as it is chosen. OpsrunError."""
Count = Callable[[Play], "int | None"]

MAX_ITEMS = 20_000
"""Includes of includes can double with every file; nobody looks at more than this."""


def build(title: str, plays: Sequence[Play], follow: Follow, count: Count) -> Graph:
    """The graph of ``plays``. Includes that can't be loaded are drawn with the reason.

    Raises:
        PlaybookError: plays are in no possible order.
    """
    relations = Relations(plays)
    trees = [_Builder(play, follow, relations).tree(count(play)) for play in plays]
    return Graph(title, tuple(trees), relations.edges(), summarised(trees))


@dataclass(slots=True)
class _Builder:
    play: Play
    follow: Follow
    relations: Relations
    late: list[tuple[Node, ...]] = field(default_factory=list)
    """Handlers of roles that tasks include."""
    trail: tuple[str, ...] = ()
    """The includes that lead here."""
    made: int = 0

    def tree(self, count: int | None) -> PlayTree:
        play = self.play
        items = self._sections()
        handlers = self._handlers()
        self.relations.of_play(items, handlers)
        return PlayTree(
            id=str(play.index),
            name=play_name(play),
            hosts=", ".join(map(str, play.hosts)) if isinstance(play.hosts, list) else play.hosts,
            count=count,
            path=play.path,
            tags=tuple(map(str, play.keywords.tags)),
            notes=play_notes(play),
            items=tuple(items),
            handlers=tuple(handlers),
        )

    @property
    def _outer(self) -> Keywords:
        """What all of the play has."""
        return Keywords(tags=self.play.keywords.tags)

    def _sections(self) -> list[Item]:
        found: list[Item] = []
        nodes = [each for block in self.play.blocks for each in _unwrapped(block)]
        for name, members in groupby(nodes, lambda node: node.id.split("/")[1]):
            own = f"{self.play.index}/{name}"
            written = [node for node in members if not _is_ours(node)]
            if name == "gather":
                found.append(Item(own, "task", "gather facts", "setup"))
                continue
            items = self._items(written, own, self._outer)
            if name == "roles":
                found += items
            elif items:
                found.append(Item(own, "section", name, children=tuple(items)))
        return found

    def _handlers(self) -> list[Item]:
        self.trail = ()
        nodes = [self.play.handlers]
        found: list[Item] = []
        seen: set[tuple[str, Origin]] = set()
        while nodes:
            for node in (node for part in nodes for node in part):
                # A role that is used again brings its handlers again.
                if (node.name, node.origin) in seen:
                    continue
                seen.add((node.name, node.origin))
                found += [_as_handler(item) for item in self._node(node, self._outer)]
            # What a handler includes may bring more of them.
            nodes, self.late = self.late, []
        return found

    def _items(self, nodes: Iterable[Node], prefix: str, above: Keywords) -> list[Item]:
        """The items of a list whose ids begin with ``prefix``."""
        found: list[Item] = []
        for own, members in groupby(nodes, lambda node: _place_in(prefix, node.id)):
            found += self._group(list(members), own, above)
        return found

    def _group(self, nodes: list[Node], own: str, above: Keywords) -> list[Item]:
        """What stands at one place of a list: itself, a role, or what an import brought."""
        role = next((each for each in nodes if each.id == own and _is_role(each)), None)
        if role is not None or all(f"{own}/dependencies/" in each.id for each in nodes):
            before = [each for each in nodes if each is not role]
            # They have what the role has, and stand in it.
            outer = role.keywords if role is not None else above
            needed = self._items(before, f"{own}/dependencies", outer)
            return [self._role(role, needed, above)] if isinstance(role, Block) else needed
        if any(node.id == own for node in nodes):
            return [item for node in nodes for item in self._node(node, above)]
        return [self._import(nodes, own, above)]

    def _node(self, node: Node, above: Keywords) -> list[Item]:
        self.made += 1
        if self.made > MAX_ITEMS:
            return []
        if isinstance(node, Block):
            return [self._role(node, [], above) if _is_role(node) else self._block(node, above)]
        return [self._task(node, above)]

    def _role(self, block: Block, needed: list[Item], above: Keywords) -> Item:
        assert block.role is not None
        inner = self._items(block.tasks, f"{block.id}/tasks", block.keywords)
        return Item(
            block.id,
            "role",
            str(block.role.name),
            when=conditions(block.keywords, above),
            tags=own_tags(block.keywords, above),
            place=place(block.origin),
            children=(*needed, *inner),
        )

    def _import(self, nodes: list[Node], own: str, above: Keywords) -> Item:
        """What it hands down is what all that it brought have, and none says itself."""
        shared = _shared(nodes, above)
        file = nodes[0].origin.path
        items = self._items(nodes, own, shared)
        return Item(
            own,
            "import",
            file.rpartition("/")[2],
            when=conditions(shared, above),
            tags=own_tags(shared, above),
            place=file,
            children=tuple(items),
        )

    def _block(self, block: Block, above: Keywords) -> Item:
        inner = self._items(_plain(block.tasks), f"{block.id}/block", block.keywords)
        for name, nodes in (("rescue", block.rescue), ("always", block.always)):
            own = f"{block.id}/{name}"
            if items := self._items(nodes, own, block.keywords):
                inner.append(Item(own, "part", name, children=tuple(items)))
        loop = block.loop.loop if block.loop is not None else None
        return Item(
            block.id,
            "block",
            block_label(block),
            when=conditions(block.keywords, above),
            loop=loop_text(loop),
            tags=own_tags(block.keywords, above),
            place=place(block.origin),
            children=tuple(inner),
        )

    def _task(self, task: Task, above: Keywords) -> Item:
        is_include = task.action.name in INCLUDES
        children, notes = self._included(task) if is_include else ((), ())
        self.relations.of_task(task)
        return Item(
            task.id,
            "include" if is_include else "task",
            task_label(task),
            task_detail(task),
            when=conditions(task.keywords, above),
            loop=loop_text(task.loop),
            tags=own_tags(task.keywords, above),
            notes=(*notes, *self.relations.notes(task)),
            place=place(task.origin),
            children=children,
        )

    def _included(self, task: Task) -> tuple[tuple[Item, ...], tuple[str, ...]]:
        """What is below an include; or why nothing is."""
        name = target(task.action)
        where = f"{place(task.origin)} {task.action.name}"
        froms = {key: task.action.args[key] for key in ROLE_FROM if key in task.action.args}
        written = (name, *froms.values())
        if any(isinstance(each, Template) or not isinstance(each, str) for each in written):
            return (), ("which one is known while it runs",)
        if where in self.trail:
            return (), ("leads back to itself",)
        is_role = task.action.name in ROLE_INCLUDES
        try:
            found = self.follow(task, Include("role" if is_role else "tasks", str(name), froms))
        except OpsrunError as error:
            return (), (f"can't be followed: {shortened(error, 100)}",)
        if is_role:
            self.late.append(found.handlers)
        before, self.trail = self.trail, (*self.trail, where)
        items = self._of_role(found) if is_role else self._of_file(found)
        self.trail = before
        return tuple(items), ()

    def _of_role(self, found: Included) -> list[Item]:
        if not found.blocks:
            return []
        own = min((block.id for block in found.blocks), key=len)
        return self._group(list(found.blocks), own, found.blocks[-1].keywords)

    def _of_file(self, found: Included) -> list[Item]:
        return [
            item
            for block in found.blocks
            for item in self._items(_plain(block.tasks), block.id, block.keywords)
        ]


def _place_in(prefix: str, name: str) -> str:
    """The id of what stands in the list below ``prefix`` and has, or is, the node ``name``."""
    if not name.startswith(f"{prefix}/"):
        return name
    return f"{prefix}/{name[len(prefix) + 1 :].split('/')[0]}"


def _as_handler(item: Item) -> Item:
    return replace(item, kind="handler") if item.kind == "task" else item


def _is_role(node: Node) -> bool:
    return isinstance(node, Block) and node.role_end and node.role is not None


def _plain(nodes: Iterable[Node]) -> list[Node]:
    """Without what no file has: flushing of handlers, the finding of a loop's items."""
    return [each for each in nodes if not _is_ours(each)]


def _is_ours(node: Node) -> bool:
    if isinstance(node, Task):
        return node.implicit
    tasks = list(node.every_task())
    return bool(tasks) and all(task.implicit for task in tasks)


def _unwrapped(block: Block) -> tuple[Node, ...]:
    """Tasks that follow each other stand in a block that no file has."""
    return block.tasks if block.id.endswith("/plain") else (block,)


def _shared(nodes: Sequence[Node], above: Keywords) -> Keywords:
    """What an import hands down to ``nodes``, as far as it can be told from what they have."""
    when, tags = above.when, above.tags
    own = [each for each in nodes if isinstance(each, Task) and "when" in each.written]
    if len(nodes) > 1 or not own:
        first, *others = (each.keywords.when for each in nodes)
        size = len(when)
        while size < len(first) and all(each[: size + 1] == first[: size + 1] for each in others):
            size += 1
        when = first[:size] if first[: len(when)] == when else when
    said = [each for each in nodes if isinstance(each, Task) and "tags" in each.written]
    if len(nodes) > 1 or not said:
        common = set(nodes[0].keywords.tags).intersection(*(each.keywords.tags for each in nodes))
        tags = tuple(tag for tag in nodes[0].keywords.tags if tag in common)
    return Keywords(when=when, tags=tags)
