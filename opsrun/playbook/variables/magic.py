"""Variables that nobody sets: what Ansible's documentation calls special variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsrun.inventory import Host, Inventory
from opsrun.playbook.messages import RunTask
from opsrun.playbook.model.nodes import Role, Task
from opsrun.playbook.variables.roles import dependencies
from opsrun.playbook.variables.settings import VERSION, RunSettings

if TYPE_CHECKING:
    from opsrun.playbook.variables.playscope import PlayScope

Makers = Mapping[str, Callable[[], Any]]
_PREFIX = "ansible_"


MAGIC = frozenset(
    {
        *("inventory_hostname", "inventory_hostname_short", "group_names", "groups", "hostvars"),
        *("vars", "omit", "environment", "ansible_facts", "ansible_check_mode"),
        *("ansible_diff_mode", "ansible_version", "ansible_play_hosts", "ansible_play_batch"),
        *("ansible_play_hosts_all", "ansible_play_name", "play_hosts", "playbook_dir"),
        *("inventory_dir", "inventory_file"),
    }
)
"""Names that nobody can set: what is worked out wins over everything."""


def namespaced(facts: Mapping[str, Any]) -> dict[str, Any]:
    """``ansible_facts``: facts without their prefix; ``ansible_local`` is called both ways."""
    found = {name.removeprefix(_PREFIX): value for name, value in facts.items()}
    if "ansible_local" in facts:
        found["ansible_local"] = facts["ansible_local"]
    return found


def of_run(settings: RunSettings, groups: Callable[[], Any]) -> Makers:
    """The same for every host."""
    same: dict[str, Any] = {
        "ansible_check_mode": settings.check,
        "ansible_diff_mode": settings.diff,
        "ansible_forks": settings.forks,
        "ansible_verbosity": settings.verbosity,
        "ansible_version": VERSION,
        "ansible_run_tags": _words(settings.tags),
        "ansible_skip_tags": _words(settings.skip_tags),
        "ansible_inventory_sources": list(settings.inventory_sources),
        "ansible_playbook_python": sys.executable,
        "ansible_config_file": settings.config_file,
    }
    if settings.limit is not None:
        same["ansible_limit"] = settings.limit
    return {**{name: _always(value) for name, value in same.items()}, "groups": groups}


def _words(given: Iterable[str]) -> list[str]:
    """Tags as they stand on a command line, each perhaps several with commas."""
    return [word.strip() for text in given for word in text.split(",") if word.strip()]


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value


def of_host(host: Host, inventory: Callable[[], Inventory], facts: Mapping[str, Any]) -> Makers:
    """A host's own, whatever is done there."""
    return {
        "inventory_hostname": _always(host.name),
        "inventory_hostname_short": _always(_short(host.name)),
        "group_names": lambda: _group_names(host, inventory()),
        "inventory_dir": lambda: _folder(host),
        "inventory_file": lambda: _file(host),
        "ansible_facts": lambda: namespaced(facts),
    }


def _short(name: str) -> str:
    return name if name.replace(".", "").isdigit() else name.split(".")[0]


def _group_names(host: Host, inventory: Inventory) -> list[str]:
    # As it is now: group_by may have put it into more groups since.
    known = inventory.hosts.get(host.name)
    return sorted((known or host).groups)


def _file(host: Host) -> str | None:
    if host.origin.kind == "implicit":
        return None
    # A list of names on the command line is shown as it was given.
    path = os.path.abspath(host.origin.path)
    return path if os.path.exists(path) else host.origin.path


def _folder(host: Host) -> str | None:
    path = _file(host)
    return None if path is None or not os.path.exists(path) else os.path.dirname(path)


def of_play(scope: PlayScope, order: RunTask | None) -> Makers:
    """A play's, and how far it has come."""
    everybody = scope.hosts
    removed = frozenset(order.removed) if order else frozenset()
    batch = list(order.batch) if order else []

    def left() -> list[str]:
        return [name for name in everybody if name not in removed]

    play = scope.play
    return {
        "ansible_play_name": _always(scope.name),
        "ansible_play_hosts_all": lambda: list(everybody),
        "ansible_play_hosts": left,
        "ansible_play_batch": _always(batch),
        "play_hosts": _always(batch),
        "playbook_dir": _always(os.path.dirname(os.path.abspath(play.path))),
        "ansible_play_role_names": lambda: _names(scope.roles),
        "ansible_role_names": lambda: list(dict.fromkeys(_names(_with_dependencies(scope.roles)))),
        "ansible_dependent_role_names": lambda: list(
            dict.fromkeys(_names(dependencies(scope.roles)))
        ),
        "role_names": lambda: _names(scope.roles),
    }


def _names(roles: Iterable[Role]) -> list[str]:
    return [role.name for role in roles]


def _with_dependencies(roles: Sequence[Role]) -> Iterator[Role]:
    yield from dependencies(roles)
    yield from roles


def of_task(task: Task, environment: Any) -> Makers:
    """A task's, and its role's."""
    makers: dict[str, Callable[[], Any]] = {"environment": _always(environment)}
    role = task.role
    if role is not None:
        makers |= _of_role(role)
    return makers


def _of_parents(role: Role) -> Makers:
    return {
        "ansible_parent_role_names": lambda: [each.name for each in reversed(role.includers)],
        "ansible_parent_role_paths": lambda: [
            os.path.abspath(each.path) for each in reversed(role.includers)
        ],
    }


def _of_role(role: Role) -> Makers:
    short = role.name.removeprefix(f"{role.collection}.")
    return {
        "role_name": _always(short),
        "role_path": lambda: os.path.abspath(role.path),
        "role_uuid": _always(role.path),
        "ansible_role_name": _always(role.name),
        "ansible_collection_name": _always(role.collection),
        **(_of_parents(role) if role.includers else {}),
    }


def described(task: Task) -> dict[str, Any]:
    """``ansible_failed_task``: a task as it stands in its file."""
    keywords, action = task.keywords, task.action
    free = {} if action.free_form is None else {"_raw_params": action.free_form}
    return {
        "name": task.name,
        "action": action.name,
        "args": {**action.args, **free},
        "register": task.register,
        "when": list(keywords.when),
        "tags": list(keywords.tags),
        "notify": list(task.notify),
        "delegate_to": keywords.delegate_to,
        "become": keywords.become,
        "become_user": keywords.become_user,
        "ignore_errors": keywords.ignore_errors,
        "no_log": keywords.no_log,
        "run_once": keywords.run_once,
    }
