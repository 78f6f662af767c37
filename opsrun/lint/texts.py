"""The templates and conditions of a file, each inspected once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template, Unsafe, holds_template
from opsrun.lint.view import FileView
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.parse.spot import Spot
from opsrun.playbook.templating import inspecting
from opsrun.playbook.templating.inspecting import Inspection

CONDITIONS = ("when", "until", "changed_when", "failed_when")


class Text(NamedTuple):
    """A template, or a condition."""

    source: str
    origin: Origin
    inspection: Inspection
    kind: str
    """``value``, ``condition`` or ``file``."""
    key: str = ""
    """The key that it stands under."""
    sets: frozenset[str] = frozenset()
    """Names that it sets for other files that include it."""


_SET = re.compile(r"\{%-?\s*(?:set|macro)\s+(\w+)")


def texts(view: FileView) -> list[Text]:
    """All of a file's."""
    known = view.__dict__.get("texts")
    if known is None:
        known = view.__dict__["texts"] = list(_texts(view))
    found: list[Text] = known
    return found


def _texts(view: FileView) -> Iterator[Text]:
    if view.found.kind == "template":
        origin = Origin(view.path, 1, 1)
        sets = frozenset(_SET.findall(view.text))
        yield Text(view.text, origin, inspecting.of_file(view.text, view.path), "file", sets=sets)
        return
    for leaf in view.leaves:
        if isinstance(leaf.value, Template):
            found = inspecting.of_value(str.__str__(leaf.value))
            yield Text(leaf.value, leaf.origin, found, "value", leaf.name)
    for spot, node, _ in view.seen:
        if node is not None:
            yield from _conditions(spot, node)


def _conditions(spot: Spot, node: Any) -> Iterator[Text]:
    for key in CONDITIONS:
        yield from _condition(spot, spot.data, key)
    if not isinstance(node, Task):
        return
    if isinstance(spot.data.get("loop_control"), dict):
        yield from _condition(spot, spot.data["loop_control"], "break_when")
    if node.action.name in ("assert", "debug"):
        key = "that" if node.action.name == "assert" else "var"
        args = spot.data.get(node.action.written)
        if isinstance(args, dict):
            yield from _condition(spot, args, key)


def _condition(spot: Spot, container: Any, key: str) -> Iterator[Text]:
    value = container.get(key)
    items = value if isinstance(value, list) else [value]
    for number, each in enumerate(items):
        if not isinstance(each, str) or isinstance(each, (Template, Unsafe)):
            continue
        if not each.strip() or holds_template(each):
            continue
        place = (value, number) if isinstance(value, list) else (container, key)
        origin = spot.document.value_origin(*place)
        yield Text(each, origin, inspecting.of_condition(each.strip()), "condition", key)
