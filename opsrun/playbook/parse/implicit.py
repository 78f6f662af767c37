"""Tasks that no file has: gathering of facts, and flushing of handlers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.playbook.model.gates import Await
from opsrun.playbook.model.keywords import Keywords
from opsrun.playbook.model.nodes import Block, RawAction, Task
from opsrun.playbook.parse.inherit import merged


def gathering(name: str, keywords: Keywords, options: dict[str, Any], gather: Any) -> Block:
    """The block that gathers facts; its task is tagged ``always``.

    Args:
        gather: the play's ``gather_facts``; a template becomes the task's condition.
    """
    inner = replace(keywords, tags=merged(keywords.tags, ("always",)))
    when = (*keywords.when, gather) if isinstance(gather, Template) else keywords.when
    task = Task(
        id=f"{name}/0",
        action=RawAction("ansible.builtin.setup", "setup", options),
        name="Gathering Facts",
        keywords=replace(inner, when=when),
        implicit=True,
    )
    return Block(id=name, tasks=(task,), keywords=inner)


def waiting(name: str, awaits: tuple[Await, ...], origin: Origin) -> Block:
    """The block in which hosts wait for the play's ``gates``; nothing can leave it out."""
    keywords = Keywords(tags=("always",))
    task = Task(
        id=f"{name}/0",
        action=RawAction("ansible.builtin.meta", "meta", free_form="noop"),
        name="Gates",
        keywords=keywords,
        awaits=awaits,
        implicit=True,
        origin=origin,
    )
    return Block(id=name, tasks=(task,), keywords=keywords, origin=origin)


def flushing(name: str, keywords: Keywords, origin: Origin) -> Block:
    """The block that runs the handlers notified so far."""
    task = Task(
        id=f"{name}/0",
        action=RawAction("ansible.builtin.meta", "meta", free_form="flush_handlers"),
        keywords=Keywords(tags=keywords.tags, any_errors_fatal=keywords.any_errors_fatal),
        implicit=True,
        origin=origin,
    )
    return Block(id=name, tasks=(task,), keywords=task.keywords, origin=origin)
