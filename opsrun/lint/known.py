"""Names that exist in the world, whether or not opsrun has what they name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from opsrun.modules.registry import known_names, short_name
from opsrun.playbook.actions.registry import known_actions
from opsrun.playbook.templating.inspecting import plugins_of

_DATA = Path(__file__).parent / "data"
_STATIC = ("import_tasks", "import_role", "import_playbook", "include_tasks", "include_role")


def _rows(name: str) -> list[list[str]]:
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if line.strip() and not line.startswith("#")]


@cache
def modules() -> dict[str, str]:
    """Well-known modules: short name, and the collection that has it."""
    return {name: row[0] for row in _rows("modules.txt") for name in row[1:]}


@cache
def full_modules() -> frozenset[str]:
    """The same by full name."""
    return frozenset(f"{row[0]}.{name}" for row in _rows("modules.txt") for name in row[1:])


@cache
def collections() -> frozenset[str]:
    """Collections that have any of them."""
    return frozenset(row[0] for row in _rows("modules.txt"))


@cache
def own_modules() -> frozenset[str]:
    """Short names of everything that a task can name here."""
    return frozenset({*known_names(), *known_actions(), *_STATIC})


@cache
def plugins(kind: str) -> dict[str, str]:
    """Well-known filters, tests or lookups: short name, and the collection that has it."""
    rows = [row for row in _rows("plugins.txt") if row[0] == kind]
    return {name: row[1] for row in reversed(rows) for name in row[2:]}


@cache
def own_plugins(kind: str) -> frozenset[str]:
    """Names of those that opsrun has."""
    return frozenset(plugins_of(kind).table)


def is_own(module: str) -> bool:
    """Whether opsrun has the module or action."""
    return short_name(module) in own_modules()


def collection_of(name: str) -> str | None:
    """The collection that a short name is of; None where nobody knows it."""
    found = next((full for full in known_names() if full.endswith(f".{name}")), None)
    if found is not None:
        return found.rpartition(".")[0]
    return "ansible.builtin" if is_own(name) else modules().get(name)
