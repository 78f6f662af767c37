"""Keywords that plays, roles, blocks, includes and tasks hand down to what is below them.

A value may hold a `Template`; then it is resolved at the task's turn, with the host's variables.
``None`` is "written nowhere", so that a default, an inventory variable or an option can decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Keywords:
    """What is in force for one task or block, its parents' share included.

    Lists are outermost first: the conditions of a play's role come before those of a block in it,
    and those before a task's own.
    """

    when: tuple[Any, ...] = ()
    """Conditions that must all hold; each an expression (text), a template or a truth value."""
    tags: tuple[str, ...] = ()
    """Own and inherited, each once."""
    environment: tuple[Any, ...] = ()
    """Mappings, templates that give one, or lists of either; later ones win."""
    become: Any = None
    become_user: Any = None
    become_method: Any = None
    become_flags: Any = None
    become_exe: Any = None
    connection: Any = None
    remote_user: Any = None
    port: Any = None
    check_mode: Any = None
    diff: Any = None
    no_log: Any = None
    run_once: Any = None
    ignore_errors: Any = None
    ignore_unreachable: Any = None
    any_errors_fatal: Any = None
    throttle: Any = None
    timeout: Any = None
    """Seconds that the task's action may take."""
    retries_unreachable: Any = None
    """Further attempts at a task whose host can't be reached."""
    delegate_to: Any = None
    delegate_facts: Any = None
    debugger: Any = None
    collections: tuple[str, ...] = ()
    module_defaults: tuple[Mapping[str, Any], ...] = ()
    above: Keywords | None = None
    """Those around it, where a template here may come to ``omit``: then theirs is in force."""


@dataclass(frozen=True, slots=True)
class LoopControl:
    """``loop_control``."""

    loop_var: Any = "item"
    index_var: Any = None
    label: Any = None
    pause: Any = 0
    extended: Any = False
    extended_allitems: Any = True
    break_when: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Loop:
    """What a task goes through."""

    lookup: str | None
    """``items`` of ``with_items``, ``dict`` of ``with_dict`` …; None for ``loop``."""
    value: Any
    control: LoopControl = field(default_factory=LoopControl)
