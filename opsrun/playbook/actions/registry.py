"""Actions by name."""

from __future__ import annotations

from functools import cache

from opsrun.modules.registry import short_name
from opsrun.playbook.actions.base import Action
from opsrun.playbook.model.nodes import LOOPED


@cache
def _known() -> dict[str, type[Action]]:
    from opsrun.playbook.actions.arguments import ValidateArgumentSpec
    from opsrun.playbook.actions.hosts import AddHost, MakeGroup
    from opsrun.playbook.actions.meta import Meta
    from opsrun.playbook.actions.saying import Assert, Debug, Fail
    from opsrun.playbook.actions.variables import IncludeVars, SetFact, SetStats
    from opsrun.playbook.actions.waiting import Pause

    kinds = (
        AddHost,
        MakeGroup,
        Meta,
        Assert,
        Debug,
        Fail,
        IncludeVars,
        SetFact,
        SetStats,
        Pause,
        ValidateArgumentSpec,
    )
    return {kind.name: kind for kind in kinds}


INCLUDES = ("include_tasks", "include_role", LOOPED)
"""Done by the scheduler and the loader; a runner only says what is to be loaded."""


def find_action(name: str) -> type[Action] | None:
    """The action of a short or full name; None if a host does it, or nobody."""
    return _known().get(short_name(name))


def known_actions() -> tuple[str, ...]:
    """All names, sorted."""
    return tuple(sorted((*_known(), *(name for name in INCLUDES if name != LOOPED))))
