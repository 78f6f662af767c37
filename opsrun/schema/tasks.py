"""Schemas of tasks, handlers and blocks."""

from __future__ import annotations

from opsrun.playbook.parse.meanings import MEANINGS
from opsrun.playbook.parse.names import (
    BLOCK,
    GONE,
    HANDLER,
    IMPORTS,
    INCLUDE,
    INCLUDES,
    ROLE_IMPORTS,
    ROLE_INCLUDES,
    TASK,
)
from opsrun.schema import modules
from opsrun.schema.keywords import keywords
from opsrun.schema.values import TEMPLATE, Schema, one_of, ref, told

_ACTIONS = ("action", "local_action")
_WITH: Schema = {"pattern": "^with_"}
_LOOPS: Schema = {"propertyNames": {"not": one_of({"enum": ["loop"]}, _WITH)}}
_ONE_LOOP: Schema = {"if": {"required": ["loop"]}, "then": {"propertyNames": {"not": _WITH}}}
_PARTS = frozenset({"block", "rescue", "always"})


def definitions() -> dict[str, Schema]:
    """Lists of tasks and handlers, and what may stand in them."""
    found: dict[str, Schema] = {
        "action": one_of(
            {"type": "string", "pattern": r"\S"},
            {
                "type": "object",
                "properties": {"module": {"type": "string"}},
                "required": ["module"],
            },
        ),
        "apply": one_of(
            {
                "type": "object",
                "properties": keywords(BLOCK - _PARTS),
                "additionalProperties": False,
            },
            TEMPLATE,
            {"type": "null"},
        ),
    }
    for what, names in (("task", TASK), ("handler", HANDLER)):
        found[what] = _task(names)
        found[f"{what}-block"] = _block(what)
        found[f"{what}s"] = {"type": ["array", "null"], "items": ref(f"{what}-item")}
        found[f"{what}-part"] = {"type": "array", "items": ref(f"{what}-item")}
        found[f"{what}-item"] = _item(what)
    return found


def _item(what: str) -> Schema:
    return {
        "type": ["object", "null"],
        "if": {"required": ["block"]},
        "then": {"if": {"type": "object"}, "then": ref(f"{what}-block")},
        "else": ref(what),
    }


def _block(what: str) -> Schema:
    parts = {name: told(ref(f"{what}-part"), MEANINGS[name]) for name in sorted(_PARTS)}
    return {
        "type": "object",
        "properties": keywords(BLOCK) | parts,
        "patternProperties": {"^with_": {}},
        "additionalProperties": False,
        "allOf": [_ONE_LOOP],
    }


def _task(names: frozenset[str]) -> Schema:
    known = [*modules.known_spellings(), *_ACTIONS]
    rules: list[Schema] = [
        {"if": _any(known), "then": _of_known(names, known), "else": _of_unknown(names)},
        {"if": {"not": {"required": ["args"]}}, "then": {"allOf": modules.complete()}},
        {"if": _any(_spelt(INCLUDES)), "then": _only(INCLUDE, _spelt(INCLUDES))},
        {"if": _any(_spelt(IMPORTS)), "then": _LOOPS},
        _ONE_LOOP,
    ]
    if "listen" in names:
        rules.append({"not": _any(_spelt(ROLE_IMPORTS | ROLE_INCLUDES))})
    return {
        "properties": keywords(names) | modules.properties(),
        "allOf": [{"if": {"type": "object"}, "then": rule} for rule in rules],
    }


def _of_known(names: frozenset[str], known: list[str]) -> Schema:
    """A task that names a module: what stands beside it is a keyword."""
    return {
        "propertyNames": one_of({"enum": sorted({*names, *known})}, _WITH),
        "oneOf": [{"required": [name]} for name in known],
    }


def _of_unknown(names: frozenset[str]) -> Schema:
    """One of a module that opsrun doesn't have: nobody knows what may stand behind its name."""
    gone = {*GONE, "rescue", "always", "listen", *modules.spellings("include")}
    no_module = one_of({"enum": sorted(names)}, _WITH)
    return {
        "not": {"propertyNames": no_module},
        "propertyNames": {"not": {"enum": sorted(gone - names)}},
    }


def _only(names: frozenset[str], also: list[str]) -> Schema:
    return {"propertyNames": one_of({"enum": sorted({*names, *also})}, _WITH)}


def _spelt(names: frozenset[str]) -> list[str]:
    return [each for name in sorted(names) for each in modules.spellings(name)]


def _any(names: list[str]) -> Schema:
    return {"anyOf": [{"required": [name]} for name in names]}
