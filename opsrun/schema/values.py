"""Schemas of values: what the parser's and the modules' kinds take, templates among it.

Draft 7 of JSON Schema: what editors understand best. There, nothing beside a ``$ref`` counts, so a
description goes around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from keyword import kwlist
from typing import Any, get_args

from opsrun.modules import coercion
from opsrun.modules.declaring import KINDS
from opsrun.playbook.parse import checks
from opsrun.playbook.parse.names import Kind

Schema = dict[str, Any]

BLANK: Schema = {"type": "null"}
TEMPLATE: Schema = {"type": "string", "pattern": r"\{[{%#]|^\s*\$ANSIBLE_VAULT"}
"""A text that Jinja reads, or an encrypted one: what it comes to isn't known here."""
SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
NAMES: Schema = {"pattern": NAME_PATTERN, "not": {"enum": kwlist}}
"""What variables may be called."""
_NUMBER = r"^\s*[+-]?\d+(\.\d*)?\s*$"
_WHOLE = r"^\s*[+-]?\d+\s*$"
_PERCENT = r"^\s*[+-]?\d+(\.\d*)?\s*%?\s*$"


def ref(name: str) -> Schema:
    """A reference to one of the document's definitions."""
    return {"$ref": f"#/definitions/{name}"}


def told(schema: Schema, words: str) -> Schema:
    """``schema`` with a description."""
    return (
        {"description": words, "allOf": [schema]}
        if "$ref" in schema
        else schema | {"description": words}
    )


def one_of(*schemas: Schema) -> Schema:
    """Any of them."""
    return {"anyOf": list(schemas)}


def several(entry: Schema) -> Schema:
    """A list of such entries, or a single one."""
    return one_of(entry, {"type": "array", "items": entry})


def exactly(word: str) -> str:
    """A pattern for a word in any case of letters; ECMA 262 has no sign for that."""
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else re.escape(c) for c in word)


def _truth(words: Iterable[str]) -> Schema:
    said = "|".join(exactly(word) for word in sorted(words))
    return one_of(
        {"type": "boolean"},
        {"type": "string", "pattern": rf"^\s*({said})\s*$"},
        {"enum": [0, 1]},
        TEMPLATE,
        BLANK,
    )


def _texts(kind: str, pattern: str) -> Schema:
    return one_of({"type": kind}, {"type": "string", "pattern": pattern}, TEMPLATE, BLANK)


_LIST: Schema = {"type": ["array", "string", "number", "boolean", "null"]}

_KEYWORDS: Mapping[str, Schema] = {
    "bool": _truth(checks.TRUE | checks.FALSE),
    "int": _texts("integer", _WHOLE),
    "number": _texts("number", _NUMBER),
    "percent": _texts("number", _PERCENT),
    "text": SCALAR,
    "list": _LIST,
    "any": {},
}

_OPTIONS: Mapping[str, Schema] = {
    "str": SCALAR,
    "path": SCALAR,
    "bool": _truth(coercion.TRUE | coercion.FALSE),
    "int": _texts("integer", r"^\s*[+-]?\d+(\.0*)?\s*$"),
    "float": _texts("number", r"^\s*[+-]?(\d|\.\d|[Ii]nf)"),
    "list": _LIST,
    "dict": one_of({"type": "object"}, {"type": "string", "pattern": r"^\s*\{|="}, TEMPLATE, BLANK),
    "mode": one_of({"type": "integer", "minimum": 0, "maximum": 0o7777}, {"type": "string"}, BLANK),
    "bytes": _texts("number", r"^\s*\d*\.?\d*\s*[A-Za-z]*\s*$"),
    "json": {"type": ["string", "array", "object", "null"]},
    "raw": {},
}


def of_keyword(kind: Kind) -> Schema:
    """What a keyword of that kind takes."""
    return ref(f"keyword-{kind}")


def of_option(kind: str) -> Schema:
    """What a parameter of that kind takes."""
    return ref(f"option-{kind}")


def definitions() -> dict[str, Schema]:
    """What `of_keyword` and `of_option` refer to."""
    found = {f"keyword-{kind}": _KEYWORDS[kind] for kind in get_args(Kind)}
    return found | {f"option-{kind}": _OPTIONS[kind] for kind in KINDS}
