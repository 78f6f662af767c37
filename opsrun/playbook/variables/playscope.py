"""What a play adds to its hosts' variables: the same for all of them, or a file's for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opsrun.playbook.model.nodes import Play, Role
from opsrun.playbook.variables.roles import exported_defaults, exported_vars

FindVars = Callable[[Sequence[Any], str], Mapping[str, Any] | None]
"""From the paths of one entry of ``vars_files`` (the first that exists counts) and the play's
folder to what the file says; None where there is none."""


class PlayScope:
    """A play under way.

    Args:
        play: see `Play`.
        hosts: all of them, in the play's order.
        name: rendered.
        prompted: answers to ``vars_prompt``.
        fixed_files: ``vars_files`` that name no variable of a host, read; strongest last.
        host_files: entries of ``vars_files`` that are to be rendered for each host.
    """

    def __init__(
        self,
        play: Play,
        hosts: Sequence[str],
        name: str = "",
        *,
        prompted: Mapping[str, Any] | None = None,
        fixed_files: Sequence[Mapping[str, Any]] = (),
        host_files: Sequence[Any] = (),
    ) -> None:
        self.play = play
        self.hosts = tuple(hosts)
        self.name = name or play.name
        self.host_files = tuple(host_files)
        self._mine = [*reversed(fixed_files), prompted or {}, play.vars.values]
        self.roles: tuple[Role, ...] = play.roles
        """The play's roles, those that it included publicly since among them."""
        self._settle()

    def add_role(self, role: Role) -> None:
        """An included role has become public."""
        self.roles = (*self.roles, role)
        self._settle()

    def _settle(self) -> None:
        mine = [layer for layer in self._mine if layer]
        self.layers: list[Mapping[str, Any]] = [*exported_vars(self.roles), *mine]
        """Vars of the roles, then files, prompts and vars of the play; strongest first."""
        self.defaults = exported_defaults(self.roles)
        """Defaults of the roles; strongest first."""
