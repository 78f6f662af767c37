"""Schemas of keywords: which there are is the parser's to say, and of most what they take, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from opsrun.playbook.model.gates import GATE_NAME
from opsrun.playbook.parse.gates import ENTRY
from opsrun.playbook.parse.meanings import LOOP_CONTROL as LOOP_MEANINGS
from opsrun.playbook.parse.meanings import MEANINGS
from opsrun.playbook.parse.meanings import VARS_PROMPT as PROMPT_MEANINGS
from opsrun.playbook.parse.names import DELEGATION, LOOP_CONTROL, ORDERS, SHARED, VARS_PROMPT, Kind
from opsrun.schema.modules import spellings
from opsrun.schema.values import (
    BLANK,
    NAMES,
    SCALAR,
    TEMPLATE,
    Schema,
    of_keyword,
    one_of,
    ref,
    several,
    told,
)

_KINDS: Mapping[str, Kind] = {
    **SHARED,
    **DELEGATION,
    "name": "text",
    "strategy": "text",
    "fact_path": "text",
    "user": "text",
    "gather_facts": "bool",
    "gather_subset": "list",
    "gather_timeout": "int",
    "force_handlers": "bool",
    "max_fail_percentage": "percent",
    "retries": "int",
    "retries_unreachable": "int",
    "max_hosts": "int",
    "rescue_unreachable": "bool",
    "delay": "number",
    "async": "int",
    "poll": "number",
}
_CONDITIONS = several(SCALAR)
_TEXTS = one_of({"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}})
_TEXT: Schema = {"type": "string", "pattern": r"\S"}
_MAPPINGS = one_of({"type": "object"}, TEMPLATE, BLANK)
_SIZE = one_of(of_keyword("int"), {"type": "string", "pattern": r"^\s*[+-]?\d+(\.\d*)?\s*%\s*$"})
_PATHS = one_of({"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}})
_GATE = one_of({"type": "string", "pattern": f"^(?:{GATE_NAME.pattern})$"}, TEMPLATE, BLANK)

_SHAPES: Mapping[str, Schema] = {
    "action": ref("action"),
    "local_action": ref("action"),
    "args": _MAPPINGS,
    "after": _TEXTS,
    "awaits": ref("awaited"),
    "canary": several(_SIZE),
    "collections": _TEXTS,
    "environment": several(_MAPPINGS),
    "gates": ref("awaited"),
    "health": ref("awaited"),
    "hosts": one_of(_TEXT, {"type": "array", "minItems": 1, "items": _TEXT}),
    "loop_control": ref("loop-control"),
    "module_defaults": one_of(
        ref("module-defaults"), {"type": "array", "items": ref("module-defaults")}, BLANK
    ),
    "opens": several(_GATE),
    "order": one_of({"enum": [*ORDERS, None]}, TEMPLATE),
    "register": one_of({"type": "string", **NAMES}, BLANK),
    "role": _TEXT,
    "roles": {"type": ["array", "null"], "items": ref("role-entry")},
    "serial": several(_SIZE),
    "tags": one_of(
        {"type": ["string", "null"]},
        {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}},
    ),
    "vars": ref("vars"),
    "vars_files": one_of(_PATHS, {"type": "array", "items": _PATHS}, BLANK),
    "vars_prompt": one_of(ref("question"), {"type": "array", "items": ref("question")}, BLANK),
    **dict.fromkeys(("when", "until", "changed_when", "failed_when"), _CONDITIONS),
    **dict.fromkeys(("notify", "listen"), several(SCALAR)),
    **dict.fromkeys(("pre_tasks", "tasks", "post_tasks"), ref("tasks")),
    "handlers": ref("handlers"),
}
"""What can't be said by a kind."""


def kind_of(name: str) -> Kind | None:
    """What a keyword's value is read as; None where that is more than a word."""
    return _KINDS.get(name)


def keyword(name: str) -> Schema:
    """What a keyword takes, and what it is for; of one that nothing is said of, anything."""
    kind = _KINDS.get(name)
    found = of_keyword(kind) if kind is not None else _SHAPES.get(name, {})
    return told(found, MEANINGS[name]) if name in MEANINGS else found


def keywords(names: Iterable[str]) -> dict[str, Schema]:
    """The same for several, sorted by name."""
    return {name: keyword(name) for name in sorted(names)}


def definitions() -> dict[str, Schema]:
    """What `keyword` refers to, tasks left out."""
    return {
        "vars": {"type": ["object", "null"], "propertyNames": NAMES},
        "loop-control": _closed(LOOP_CONTROL, _LOOP, LOOP_MEANINGS),
        "question": _closed(VARS_PROMPT, _QUESTION, PROMPT_MEANINGS) | {"required": ["name"]},
        "awaited": one_of(_TEXT, _ENTRY, {"type": "array", "items": one_of(_TEXT, _ENTRY)}, BLANK),
        "module-defaults": _module_defaults(),
    }


_LOOP: Mapping[str, Schema] = {
    **dict.fromkeys(("extended", "extended_allitems"), of_keyword("bool")),
    **dict.fromkeys(("loop_var", "index_var"), of_keyword("text")),
    "pause": of_keyword("number"),
    "break_when": _CONDITIONS,
}
_QUESTION: Mapping[str, Schema] = {
    **dict.fromkeys(("private", "confirm", "unsafe"), of_keyword("bool")),
    **dict.fromkeys(("encrypt", "salt"), of_keyword("text")),
    "name": {"type": "string", **NAMES},
    "salt_size": of_keyword("int"),
}
_ENTRY: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("gate", "check"), several(_TEXT)),
        "any": of_keyword("int"),
        "timeout": of_keyword("number"),
    },
    "propertyNames": {"enum": list(ENTRY)},
    "oneOf": [{"required": ["gate"]}, {"required": ["check"]}],
}


def _closed(
    names: Iterable[str], shapes: Mapping[str, Schema], meanings: Mapping[str, str]
) -> Schema:
    found = {
        name: told(shapes.get(name, {}), meanings[name]) if name in meanings else {}
        for name in sorted(names)
    }
    return {"type": ["object", "null"], "properties": found, "additionalProperties": False}


def _module_defaults() -> Schema:
    """What is not known is left open: groups of modules, and modules of other collections."""
    from opsrun.schema.modules import module_classes

    known = {
        each: {"type": ["object", "string", "null"], "allOf": [ref(f"options-{name}")]}
        for name in module_classes()
        for each in spellings(name)
    }
    return {"type": "object", "properties": known}
