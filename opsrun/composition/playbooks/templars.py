"""Templars of a run, and where their lookups search."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from opsrun.composition.playbooks.prepared import Prepared
from opsrun.dialect.tags import Template
from opsrun.errors import OpsrunError, PlaybookError, TemplateError
from opsrun.playbook.interfaces import Templar as TemplarProtocol
from opsrun.playbook.model.nodes import Task, play_of
from opsrun.playbook.runner.search import Search
from opsrun.playbook.templating.ahead import not_ahead
from opsrun.playbook.templating.library import LookupContext
from opsrun.playbook.templating.omit import OMIT
from opsrun.playbook.templating.templar import Templar
from opsrun.playbook.variables.live import LiveInventory
from opsrun.playbook.variables.playscope import PlayScope
from opsrun.vault.envelope import is_sealed
from opsrun.vault.vault import Vault

_UNLIMITED = 1 << 30


def _reader(vault: Vault) -> Callable[[str], bytes]:
    """Reads local files for lookups and templates. OSError; TemplateError if no secret opens it."""

    def read(path: str) -> bytes:
        with open(path, "rb") as file:
            content = file.read()
        return (
            vault.open(content, path=path, error=TemplateError) if is_sealed(content) else content
        )

    return read


class Templars:
    """Makes Templars, and knows where their lookups search.

    Args:
        prepared: what is run.
        inventory: as it is now.
        warn: takes a warning.
        looked: called before a lookup that may do more than look at its terms.
    """

    def __init__(
        self,
        prepared: Prepared,
        inventory: LiveInventory,
        warn: Callable[[str], None],
        looked: Callable[[], None],
    ) -> None:
        self._prepared = prepared
        self._inventory = inventory
        self._warn = warn
        self._looked = looked
        self._library = prepared.library
        prepared.told.listen(self._warn_in_turn, looked)
        self._contexts: dict[str, LookupContext] = {}
        self._static: dict[int, TemplarProtocol] = {}
        self._paths: dict[int, str] = {}
        self._newest = ""
        """The file of the play that began last."""

    def begin(self, scope: PlayScope, static: TemplarProtocol) -> None:
        """A play begins; others may be under way."""
        index = scope.play.index
        self._newest = self._paths[index] = scope.play.path
        self._contexts.clear()
        self._static[index] = static

    def playbook(self, task: Task | None) -> str:
        """The file of the play that a task is of."""
        return self._newest if task is None else self._paths.get(play_of(task.id), self._newest)

    def make(self, variables: Mapping[str, Any], task: Task | None) -> TemplarProtocol:
        """See `opsrun.playbook.variables.scopes.MakeTemplar`."""
        key = "" if task is None else task.id
        context = self._contexts.get(key)
        if context is None:
            context = self._contexts[key] = self._context(task)
        return Templar(variables, self._library, context)

    def _context(self, task: Task | None) -> LookupContext:
        settings = self._prepared.options.settings
        playbook = self.playbook(task)
        search = Search(task, playbook, settings.cwd)
        vault = self._prepared.inventory.vault
        managed = self._prepared.options.managed
        context = LookupContext(
            basedir=os.path.dirname(os.path.join(settings.cwd, playbook)) or ".",
            find=search.find,
            searched=search.searched,
            folders=tuple(search.bases),
            read=_reader(vault),
            vault=vault,
            warn=self._warn_in_turn,
            looked=self._looked,
            hosts=self._hosts,
            odd_conditions=settings.odd_conditions,
        )
        return context if managed is None else replace(context, managed=managed)

    def _warn_in_turn(self, words: str) -> None:
        not_ahead("a warning")
        self._warn(words)

    def _hosts(self, pattern: str) -> Sequence[str]:
        return [host.name for host in self._inventory.now.chosen(pattern, None, lambda error: None)]

    def name_of(self, task: Task) -> str:
        """A task's name where no host is meant."""
        if not task.name:
            return self._unnamed(task)
        hidden = task.keywords.no_log not in (None, False)
        static = self._static.get(play_of(task.id))
        if not isinstance(task.name, Template) or static is None or hidden:
            return str(task.name)
        try:
            return str(static.render(task.name))
        except OpsrunError:
            return str(task.name)

    def _unnamed(self, task: Task) -> str:
        """Its action; of an include_role, with the role's name."""
        role = task.action.args.get("name", task.action.args.get("role"))
        if task.action.name != "include_role" or role is None:
            return task.action.written
        return f"{task.action.written} : {role}"

    def throttle(self, task: Task) -> int:
        """See `Office.throttle`; known before any host is, as in Ansible."""
        found = task.keywords.throttle
        static = self._static.get(play_of(task.id))
        if static is not None:
            found = static.render(found, task.places.get("throttle", task.origin))
        if found in (None, "") or found is OMIT:
            return _UNLIMITED
        try:
            most = int(found)
        except (TypeError, ValueError):
            words = f"throttle: expected a whole number, found {found!r:.80}"
            raise PlaybookError(words, path=task.origin.path, line=task.origin.line) from None
        return most if most > 0 else _UNLIMITED
