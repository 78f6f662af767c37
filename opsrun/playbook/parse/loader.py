"""The way in: playbooks, and what tasks include while they run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.dialect.warning import FileWarning
from opsrun.dialect.yaml_data import Document
from opsrun.errors import PlaybookError
from opsrun.playbook.messages import Include
from opsrun.playbook.model.nodes import Block, Node, Play, Playbook, Role, Task, VarsLayer
from opsrun.playbook.parse import find_role, roles
from opsrun.playbook.parse.above import Above, Kit, PlayScope, StaticRender
from opsrun.playbook.parse.blocks import notified, of_item
from opsrun.playbook.parse.files import Files
from opsrun.playbook.parse.includes import task_file, truth
from opsrun.playbook.parse.inherit import inherit, merged
from opsrun.playbook.parse.names import BLOCK, BLOCK_PARTS, OWN_BLOCK, ROLE_FROM
from opsrun.playbook.parse.playbooks import PlaybookReader
from opsrun.playbook.parse.requirements import Requirements, requirements_of
from opsrun.playbook.parse.selection import RenderTag, as_written
from opsrun.playbook.parse.spot import Spot
from opsrun.playbook.parse.tasks import read_nodes
from opsrun.vault.vault import NO_VAULT, Vault

MAX_DEPTH = 200
"""Dynamic includes within each other: conditions may end a circle of them, this does it else."""
ROLES_PATH = ("~/.ansible/roles", "/usr/share/ansible/roles", "/etc/ansible/roles")
COLLECTIONS_PATH = ("~/.ansible/collections", "/usr/share/ansible/collections")


@dataclass(frozen=True, slots=True)
class Included:
    """What a dynamic include came to."""

    blocks: tuple[Block, ...]
    handlers: tuple[Node, ...] = ()
    role: Role | None = None
    """The role that was included; its dependencies are in it."""
    imported: tuple[Role, ...] = ()
    """Those that its files import."""


class Loader:
    """Reads files into nodes. Each file is read once; nodes are made anew for every use.

    Args:
        cwd: the directory that relative paths are seen from.
        roles_path: directories of roles, searched after ``roles`` beside the playbook;
            `ROLES_PATH` where there are none.
        collections_path: directories that hold ``ansible_collections``; `COLLECTIONS_PATH` where
            there are none.
        playbook_dir: stands for the playbook's own directory where there is no playbook.
        render: renders names in static imports, see `StaticRender`; without it they can't be
            templates.
        vault: opens files that are encrypted.
    """

    def __init__(
        self,
        cwd: str,
        *,
        roles_path: Sequence[str] = (),
        collections_path: Sequence[str] = (),
        playbook_dir: str | None = None,
        render: StaticRender | None = None,
        vault: Vault = NO_VAULT,
    ) -> None:
        self.files = Files(cwd, vault)
        self.playbook_dir = playbook_dir
        expand = os.path.expanduser
        self._kit = Kit(
            self.files,
            read_nodes,
            tuple(map(expand, roles_path or ROLES_PATH)),
            tuple(map(expand, collections_path or COLLECTIONS_PATH)),
            render,
        )
        self._plays = 0

    def plugin_homes(self) -> list[str]:
        """Directories of the playbooks, then of the roles, that have been read so far: there may
        be folders of plugins in them."""
        return [*self._kit.playbooks, *self._kit.roles]

    def collection_folders(self, name: str) -> list[str]:
        """Where the collection ``ns.name`` may be on disk."""
        return find_role.collection_folders(self._kit, self._kit.mains, name)

    @property
    def requirements(self) -> Requirements:
        """What ``requirements.yml`` beside the playbooks says."""
        return requirements_of(self._kit)

    @property
    def warnings(self) -> tuple[FileWarning, ...]:
        """What was worth saying about the files read so far."""
        return tuple(self.files.warnings)

    def document(self, path: str) -> Document:
        """Any YAML file, templates marked; for variable files. PlaybookError."""
        return self.files.document(path)

    def load_playbook(self, path: str, folder: str | None = None) -> Playbook:
        """A playbook with all that it imports. Plays are numbered through over several of them.

        Args:
            path: its file.
            folder: stands for the folder of that, where roles, files and variables are looked for.

        Raises:
            PlaybookError: whatever is wrong with a file, with its place.
        """
        reader = PlaybookReader(self._kit, self._plays, folder)
        plays = tuple(_within_reason(path, lambda: list(reader.read(path))))
        self._plays = reader.index
        return Playbook(path, plays)

    def tag_renderer(self, play: Play) -> RenderTag:
        """Renders tags of ``play`` with its variables, as far as they are known before any host
        is; for `opsrun.playbook.parse.selection`. What it returns raises what ``render`` raises.
        """
        render, known = self._kit.render, self._kit.statics.get(play.index, {})
        return as_written if render is None else lambda tag: render(tag, known)

    def tags_within(self, task: Task) -> RenderTag:
        """The same for what ``task`` includes; the variables around it are known, too."""
        render, above = self._kit.render, self._above(task)
        if render is None:
            return as_written
        known = {**self._kit.statics.get(above.play.index, {}), **above.static()}
        return lambda tag: render(tag, known)

    def load(self, task: Task, include: Include) -> Included:
        """What an include leads to, see `load_tasks`, `load_role`, `load_item`."""
        if include.kind == "role":
            return self.load_role(task, include)
        if include.kind == "block":
            return self.load_item(task, include)
        return self.load_tasks(task, include)

    def load_tasks(self, task: Task, include: Include) -> Included:
        """The blocks of an ``include_tasks``: one block around all, in which ``apply`` holds.

        Raises:
            PlaybookError: there is no such file, it can't be used, or includes itself too deeply.
        """
        outer = self._above(task)
        path = task_file(self._kit, outer, include.name, task.action.origin, dynamic=True)
        name, above = self._inner(task, include, outer)
        document = self.files.document(path)
        start = document.root
        here = replace(above, folder=os.path.dirname(path))
        nodes = _within_reason(
            path, lambda: read_nodes(self._kit, document, document.data, here, name, start)
        )
        handlers, imported = above.play.taken()
        block = Block(
            id=name,
            tasks=nodes,
            keywords=above.keywords,
            role=above.role,
            origin=task.origin,
        )
        return Included((block,), handlers, imported=imported)

    def load_item(self, task: Task, include: Include) -> Included:
        """The block of one item of a block's loop. PlaybookError."""
        block = _within_reason(task.origin.path, lambda: of_item(self._kit, task, include))
        # Handlers and roles that it imports are the play's since the block was read with it.
        self._above(task).play.taken()
        return Included((block,))

    def load_role(self, task: Task, include: Include) -> Included:
        """The blocks and handlers of an ``include_role``, dependencies first. PlaybookError."""
        outer = self._above(task)
        name, above = self._inner(task, include, outer)
        searched = merged(task.keywords.collections, above.keywords.collections)
        above = replace(above, keywords=replace(above.keywords, collections=searched))

        def yes(key: str, default: bool = True) -> bool:
            return truth(task.action, key, include.args.get(key), default)

        use = roles.Use(
            name=include.name,
            origin=task.action.origin,
            froms={key: str(include.args[key]) for key in ROLE_FROM if include.args.get(key)},
            public=yes("public", False),
            allow_duplicates=yes("allow_duplicates"),
            validate=yes("rolespec_validate"),
            given=tuple(layer.values for layer in above.include_vars[len(outer.include_vars) :]),
        )
        found = _within_reason(task.origin.path, lambda: roles.load(self._kit, use, above, name))
        handlers, imported = above.play.taken()
        blocks = () if outer.handler else found.blocks
        return Included(blocks, (*found.handlers, *handlers), found.role, imported)

    def _above(self, task: Task) -> Above:
        try:
            return self._kit.above[task.id]
        except KeyError:
            scope = PlayScope(0, self.playbook_dir or self.files.cwd)
            return Above(scope, os.path.dirname(task.origin.path) or scope.folder)

    def _inner(self, task: Task, include: Include, outer: Above) -> tuple[str, Above]:
        """The id below which the nodes go, and what is handed down to them."""
        name = f"{task.id}+{outer.play.number(task.id)}"
        if outer.depth >= MAX_DEPTH:
            raise PlaybookError(
                f"{include.name!r}: more than {MAX_DEPTH} includes within each other",
                path=task.origin.path,
                line=task.origin.line,
                column=task.origin.column,
            )
        own = task.vars[len(outer.vars) :]
        given = VarsLayer(dict(include.vars), task.origin)
        # Whether a dependency has run is another matter for each host: what this include leads to
        # is not written down for the next one.
        above = replace(
            outer,
            play=replace(outer.play, roles=set(outer.play.roles)),
            vars=(*outer.vars, *own),
            include_vars=(*outer.include_vars, *own, given),
            chain=(),
            depth=outer.depth + 1,
        )
        apply = self._apply(task, include)
        if apply is None:
            return name, above
        layer = apply.vars()
        return name, replace(
            above,
            keywords=inherit(above.keywords, apply),
            notify=above.notify + apply.convert("notify", notified),
            vars=above.vars if layer is None else (*above.vars, layer),
        )

    def _apply(self, task: Task, include: Include) -> Spot | None:
        written = task.action.args.get("apply")
        value: Any = include.args.get("apply") if isinstance(written, Template) else written
        if value is None:
            return None
        origin = task.action.places.get("apply", task.action.origin)
        document = self.files.document(origin.path)
        if not isinstance(value, Mapping):
            raise document.error_at("apply: expected a dictionary of keywords", origin)
        spot = Spot(document, value, origin, "apply")
        spot.known(BLOCK - BLOCK_PARTS - OWN_BLOCK)
        return spot


def _within_reason(path: str, read: Any) -> Any:
    try:
        return read()
    except RecursionError as error:
        raise PlaybookError("blocks or imports are nested too deeply", path=path) from error
