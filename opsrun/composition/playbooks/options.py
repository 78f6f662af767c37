"""How playbooks are run, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from opsrun.playbook.coordinator import Pass, as_it_is
from opsrun.playbook.fact_store import FactStore
from opsrun.playbook.pending import PendingStore
from opsrun.playbook.variables.settings import RunSettings

Prompt = Callable[[str, bool], str | None]
"""Asks the operator in words, with or without echo; None where there is nobody. Raises `Cancelled`
when the run is ended meanwhile."""
Confirm = Callable[[str], str]
"""Of ``--step``: asks about a task; gives ``y``, ``n`` or ``c`` (all that follow). Raises as
`Prompt` does."""


@dataclass(frozen=True, slots=True)
class PlaybookOptions:
    """How playbooks are run."""

    settings: RunSettings = field(default_factory=RunSettings)
    """As playbooks see it; tags, limit, extra variables, check mode …"""
    retries: int = 0
    """Further logins where one failed."""
    strict: bool = False
    """Refuse to start where a task names a module that nobody knows."""
    roles_path: tuple[str, ...] = ()
    collections_path: tuple[str, ...] = ()
    plugin_folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By kind (``filter``, ``test``, ``lookup``), folders of plugins beside those of playbooks and
    roles."""
    module_folders: tuple[str, ...] = ()
    """Folders of modules beside ``library`` of playbooks and roles; empty for the usual ones."""
    bridge: str | None = None
    """The program (``ansible-playbook``) that does what is written for Ansible's own Python; None:
    such tasks fail."""
    managed: str | None = None
    """``ansible_managed``, where it is to be another text than usual."""
    playbook_dir: str | None = None
    """Stands for the folder of the playbooks, for one that was made for the purpose."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """By path, playbooks that stand in no file."""
    prompt: Prompt | None = None
    confirm: Confirm | None = None
    passing: Pass = as_it_is
    """Takes messages over; tests have them go through JSON."""
    pending: PendingStore | None = None
    """Keeps handlers that did not run; without one they are told of, and forgotten."""
    resume: bool = False
    """Carry out what an earlier run left pending."""
    facts: FactStore | None = None
    """Keeps facts beyond the run."""
    seed: int | None = None
    """Of ``order: shuffle``."""
