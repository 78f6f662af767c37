"""What of playbooks is to be confirmed: plays on protected groups, and on too many hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from opsrun.composition.playbooks.prepared import Prepared
from opsrun.composition.protection import Danger, Guard, dangers
from opsrun.errors import PatternError, PlaybookError
from opsrun.inventory import Host, Inventory
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.model.nodes import Block, Play
from opsrun.playbook.templating.omit import OMIT
from opsrun.playbook.variables.playscope import PlayScope


def known_dangers(prepared: Prepared) -> list[Danger]:
    """Those of all plays whose hosts are known before the first one begins; each once.

    Raises:
        InventoryError, PlaybookError: what a group or a play says can't be used.
        PatternError: the limit names something unknown.
    """
    found: dict[Danger, None] = {}
    for play in prepared.plays:
        pattern = prepared.rendered(play.hosts)
        several = pattern if isinstance(pattern, list) else [pattern]
        text = ",".join(str(each) for each in several if each is not None)
        if "{{" in text or not text.strip():
            continue
        hosts = _chosen(prepared, text)
        most = prepared.rendered(play.max_hosts)
        if "{{" in str(most):
            most = None
        found |= dict.fromkeys(dangers_of(prepared, play, hosts, most))
        if hosts:
            found |= dict.fromkeys(dangers_of(prepared, play, _delegates(prepared, play), None))
    return list(found)


def _delegates(prepared: Prepared, play: Play) -> list[Host]:
    """Hosts that a play's tasks are delegated to, as far as that is known before it begins."""
    known = prepared.inventory.hosts
    tasks = (task for block in play.blocks for task in block.every_task())
    names = (prepared.rendered(task.keywords.delegate_to) for task in tasks)
    # What is no text (omit, a list) names nobody: the task says so at its turn.
    texts = dict.fromkeys(name for name in names if isinstance(name, str))
    return [known[name] for name in texts if name in known]


class Delegates:
    """Has work on hosts confirmed that nobody knew of before a task was delegated to them.

    Args:
        guard: has it confirmed.
        inventory: as it is now.
        lock: held while somebody is asked: many hosts may delegate at once.
        offload: makes a call that may wait for somebody.
    """

    def __init__(
        self,
        guard: Guard,
        inventory: Callable[[], Inventory],
        lock: AbstractContextManager[Any],
        offload: Callable[..., Any],
    ) -> None:
        self._guard = guard
        self._inventory = inventory
        self._lock = lock
        self._offload = offload
        self._meant: set[str] = set()

    def __call__(self, name: str) -> None:
        """Returns if work on the host ``name`` is meant. UsageError, InventoryError."""
        if name in self._meant:
            return
        with self._lock:
            host = self._inventory().hosts.get(name)
            if host is not None and name not in self._meant:
                self._offload(self._guard.confirm, dangers([host]))
            self._meant.add(name)


def _chosen(prepared: Prepared, pattern: str) -> Sequence[Host]:
    limit = prepared.options.settings.limit
    try:
        return prepared.inventory.chosen(pattern, limit, lambda error: None)
    except PatternError:
        # Told by the play, where there is one to be blamed.
        return ()


def dangers_of(prepared: Prepared, play: Play, hosts: Sequence[Host], most: Any) -> list[Danger]:
    """What is to be confirmed of one play; nothing, where it changes nothing.

    Args:
        hosts: the play's.
        most: its ``max_hosts``, rendered.

    Raises:
        InventoryError, PlaybookError: see `known_dangers`.
    """
    if prepared.options.settings.check or not any(_has_work(node) for node in play.blocks):
        return []
    return dangers(hosts, _whole(play, most), f"the play at {play.origin}")


def dangers_now(
    prepared: Prepared, scope: PlayScope, inventory: Inventory, templar: Templar
) -> list[Danger]:
    """Those of a play whose turn has come; see `dangers_of`. TemplateError."""
    hosts = [inventory.host(name) for name in scope.hosts]
    most = templar.render(scope.play.max_hosts, scope.play.origin)
    return dangers_of(prepared, scope.play, hosts, most)


def _has_work(block: Block) -> bool:
    """Whether it has a task that a file spells."""
    return any(not task.implicit for task in block.every_task())


def _whole(play: Play, most: Any) -> int | None:
    if most is None or most is OMIT or most == "":
        return None
    text = str(most).strip()
    if isinstance(most, bool) or not text.isdecimal():
        words = f"max_hosts: expected a whole number from 0 on, found {most!r:.80}"
        raise PlaybookError(words, path=play.origin.path, line=play.origin.line)
    return int(text)
