"""Mappings put together: ``dict_transformations`` and ``ansible.utils.vars``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any


def dict_merge(a: Any, b: Any) -> Any:
    """A copy of ``a`` with ``b`` in it, which wins, at any depth."""
    if not isinstance(b, Mapping):
        return b
    found = deepcopy(dict(a))
    for key, value in b.items():
        both = key in found and isinstance(found[key], Mapping)
        found[key] = dict_merge(found[key], value) if both else deepcopy(value)
    return found


def merge_hash(x: Any, y: Any, recursive: bool = True, list_merge: str = "replace") -> Any:
    """``x`` with ``y`` in it, as the filter ``combine`` does it."""
    from opsrun.playbook.templating.library import Library

    combine = Library.standard().filters.table["combine"]
    return combine(x, y, recursive=recursive, list_merge=list_merge)


def combine_vars(a: Any, b: Any, merge: Any = None) -> Any:
    """``a`` with ``b`` in it."""
    return {**a, **b}


def camel_dict_to_snake_dict(camel_dict: Any, reversible: bool = False, **options: Any) -> Any:
    """Keys like ``someName`` as ``some_name``, at any depth."""
    if isinstance(camel_dict, list):
        return [camel_dict_to_snake_dict(each) for each in camel_dict]
    if not isinstance(camel_dict, Mapping):
        return camel_dict
    return {_snake(str(k)): camel_dict_to_snake_dict(v) for k, v in camel_dict.items()}


def _snake(name: str) -> str:
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def snake_dict_to_camel_dict(snake_dict: Any, capitalize_first: bool = False) -> Any:
    """Keys like ``some_name`` as ``someName``, at any depth."""
    if isinstance(snake_dict, list):
        return [snake_dict_to_camel_dict(each, capitalize_first) for each in snake_dict]
    if not isinstance(snake_dict, Mapping):
        return snake_dict
    return {
        _camel(str(k), capitalize_first): snake_dict_to_camel_dict(v, capitalize_first)
        for k, v in snake_dict.items()
    }


def _camel(name: str, capitalize_first: bool) -> str:
    first, *rest = name.split("_")
    first = first.capitalize() if capitalize_first else first
    return first + "".join(part.capitalize() or "_" for part in rest)
