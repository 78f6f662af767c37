"""``--list-hosts``, ``--list-tasks``, ``--list-tags``: as ansible-playbook lays them out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from opsrun.views.sanitise import sanitise_line

if TYPE_CHECKING:
    from opsrun.composition.playbooks import Prepared
    from opsrun.playbook.parse.listing import ListedPlay


def listings(prepared: Prepared, *, hosts: bool, tasks: bool, tags: bool) -> Iterator[str]:
    """The lines; for a syntax check, where all three are False, the names of the files alone.

    Raises:
        PatternError: the limit names something unknown.
    """
    for playbook in prepared.playbooks:
        yield f"\nplaybook: {sanitise_line(playbook.path)}"
        if not (hosts or tasks or tags):
            continue
        own = {play.index for play in playbook.plays}
        plays = (each for each in prepared.listed() if each.index in own)
        for number, play in enumerate(plays, 1):
            yield ""
            yield from _play(prepared, play, number, hosts, tasks, tags)


def _play(
    prepared: Prepared, play: ListedPlay, number: int, hosts: bool, tasks: bool, tags: bool
) -> Iterator[str]:
    pattern = _pattern(prepared.rendered(play.hosts))
    name = sanitise_line(play.name if play.name else pattern)
    head = f"  play #{number} ({sanitise_line(pattern)}): {name}"
    yield f"{head}\tTAGS: [{_joined(play.tags)}]"
    if hosts:
        found = prepared.inventory.chosen(
            pattern, prepared.options.settings.limit, lambda error: None
        )
        yield f"    pattern: {[pattern]}"
        yield f"    hosts ({len(found)}):"
        yield from (f"      {sanitise_line(host.name)}" for host in found)
    if tags:
        yield f"      TASK TAGS: [{_joined(play.task_tags)}]"
    if tasks:
        yield "    tasks:"
        for task in play.tasks:
            yield f"      {sanitise_line(task.name)}\tTAGS: [{_joined(task.tags)}]"


def _joined(tags: tuple[str, ...]) -> str:
    return sanitise_line(", ".join(tags))


def _pattern(hosts: Any) -> str:
    several = hosts if isinstance(hosts, list | tuple) else [hosts]
    return ",".join(str(each) for each in several)
