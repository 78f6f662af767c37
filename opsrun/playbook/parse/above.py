"""What is handed down to a list of tasks, and what one play gathers while it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.dialect.yaml_data import Document
from opsrun.playbook.model.keywords import Keywords, Loop
from opsrun.playbook.model.nodes import Node, Role, Task, VarsLayer
from opsrun.playbook.parse.files import Files
from opsrun.playbook.parse.spot import Spot
from opsrun.playbook.parse.watching import Watch

StaticRender = Callable[[Template, Mapping[str, Any]], Any]
"""Renders with variables that are known before any host is: those given (of the play, its
``vars_files``, roles and blocks), and the extra variables, which it knows itself."""


@dataclass(slots=True)
class PlayScope:
    """What the parts of one play share while they are read."""

    index: int
    folder: str
    """The directory of its playbook."""
    vars: VarsLayer = field(default_factory=lambda: VarsLayer({}))
    file_vars: dict[str, Any] = field(default_factory=dict)
    """Of those ``vars_files`` that could be read without a host."""
    collections: tuple[str, ...] = ()
    imported_handlers: list[Node] = field(default_factory=list)
    """Of roles that tasks import."""
    imported_roles: list[Role] = field(default_factory=list)
    """Those that tasks import."""
    roles: set[str] = field(default_factory=set)
    """Keys of the roles that it has already."""
    counters: dict[str, int] = field(default_factory=dict)
    """How often each include was loaded, by its id."""

    def taken(self) -> tuple[tuple[Node, ...], tuple[Role, ...]]:
        """What was imported since it was last asked for: handlers, and roles."""
        found = tuple(self.imported_handlers), tuple(self.imported_roles)
        self.imported_handlers.clear()
        self.imported_roles.clear()
        return found

    def number(self, task: str) -> int:
        """Counts the uses of an include, from 1 on."""
        self.counters[task] = self.counters.get(task, 0) + 1
        return self.counters[task]


@dataclass(frozen=True, slots=True)
class Above:
    """Handed down to every node of a list."""

    play: PlayScope
    folder: str
    """The directory of the file in which the list stands."""
    keywords: Keywords = field(default_factory=Keywords)
    notify: tuple[Any, ...] = ()
    vars: tuple[VarsLayer, ...] = ()
    include_vars: tuple[VarsLayer, ...] = ()
    role: Role | None = None
    handler: bool = False
    chain: tuple[str, ...] = ()
    """Files and roles whose imports lead here, to find circles."""
    depth: int = 0
    """Dynamic includes that lead here."""
    loops: tuple[str, ...] = ()
    """Loop variables of the blocks around it."""

    def static(self) -> dict[str, Any]:
        """The variables that are known here before any host is, weakest first put in."""
        found: dict[str, Any] = {}
        roles = (*self.role.parents, self.role) if self.role else ()
        for role in roles:
            found |= role.defaults.values
        found |= self.play.vars.values
        found |= self.play.file_vars
        for role in roles:
            found |= role.vars.values
        for layer in self.vars:
            found |= layer.values
        for role in roles:
            found |= {**role.entry_vars.values, **role.params.values}
        for layer in self.include_vars:
            found |= layer.values
        return found | {"playbook_dir": self.play.folder} | self._role_variables()

    def _role_variables(self) -> dict[str, Any]:
        return {"role_path": self.role.path, "role_name": self.role.name} if self.role else {}


class OwnTask(NamedTuple):
    """What a task says by itself, before anything is handed down to it."""

    task: Task
    keywords: Mapping[str, Any]
    layer: VarsLayer | None


class Body(NamedTuple):
    """A block that is read anew for each item of its loop."""

    spot: Spot
    above: Above
    """What is handed down to it, the items that lead there among it; its own share is not."""
    loop: Loop


class ReadNodes(Protocol):
    """Reads a list of tasks; `opsrun.playbook.parse.tasks` has the one there is."""

    def __call__(
        self, kit: Kit, document: Document, items: Any, above: Above, prefix: str, origin: Origin
    ) -> tuple[Node, ...]:
        """The nodes, their ids below ``prefix``. PlaybookError."""


@dataclass(slots=True)
class Kit:
    """What all parts of the parser work with."""

    files: Files
    read_nodes: ReadNodes
    roles_path: tuple[str, ...] = ()
    collections_path: tuple[str, ...] = ()
    render: StaticRender | None = None
    statics: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """Variables of plays that are known before any host is, by the play's index."""
    own: dict[tuple[int, bool], OwnTask] = field(default_factory=dict)
    """By the identity of the task's dictionary (the documents are kept), and if it is a handler."""
    above: dict[str, Above] = field(default_factory=dict)
    """What a dynamic include hands down, by the include's id."""
    playbooks: dict[str, None] = field(default_factory=dict)
    """Directories of the playbooks that were read."""
    mains: dict[str, None] = field(default_factory=dict)
    """Those of them that the operator named: ``collections`` beside them counts for all."""
    roles: dict[str, None] = field(default_factory=dict)
    """Directories of the roles that were read, those of collections left out."""
    bodies: dict[str, Body] = field(default_factory=dict)
    """Blocks with loops, by the ids of the tasks that find their items, or decide about one."""

    @property
    def watch(self) -> Watch:
        """Who reads along."""
        return self.files.watch
