"""Texts that are a Python or JSON literal."""

from __future__ import annotations

import ast
import warnings
from typing import Any

_NAMES = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_LONGEST = 1 << 20


def literal(text: str) -> Any:
    """The list or dict that ``text`` spells, or ``text`` itself where it spells none.

    Nothing is evaluated: constants, lists, tuples, dicts, sets and signs; ``true``, ``false`` and
    ``null`` as JSON has them.
    """
    head = text.lstrip(" \n")[:1]
    if head not in ("[", "{") or len(text) > _LONGEST:
        return text
    try:
        return _value(_parsed(text.strip()))
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return text


def _parsed(text: str) -> ast.expr:
    if "\\" not in text:
        return ast.parse(text, mode="eval").body
    with warnings.catch_warnings():
        # Escapes that Python doesn't know stay as they are; nobody here has written Python.
        warnings.simplefilter("ignore")
        return ast.parse(text, mode="eval").body


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Constant(value=value) if not isinstance(value, (bytes, complex)):
            if value is ...:
                raise ValueError
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [_value(each) for each in items]
        case ast.Dict(keys=keys, values=values):
            if None in keys:
                raise ValueError
            pairs = zip(keys, values, strict=True)
            return {_value(key): _value(value) for key, value in pairs if key is not None}
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
    raise ValueError
