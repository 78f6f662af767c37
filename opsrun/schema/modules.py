"""Schemas of modules and actions: what tasks may write behind their names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from opsrun.modules import registry
from opsrun.modules.base import Module
from opsrun.modules.declaring import Option, Spec, spec
from opsrun.modules.resolving import RAW_PARAMS
from opsrun.playbook.actions.meta import KNOWN
from opsrun.playbook.actions.registry import find_action, known_actions
from opsrun.playbook.parse.meanings import INCLUDE_OPTIONS
from opsrun.playbook.parse.meanings import INCLUDES as INCLUDE_MEANINGS
from opsrun.playbook.parse.names import (
    FREE_FORM,
    IMPORTS,
    INCLUDES,
    PREFIXES,
    ROLE_ARGS,
    ROLE_IMPORTS,
    ROLE_INCLUDES,
    TASK_IMPORTS,
    TASK_INCLUDES,
    TASKS_ARGS,
    TEXT_TOO,
)
from opsrun.schema.values import SCALAR, TEMPLATE, Schema, of_option, one_of, ref, told

_ROLES = ROLE_INCLUDES | ROLE_IMPORTS
_FILES = TASK_INCLUDES | TASK_IMPORTS
_WORDS: Schema = {"pattern": r"^\s*$|=|^\s*\{\{"}
"""``name=value`` words, or one template that gives arguments."""


def spellings(name: str) -> tuple[str, ...]:
    """A module's names, the short one first."""
    return (name,) if "." in name else (name, *(prefix + name for prefix in PREFIXES))


def module_classes() -> dict[str, type[Module]]:
    """Every module and action that has parameters of its own, by short name, sorted."""
    found: dict[str, type[Module]] = {}
    for name in {*registry.known_names(), *known_actions()}:
        kind = find_action(name) or registry.find(name)
        if kind is not None:
            found[name] = kind
    return dict(sorted(found.items()))


def known_spellings() -> tuple[str, ...]:
    """Every name that a task may have for a module, an action, an import or an include."""
    names = (*module_classes(), *sorted(INCLUDES | IMPORTS))
    return tuple(dict.fromkeys(each for name in names for each in spellings(name)))


def properties() -> dict[str, Schema]:
    """By every spelling, what stands behind it."""
    found: dict[str, Schema] = {}
    for name, kind in module_classes().items():
        words = first_line(spec(kind).doc)
        found |= dict.fromkeys(spellings(name), told(ref(f"module-{name}"), words))
    for name in sorted(INCLUDES | IMPORTS):
        words = INCLUDE_MEANINGS[name]
        found |= dict.fromkeys(spellings(name), told(ref(f"module-{name}"), words))
    return found


def definitions() -> dict[str, Schema]:
    """For each module its arguments wherever they stand, and what makes them complete."""
    found: dict[str, Schema] = {}
    for name, kind in module_classes().items():
        data = spec(kind)
        found[f"options-{name}"] = _options(name, data)
        found[f"module-{name}"] = _forms(ref(f"options-{name}"), name)
        found[f"complete-{name}"] = _complete(data)
    for name in sorted(INCLUDES | IMPORTS):
        found[f"module-{name}"] = _include(name)
    return found


def complete() -> list[Schema]:
    """What holds of a task whose arguments all stand behind its module's name."""
    found: list[Schema] = []
    for name, kind in module_classes().items():
        if _complete(spec(kind)):
            named = dict.fromkeys(spellings(name), ref(f"complete-{name}"))
            found.append({"properties": named})
    for names, needed in ((_ROLES, ("name", "role")), (_FILES, ("file", RAW_PARAMS))):
        target = {"not": {"type": "null"}, "if": {"type": "object"}, "then": _any_of(needed)}
        named = {each: target for name in sorted(names) for each in spellings(name)}
        found.append({"properties": named})
    return found


def first_line(doc: str) -> str:
    """The first sentence or paragraph of a docstring, as one line."""
    return " ".join(doc.split("\n\n", 1)[0].split())


def _options(name: str, data: Spec) -> Schema:
    found = {each: _option(name, option) for option in data.options for each in _names(option)}
    if data.free_form is not None:
        found[RAW_PARAMS] = SCALAR
    made: Schema = {"properties": found}
    if not data.open:
        made["additionalProperties"] = False
    rules: list[Schema] = [
        {"not": {"allOf": [_has(data, one), _has(data, other)]}}
        for group in data.rules.exclusive
        for one, other in combinations(group, 2)
    ]
    return made | (_of_objects(rules) if rules else {})


def _of_objects(rules: list[Schema]) -> Schema:
    """Rules about what is there; of a text they would all hold, and their contrary not."""
    return {"if": {"type": "object"}, "then": {"allOf": rules}}


def _names(option: Option) -> tuple[str, ...]:
    return (option.name, *option.aliases)


def _option(module: str, option: Option) -> Schema:
    choices = KNOWN if (module, option.name) == ("meta", "action") else option.choices
    value = _chosen(choices) if choices else of_option(option.kind)
    if option.kind == "list":
        value = _list(option, choices)
    found = told(value, option.doc) if option.doc else {"allOf": [value]}
    return found | _default(option)


def _default(option: Option) -> Schema:
    if option.default is None or option.required or option.secret:
        return {}
    default = list(option.default) if isinstance(option.default, tuple) else option.default
    try:
        json.dumps(default)
    except TypeError:
        return {}
    return {"default": default}


def _chosen(choices: tuple[Any, ...]) -> Schema:
    """One of them; what YAML reads as a truth value may mean a choice of that name."""
    found = [*choices, *(str(each) for each in choices if not isinstance(each, str))]
    for word, truth in (("yes", True), ("on", True), ("true", True), ("no", False)):
        if word in choices:
            found.append(truth)
    if {"off", "false"} & {str(each) for each in choices}:
        found.append(False)
    once = [each for number, each in enumerate(found) if not _is_in(each, found[:number])]
    return one_of({"enum": [*once, None]}, TEMPLATE)


def _is_in(value: Any, values: list[Any]) -> bool:
    """As JSON tells them apart: 1 is not true."""
    return any(value == each and type(value) is type(each) for each in values)


def _list(option: Option, choices: tuple[Any, ...]) -> Schema:
    if choices:
        entry = _chosen(choices)
        return one_of({"type": "array", "items": entry}, {"type": ["string", "null"]})
    if option.elements is None:
        return of_option("list")
    entries: Schema = {"type": "array", "items": of_option(option.elements)}
    return one_of(entries, {"type": ["string", "number", "boolean", "null"]})


def _forms(options: Schema, name: str) -> Schema:
    """Options as a mapping, as text, or none."""
    made: Schema = {"type": ["object", "string", "null"], "allOf": [options]}
    if name == "meta":
        words = [{"enum": list(KNOWN)}, TEMPLATE, {"pattern": "="}]
        return made | {"if": {"type": "string"}, "then": {"anyOf": words}}
    return made if name in TEXT_TOO | FREE_FORM else made | _WORDS


def _complete(data: Spec) -> Schema:
    """What has to be there beside what is; only of a mapping, whose names are seen."""
    rules = [*_required(data), *_together(data), *_conditional(data)]
    return _of_objects(rules) if rules else {}


def _required(data: Spec) -> Iterator[Schema]:
    for option in data.options:
        if option.required:
            yield _has(data, option.name)
    for group in data.rules.one_of:
        yield {"anyOf": [_has(data, name) for name in group]}


def _together(data: Spec) -> Iterator[Schema]:
    for group in data.rules.together:
        every = [_has(data, name) for name in group]
        yield {"anyOf": [{"allOf": every}, {"not": {"anyOf": every}}]}


def _conditional(data: Spec) -> Iterator[Schema]:
    for name, wanted, needed in data.rules.required_if:
        option = data.find(name)
        assert option is not None
        is_so: Schema = {
            "anyOf": [
                {"required": [each], "properties": {each: {"enum": [wanted]}}}
                for each in _names(option)
            ]
        }
        if option.default == wanted:
            is_so["anyOf"].append({"not": _has(data, name)})
        yield {"if": is_so, "then": {"allOf": [_has(data, each) for each in needed]}}


def _has(data: Spec, name: str) -> Schema:
    """An option is there, by one of its names."""
    option = data.find(name)
    names = _names(option) if option is not None else (name,)
    if data.free_form is not None and option is not None and option.name == data.free_form:
        names = (*names, RAW_PARAMS)
    return _any_of(names)


def _any_of(names: tuple[str, ...]) -> Schema:
    found: list[Schema] = [{"required": [each]} for each in names]
    return found[0] if len(found) == 1 else {"anyOf": found}


def include_options(name: str) -> dict[str, str]:
    """What an import or include takes, by name, sorted; with a line on each."""
    known = set(ROLE_ARGS if name in _ROLES else TASKS_ARGS) - {RAW_PARAMS, "apply"}
    more = {"apply"} if name in INCLUDES else set()
    return {each: INCLUDE_OPTIONS.get(each, "") for each in sorted(known | more)}


def _include(name: str) -> Schema:
    options: dict[str, Schema] = {
        each: told(ref("apply") if each == "apply" else SCALAR, words)
        for each, words in include_options(name).items()
    }
    if name in _FILES:
        options[RAW_PARAMS] = SCALAR
    made: Schema = {"properties": options, "additionalProperties": False}
    return _forms(made, name) | {"minLength": 1}
