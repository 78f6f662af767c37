"""``meta/runtime.yml`` of a collection: names that were given to something else, or to nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import yaml

from opsrun.playbook.templating.library import PluginError


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
