"""Changes in the words of ``rsync -i``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from opsrun.modules.synchronizing.planning import Changes, Item
from opsrun.modules.wording import path_of
from opsrun.trees.entry import Entry, Kind


def lines_of(changes: Changes, arrow: str, alias: Mapping[bytes, bytes] | None = None) -> list[str]:
    """What ``rsync -i`` would say.

    Args:
        arrow: ``<`` for what is sent, ``>`` for what is received.
        alias: what entries are called at the source, where that is another name.
    """
    known = alias or {}
    lines = []
    for each in changes.items:
        named = replace(each.entry, path=known.get(each.entry.path, each.entry.path))
        lines.append(f"{_update(each, arrow)}{each.code} {_name(named)}")
    lines += [f'skipping non-regular file "{path_of(each)}"' for each in changes.skipped]
    # Told first, as there, though it is done last.
    lines += [f"cannot delete non-empty directory: {path_of(each)}" for each in changes.kept]
    gone = (*changes.cleared, *changes.gone)
    return [*lines, *(f"*deleting   {_name(each, link=False)}" for each in gone)]


def _update(item: Item, arrow: str) -> str:
    if not item.sent:
        return "."
    return arrow if item.entry.kind is Kind.FILE else "c"


def _name(entry: Entry, *, link: bool = True) -> str:
    if entry.kind is Kind.DIRECTORY:
        return f"{path_of(entry.path) or '.'}/"
    if entry.kind is Kind.LINK and link:
        return f"{path_of(entry.path)} -> {path_of(entry.target)}"
    return path_of(entry.path)
