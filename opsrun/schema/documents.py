"""Whole documents: one schema for each kind of file, with all that it refers to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsrun.schema import files, keywords, modules, plays, tasks, values
from opsrun.schema.values import Schema, ref

DRAFT = "http://json-schema.org/draft-07/schema#"

_ROOTS: Mapping[str, tuple[str, Callable[[], Schema]]] = {
    "playbook": ("A playbook", plays.playbook),
    "tasks": ("A file of tasks", lambda: ref("tasks")),
    "handlers": ("A file of handlers", lambda: ref("handlers")),
    "vars": ("A file of variables", files.variables),
    "meta": ("Meta data of a role", files.meta),
    "argument-specs": ("Parameters of a role", files.argument_specs),
    "requirements": ("Roles and collections that are needed", files.requirements),
    "inventory": ("An inventory", files.inventory),
}

KINDS: tuple[str, ...] = tuple(_ROOTS)
"""The kinds of files there is a schema for."""


def schema(kind: str) -> dict[str, Any]:
    """The schema of a kind of file, as data for JSON. KeyError for a kind that there is not."""
    title, root = _ROOTS[kind]
    found = root()
    body = {"allOf": [found]} if "$ref" in found else found
    used = _needed(body, _definitions())
    return {"$schema": DRAFT, "title": f"{title}, as opsrun reads it", **body, "definitions": used}


def _definitions() -> dict[str, Schema]:
    parts = (values, modules, keywords, tasks, plays, files)
    return {name: each for part in parts for name, each in part.definitions().items()}


def _needed(body: Schema, known: Mapping[str, Schema]) -> dict[str, Schema]:
    """Those definitions that ``body`` leads to, sorted."""
    found: dict[str, Schema] = {}
    waiting = [body]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in found:
                found[name] = known[name]
                waiting.append(known[name])
    return dict(sorted(found.items()))


def _references(node: Any) -> set[str]:
    if isinstance(node, Mapping):
        target = node.get("$ref")
        own = {target.rpartition("/")[2]} if isinstance(target, str) else set()
        return own.union(*(_references(each) for each in node.values()))
    if isinstance(node, list):
        return set().union(*(_references(each) for each in node))
    return set()
