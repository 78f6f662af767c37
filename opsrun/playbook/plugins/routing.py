"""``meta/runtime.yml`` of a collection: names that were given to something else, or to nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import yaml

from opsrun.playbook.templating.library import PluginError

_ROOT, _ROLES = "ansible_collections.", "roles."


class Routing:
    """What one collection says.

    Args:
        data: of its ``meta/runtime.yml``.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        found = data.get("plugin_routing")
        self._routing = found if isinstance(found, Mapping) else {}
        groups = data.get("action_groups")
        self.action_groups = groups if isinstance(groups, Mapping) else {}
        imports = data.get("import_redirection")
        self._imports = imports if isinstance(imports, Mapping) else {}

    @staticmethod
    def of(folder: str) -> Routing:
        """That of the collection in ``folder``; an unreadable one says nothing."""
        return _read(folder)

    def target(self, kind: str, name: str, short: str, tell: Callable[[str], None]) -> str | None:
        """Where a name leads, None if nowhere else.

        Args:
            kind: ``filter``, ``test``, ``lookup``, ``modules`` …
            name: with its collection, for messages.
            short: without.
            tell: takes the warning of a name that will go.

        Raises:
            PluginError: it is gone.
        """
        entries = self._routing.get(kind)
        entry = entries.get(short) if isinstance(entries, Mapping) else None
        if not isinstance(entry, Mapping):
            return None
        gone, going = entry.get("tombstone"), entry.get("deprecation")
        if isinstance(gone, Mapping):
            words = f"the {kind} {name!r} was removed from its collection"
            raise PluginError(": ".join(filter(None, (words, _words(gone)))))
        if isinstance(going, Mapping):
            words = f"the {kind} {name!r} is deprecated by its collection"
            tell(": ".join(filter(None, (words, _words(going)))))
        target = entry.get("redirect")
        return target if isinstance(target, str) and target != name else None

    def role(self, collection: str, short: str) -> tuple[str, str] | None:
        """Where a role of this ``collection`` was moved to: a collection, and the name there; None
        if nowhere.

        Roles are told of where packages are, by names as of Python's: Ansible finds them by those,
        and takes no ``plugin_routing`` for them.
        """
        entry = self._imports.get(f"{_ROOT}{collection}.{_ROLES}{short}")
        target = entry.get("redirect") if isinstance(entry, Mapping) else None
        parts = target.removeprefix(_ROOT).split(".") if isinstance(target, str) else []
        if not str(target).startswith(_ROOT) or len(parts) < 4 or parts[2] + "." != _ROLES:
            return None
        return ".".join(parts[:2]), ".".join(parts[3:])


def _words(entry: Mapping[str, Any]) -> str:
    return str(entry.get("warning_text") or "").strip()


@lru_cache(maxsize=256)
def _read(folder: str) -> Routing:
    for ending in ("yml", "yaml"):
        try:
            with open(os.path.join(folder, "meta", f"runtime.{ending}"), "rb") as file:
                found = yaml.safe_load(file)
        except (OSError, yaml.YAMLError):
            continue
        return Routing(found if isinstance(found, dict) else {})
    return Routing({})
