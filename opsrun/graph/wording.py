"""What the parts of a graph are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.playbook.model.gates import Await
from opsrun.playbook.model.keywords import Keywords, Loop
from opsrun.playbook.model.nodes import Block, Play, Task
from opsrun.playbook.parse.includes import target
from opsrun.playbook.parse.names import INCLUDES, ROLE_INCLUDES

SHORT = 60
"""Characters of a condition, or a command, that are shown."""


def shortened(text: Any, size: int = SHORT) -> str:
    """In one line, with an ellipsis where some is missing."""
    line = " ".join(str(text).split())
    return line if len(line) <= size else line[: size - 1] + "…"


def place(origin: Origin) -> str:
    """File and line, for people."""
    return f"{origin.path}:{origin.line}" if origin.line else origin.path


def play_name(play: Play) -> str:
    """Its name; without one, its hosts."""
    if play.name:
        return shortened(play.name)
    hosts = play.hosts
    return shortened(", ".join(map(str, hosts)) if isinstance(hosts, list) else hosts)


def play_notes(play: Play) -> tuple[str, ...]:
    """How its hosts go through it, where that is something of its own."""
    found = {
        "strategy": play.strategy if play.strategy != "linear" else None,
        "serial": play.serial,
        "canary": list(play.canary) or None,
        "health": [awaited(each) for each in play.health] or None,
        "gates": [awaited(each) for each in play.gates] or None,
    }
    return tuple(f"{name} {_value(value)}" for name, value in found.items() if value is not None)


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def awaited(entry: Await) -> str:
    """What is waited for."""
    return " and ".join(shortened(each) for each in entry.what)


def task_label(task: Task) -> str:
    """Its name; without one, its module and what that is about."""
    if task.name:
        return shortened(task.name, 100)
    if task.action.name in INCLUDES:
        return shortened(target(task.action) or task.action.name, 100)
    about = _about(task)
    return f"{task.action.name}: {about}" if about else task.action.name


def _about(task: Task) -> str:
    """The one argument that tells most. What is meant to be kept secret is not told."""
    if task.keywords.no_log not in (None, False):
        return ""
    args = task.action.args
    names = ("name", "path", "dest", "msg", "cmd", "that", "key", "var")
    found = task.action.free_form or next((args[each] for each in names if each in args), "")
    return shortened(found, 40) if isinstance(found, str) else ""


def task_detail(task: Task) -> str:
    """Its module, or the file or role that an include leads to."""
    if not task.name:
        return "role" if task.action.name in ROLE_INCLUDES else ""
    if task.action.name in INCLUDES:
        return f"{task.action.name} {shortened(target(task.action))}"
    return task.action.name


def block_label(block: Block) -> str:
    """Its name, if it has one."""
    return shortened(block.name, 100) if block.name else "block"


def conditions(own: Keywords, above: Keywords) -> str:
    """What is required beside what is required above."""
    size = len(above.when)
    added = own.when[size:] if own.when[:size] == above.when else own.when
    found = [_condition(each) for each in added]
    alone = len(found) == 1
    return " and ".join(each if alone or " or " not in each else f"({each})" for each in found)


def _condition(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())


def own_tags(own: Keywords, above: Keywords) -> tuple[str, ...]:
    """Tags that those above don't have."""
    return tuple(str(tag) for tag in own.tags if tag not in above.tags)


def loop_text(loop: Loop | None) -> str:
    """What is gone through; empty for none."""
    if loop is None:
        return ""
    name = f"with_{loop.lookup} " if loop.lookup else ""
    value = loop.value
    if isinstance(value, (list, tuple)):
        return f"{name}{len(value)} items"
    if isinstance(value, Mapping):
        return f"{name}{', '.join(map(str, value))}"
    return shortened(f"{name}{value}")
