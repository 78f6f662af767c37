"""What of playbooks is to be confirmed: plays on protected groups, and on too many hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opsrun.composition.playbooks.prepared import Prepared
from opsrun.composition.protection import Danger, dangers
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
    return list(found)


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
