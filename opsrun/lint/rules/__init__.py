"""The rules, by what they look at; each check gets a file and the project around it."""

from __future__ import annotations

from collections.abc import Callable

from opsrun.lint.project import Project
from opsrun.lint.view import FileView

Check = Callable[[FileView, Project], None]


def checks() -> tuple[Check, ...]:
    """All of them, in the order in which they are made."""
    from opsrun.lint.rules import (
        commands,
        files,
        fixes,
        habits,
        handlers,
        loops,
        modules,
        paths,
        reach,
        secrets,
        templates,
        variables,
    )

    rooms = (
        *(fixes, modules, templates, variables, handlers, paths, reach, loops),
        *(commands, files, habits, secrets),
    )
    return tuple(room.check for room in rooms)
