"""Playbooks that have been read: what is to be done, before the first host is reached."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from opsrun.composition.playbooks.library import Told, core_of, library_of, modules_of
from opsrun.composition.playbooks.options import PlaybookOptions
from opsrun.composition.playbooks.remarks import look_for_core, unknown_modules
from opsrun.dialect.tags import Template
from opsrun.errors import PlaybookError, UsageError
from opsrun.inventory import Inventory
from opsrun.playbook.gating.check import check_gates
from opsrun.playbook.messages import Include
from opsrun.playbook.model.nodes import Block, Play, Playbook, Task
from opsrun.playbook.parse.listing import ListedPlay, listed
from opsrun.playbook.parse.loader import Included, Loader
from opsrun.playbook.parse.selection import (
    RenderTag,
    Selection,
    is_decision,
    loop_at,
    select,
    select_nodes,
    start_at,
    start_within,
)
from opsrun.playbook.templating.library import LookupContext
from opsrun.playbook.templating.templar import Templar


class Prepared:
    """Playbooks that have been read: every mistake in a file has been found that can be.

    Args:
        paths: the playbooks, as the operator names them.
        inventory: without what is beside the playbooks.
        options: see `PlaybookOptions`.

    Raises:
        PlaybookError: a file can't be used.
        UsageError: no playbook is named.
    """

    def __init__(
        self, paths: Sequence[str], inventory: Inventory, options: PlaybookOptions
    ) -> None:
        if not paths:
            raise UsageError("name a playbook")
        self.options = options
        self._warned: list[str] = []
        self._within: set[str] = set()
        """Ids of the tasks that lead into the block, and the item, that ``start_at`` is in."""
        self._vault = inventory.vault
        settings = options.settings
        self.loader = Loader(
            settings.cwd,
            roles_path=options.roles_path,
            collections_path=options.collections_path,
            playbook_dir=options.playbook_dir or os.path.dirname(paths[0]) or ".",
            render=self._static,
            vault=inventory.vault,
        )
        for path, text in options.texts.items():
            self.loader.files.hold(path, text)
        self.told = Told()
        """Warnings of plugins."""
        self.library = library_of(self.loader, options, self.told)
        """What templates can call."""
        self.core = core_of(self.loader, options)
        """What does tasks that opsrun can't, if that is wanted."""
        self.modules = modules_of(self.loader, options, self.told, self.core)
        self.playbooks: list[Playbook] = [
            self.loader.load_playbook(path, options.playbook_dir) for path in paths
        ]
        folders = dict.fromkeys(
            options.playbook_dir or os.path.dirname(path) or "." for path in paths
        )
        self.inventory = inventory.beside(tuple(folders))
        self.selection = Selection.of(settings.tags, settings.skip_tags)
        self.plays = self._plays()
        for playbook in self.playbooks:
            own = {play.index for play in playbook.plays}
            check_gates(playbook.plays)
            check_gates([play for play in self.plays if play.index in own], chosen=True)
        if self.core is not None:
            look_for_core(self.core, self.plays, modules_of(self.loader, options, self.told))
        self.unknown = unknown_modules(self.plays, self.modules)
        """What to say of tasks whose modules nobody knows."""
        if options.strict and self.unknown:
            raise self.unknown[0]

    def _plays(self) -> list[Play]:
        """All plays, in order, with the tasks that were chosen."""
        plays = [play for playbook in self.playbooks for play in playbook.plays]
        chosen = [select(play, self.selection, self._tags(play)) for play in plays]
        wanted = self.options.settings.start_at
        if wanted is None:
            return chosen
        self._within.add(loop_at(chosen, wanted))
        return list(start_at(chosen, wanted))

    def of_include(self, task: Task, include: Include, found: Included) -> Included:
        """What the tags leave of what ``task`` includes."""
        render = self._forgiving(self.loader.tags_within(task))
        nodes = select_nodes(found.blocks, self.selection, render)
        blocks = tuple(each for each in nodes if isinstance(each, Block))
        if task.id in self._within and include.args.get("index", 0) == 0:
            blocks = self._from_start(blocks)
        return replace(found, blocks=blocks)

    def _from_start(self, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        """The first item of a block's loop, from the task on that is to be the first."""
        assert self.options.settings.start_at is not None
        kept, within = start_within(blocks, self.options.settings.start_at)
        decides = (each.tasks[0] for each in blocks if each.tasks)
        self._within |= {within, *(each.id for each in decides if is_decision(each))}
        return kept

    def _tags(self, play: Play) -> RenderTag:
        return self._forgiving(self.loader.tag_renderer(play))

    def _forgiving(self, render: RenderTag) -> RenderTag:
        """A tag that nothing is known of yet is what stands there."""

        def rendered(template: Template) -> Any:
            try:
                return render(template)
            except PlaybookError:
                return str(template)

        return rendered

    def _tag(self, template: Template) -> Any:
        try:
            return self._static(template, {})
        except PlaybookError:
            return str(template)

    def _static(self, template: Template, known: Mapping[str, Any]) -> Any:
        variables = {**known, **self.options.settings.extra_vars}
        context = LookupContext(vault=self._vault)
        return Templar(variables, self.library, context).render(template)

    def listed(self) -> tuple[ListedPlay, ...]:
        """The plays with the tasks that were chosen, to be shown."""
        each = (listed([play], self.selection, self._tags(play)) for play in self.plays)
        return tuple(chain.from_iterable(each))

    def rendered(self, value: Any) -> Any:
        """``value`` with what is known before any play; as written where that is not enough."""
        if isinstance(value, list | tuple):
            return [self.rendered(each) for each in value]
        return self._tag(value) if isinstance(value, Template) else value

    def read_vars_file(self, path: str) -> Mapping[str, Any]:
        """The same of ``vars_files``, where a list of such mappings is one, too. PlaybookError."""
        data = self.loader.document(path).data
        if not isinstance(data, list) or not all(isinstance(each, Mapping) for each in data):
            return self.read_vars(path)
        return {str(name): value for each in data for name, value in each.items()}

    def read_vars(self, path: str) -> Mapping[str, Any]:
        """The variables of a file. PlaybookError."""
        data = self.loader.document(path).data
        if data is None:
            return {}
        if not isinstance(data, Mapping):
            kind = type(data).__name__
            raise PlaybookError(f"expected names and values, found {kind}", path=path)
        return {str(name): value for name, value in data.items()}
