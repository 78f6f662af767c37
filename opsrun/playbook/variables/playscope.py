"""What a play adds to its hosts' variables: the same for all of them, or a file's for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsrun.playbook.model.nodes import Play, Role
from opsrun.playbook.variables.roles import exported_defaults, exported_vars

FindVars = Callable[[Sequence[Any], str], Mapping[str, Any] | None]
"""From the paths of one entry of ``vars_files`` (the first that exists counts) and the play's
folder to what the file says; None where there is none."""


@dataclass(frozen=True, slots=True)
class HostFile:
    """An entry of ``vars_files`` that is to be rendered for each host."""

    paths: Any


class PlayScope:
    """A play under way.

    Args:
        play: see `Play`.
        hosts: all of them, in the inventory's order.
        name: rendered.
        prompted: answers to ``vars_prompt``.
        files: ``vars_files``, strongest last: read, or to be rendered for each host.
    """

    def __init__(
        self,
        play: Play,
        hosts: Sequence[str],
        name: str = "",
        *,
        prompted: Mapping[str, Any] | None = None,
        files: Sequence[Mapping[str, Any] | HostFile] = (),
    ) -> None:
        self.play = play
        self.hosts = tuple(hosts)
        self.name = name or play.name
        self._files = tuple(reversed(files))
        self.has_host_files = any(isinstance(each, HostFile) for each in files)
        self._mine = [layer for layer in (prompted or {}, play.vars.values) if layer]
        self.roles: tuple[Role, ...] = play.roles
        """The play's roles, those that it included since among them."""
        self._settle()

    def add_role(self, role: Role) -> None:
        """``role`` was included; if it is public, all tasks see its variables from here on."""
        self.roles = (*self.roles, role)
        if role.public:
            self._settle()

    @property
    def written(self) -> list[Mapping[str, Any]]:
        """Vars of the play and what is read of files, in no order: no answers to prompts."""
        files = [each for each in self._files if not isinstance(each, HostFile)]
        return [*files, self.play.vars.values, *self.roles_vars, *self.defaults]

    def _settle(self) -> None:
        self.roles_vars = exported_vars(self.roles)
        """Vars of the roles; strongest first."""
        self.defaults = exported_defaults(self.roles)
        """Defaults of the roles; strongest first."""

    def files_and_vars(
        self, read: Callable[[HostFile], Mapping[str, Any] | None] = lambda entry: None
    ) -> list[Mapping[str, Any]]:
        """Files, prompts and vars of the play, strongest first; ``read`` gives a host's files."""
        files = [read(each) if isinstance(each, HostFile) else each for each in self._files]
        return [*(each for each in files if each), *self._mine]
