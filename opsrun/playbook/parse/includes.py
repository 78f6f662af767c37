"""What dynamic includes may say, and which file or role they mean."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.errors import PlaybookError, did_you_mean
from opsrun.modules.coercion import BadValue, coerced
from opsrun.playbook.model.nodes import RawAction, Task
from opsrun.playbook.parse.above import Above, Kit
from opsrun.playbook.parse.checks import shown
from opsrun.playbook.parse.files import joined, unique
from opsrun.playbook.parse.names import (
    INCLUDE,
    ROLE_ARGS,
    ROLE_FROM,
    ROLE_IMPORTS,
    ROLE_INCLUDES,
    TASK_INCLUDES,
    TASKS_ARGS,
)
from opsrun.playbook.parse.spot import Spot

_ROLES = ROLE_INCLUDES | ROLE_IMPORTS


def check_include(spot: Spot, task: Task) -> None:
    """Raises PlaybookError for what a dynamic include doesn't take, and for what it lacks."""
    name = task.action.name
    for key in sorted(task.written - INCLUDE, key=lambda key: _line(spot, key)):
        words = f"{key!r} is not a keyword of {name}; to hand it to the tasks, put it into `apply`"
        spot.tell(spot.error(words, key), "unknown-keyword")
    check_arguments(spot, task.action)


def _line(spot: Spot, key: str) -> int:
    return spot.place(key).line or 0


def check_arguments(spot: Spot, action: RawAction) -> None:
    """Raises PlaybookError for an unknown argument of an import or include, or a missing one."""
    is_role = action.name in _ROLES
    known = ROLE_ARGS if is_role else TASKS_ARGS - {"_raw_params"}
    if action.name in TASK_INCLUDES | ROLE_INCLUDES:
        known |= {"apply"}
    else:
        known -= {"apply"}
    for name in action.args:
        if name not in known:
            hint = did_you_mean(name, known)
            message = f"{action.name} has no option {name!r}{hint}"
            spot.tell(_at(spot, action.places.get(name), message), "unknown-option")
    for name in ROLE_FROM:
        value = action.args.get(name)
        if is_role and isinstance(value, (list, dict)):
            message = f"Expected a string for {name} but got {shown(value)}"
            spot.tell(_at(spot, action.places.get(name), message), "keyword-value")
    if action.args_template is None and target(action) is None:
        what = "'name' of a role" if is_role else "file"
        message = f"{action.name} needs a {what}"
        spot.tell(_at(spot, action.origin, message), "missing-option")


def _at(spot: Spot, origin: Origin | None, message: str) -> PlaybookError:
    error = spot.document.error_at(message, origin or spot.origin)
    assert isinstance(error, PlaybookError)
    return error


def target(action: RawAction) -> Any:
    """The file or the role that an import or include names; None if it names none."""
    args = action.args
    if action.name in _ROLES:
        return args.get("name", args.get("role"))
    return action.free_form if action.free_form is not None else args.get("file")


_FOLDERS = ("playbook_dir", "role_path")


def rendered(kit: Kit, value: Any, variables: Mapping[str, Any], spot: Spot, origin: Origin) -> Any:
    """``value``, as it is known before any host is. PlaybookError if it isn't."""
    if not isinstance(value, Template):
        return value
    if kit.render is None:
        raise _at(spot, origin, "a static import's name can't be a template here")
    whole = {key: kit.files.real(variables[key]) for key in _FOLDERS if key in variables}
    try:
        return kit.render(value, {**variables, **whole})
    except PlaybookError as error:
        raise _at(
            spot,
            origin,
            f"{error.message}. What stands under 'roles' or is imported is read before any host "
            "is: its name may hold variables of vars, vars_files and -e only; include_tasks and "
            "include_role take all",
        ) from error


def truth(action: RawAction, key: str, value: Any, default: bool = True) -> bool:
    """The argument ``key``, rendered, as a truth value. PlaybookError if it is none."""
    if value in (None, "") or isinstance(value, bool):
        return default if value in (None, "") else value
    try:
        return bool(coerced("bool", value))
    except BadValue as bad:
        at = action.places.get(key, action.origin)
        words = f"{key}: {bad}"
        raise PlaybookError(words, path=at.path, line=at.line, column=at.column) from bad


def candidates(above: Above, name: str, *, dynamic: bool) -> Sequence[str]:
    """Where the task file ``name`` may be, the first that exists counts.

    In a role an import looks beside its own file first, and an include into the role's ``tasks``
    (of handlers, ``handlers``, and then ``tasks``) first, as ansible-core 2.18 does.
    """
    if os.path.isabs(os.path.expanduser(name)):
        return [os.path.expanduser(name)]
    found = [joined(above.folder, name)]
    if above.role is not None:
        part = "handlers" if above.handler else "tasks"
        own = joined(os.path.join(above.role.path, part), name)
        found = [own, *found] if dynamic else [*found, own]
        if above.handler:
            found.append(joined(os.path.join(above.role.path, "tasks"), name))
        found.append(joined(above.role.path, name))
    return unique([*found, joined(above.play.folder, name)])


def task_file(kit: Kit, above: Above, name: Any, origin: Origin, *, dynamic: bool = False) -> str:
    """The path of a task file. PlaybookError, with what was looked for, if there is none."""
    if not isinstance(name, str) or not name.strip():
        raise PlaybookError(
            f"expected the name of a task file, found {name!r}",
            path=origin.path,
            line=origin.line,
            column=origin.column,
        )
    tried = candidates(above, name.strip(), dynamic=dynamic)
    path = kit.files.first(tried)
    if path is None:
        raise PlaybookError(
            f"no task file {name!r}; looked for {', '.join(tried)}",
            path=origin.path,
            line=origin.line,
            column=origin.column,
        )
    return path
