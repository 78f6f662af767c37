"""Entries of the reference, made of the declarations that opsrun itself goes by."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

from opsrun.errors import UsageError, did_you_mean
from opsrun.modules.declaring import Option, Rules, spec
from opsrun.modules.describing import Returned, described
from opsrun.playbook.parse.meanings import INCLUDES as INCLUDE_MEANINGS
from opsrun.playbook.parse.meanings import MEANINGS
from opsrun.playbook.parse.names import (
    BLOCK,
    HANDLER,
    IMPORT_PLAYBOOK,
    IMPORTS,
    INCLUDES,
    PLAY,
    ROLE_ENTRY,
    TASK,
    bare,
)
from opsrun.playbook.templating.library import Library, Plugins
from opsrun.schema.keywords import kind_of
from opsrun.schema.modules import first_line, include_options, module_classes

Kind = Literal["module", "keyword", "filter", "test", "lookup"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LEVELS: Mapping[str, frozenset[str]] = {
    "play": PLAY,
    "import_playbook": IMPORT_PLAYBOOK,
    "role entry": ROLE_ENTRY,
    "block": BLOCK,
    "task": TASK,
    "handler": HANDLER,
}
"""Where keywords may stand."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that a module takes."""

    name: str
    kind: str = "str"
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    elements: str | None = None
    aliases: tuple[str, ...] = ()
    doc: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of one name."""

    kind: Kind
    name: str
    synopsis: str = ""
    """In a line or two."""
    usage: str = ""
    """How it is written, where that is a matter of its own: a filter's arguments."""
    parameters: tuple[Parameter, ...] = ()
    rules: tuple[str, ...] = ()
    """What holds between parameters, each a sentence."""
    levels: tuple[str, ...] = ()
    """Where a keyword may stand."""
    takes: str = ""
    """What a keyword's value is read as."""
    returns: tuple[Returned, ...] = ()
    """Keys of a module's result."""
    examples: tuple[str, ...] = ()
    """Of a module's use: tasks."""
    unproven: str = ""
    """What of a module was never run against the real thing."""


def listed(kind: Kind | None = None) -> list[Entry]:
    """All there is, by kind and name."""
    return [entry for each in KINDS if kind in (None, each) for entry in _of_kind(each)]


@cache
def _of_kind(kind: Kind) -> tuple[Entry, ...]:
    return tuple(_READERS[kind]())


def find(name: str, kind: Kind | None = None) -> list[Entry]:
    """What goes by this name, in the order of `KINDS`; short or with its collection.

    Raises:
        UsageError: nothing does; with the nearest name.
    """
    entries = listed(kind)
    short = bare(name)
    found = [entry for entry in entries if short in (entry.name, _short(entry))]
    exact = [entry for entry in found if entry.name == short]
    if not found:
        what = kind or "module, keyword, filter, test or lookup"
        hint = did_you_mean(name, {entry.name for entry in entries})
        raise UsageError(f"there is no {what} {name!r}{hint}")
    return exact or found


def _short(entry: Entry) -> str:
    return entry.name.rpartition(".")[2] if entry.kind in ("filter", "test", "lookup") else ""


def _modules() -> Iterator[Entry]:
    found: dict[str, Entry] = {}
    for name, kind in module_classes().items():
        data = spec(kind)
        parameters = tuple(map(_parameter, data.options))
        rules = (*_free_form(data.free_form, data.open), *_rules(data.rules))
        more = described(kind)
        found[name] = Entry(
            "module",
            name,
            first_line(data.doc),
            parameters=parameters,
            rules=rules,
            returns=more.returns,
            examples=more.examples,
            unproven=more.unproven,
        )
    for name in INCLUDES | IMPORTS:
        parameters = tuple(
            Parameter(each, "dict" if each == "apply" else "str", doc=words)
            for each, words in include_options(name).items()
        )
        found[name] = Entry("module", name, INCLUDE_MEANINGS[name], "", parameters)
    yield from (found[name] for name in sorted(found))


def _parameter(option: Option) -> Parameter:
    return Parameter(
        option.name,
        option.kind,
        option.required,
        None if option.secret else option.default,
        option.choices,
        option.elements,
        option.aliases,
        option.doc,
    )


def _free_form(name: str | None, is_open: bool) -> Iterator[str]:
    if name is not None:
        yield f"Text behind the module's name is {name.removeprefix('_')}."
    if is_open:
        yield "Any other name is taken, too."


def _rules(rules: Rules) -> Iterator[str]:
    for group in rules.exclusive:
        yield f"At most one of {', '.join(group)}."
    for group in rules.together:
        yield f"{', '.join(group)}: all of them, or none."
    for group in rules.one_of:
        yield f"At least one of {', '.join(group)}."
    for name, value, needed in rules.required_if:
        yield f"{name}={value} needs {', '.join(needed)}."


def _keywords() -> Iterator[Entry]:
    for name in sorted(frozenset().union(*LEVELS.values())):
        levels = tuple(level for level, names in LEVELS.items() if name in names)
        takes = kind_of(name) or ""
        yield Entry("keyword", name, MEANINGS.get(name, ""), levels=levels, takes=takes)


def _plugins(kind: Kind, plugins: Callable[[], Plugins]) -> Callable[[], Iterator[Entry]]:
    def read() -> Iterator[Entry]:
        for name, function in sorted(plugins().table.items()):
            words = first_line(inspect.getdoc(function) or "")
            yield Entry(kind, name, words, usage=_usage(kind, name, function))

    return read


def _usage(kind: Kind, name: str, function: Callable[..., Any]) -> str:
    if kind == "lookup":
        return f"lookup({name!r}, …{_arguments(function, 2)})"
    passed = 1 if hasattr(function, "jinja_pass_arg") else 0
    arguments = _arguments(function, passed, taken=1).removeprefix(", ")
    given = f"({arguments})" if arguments else ""
    return f"value | {name}{given}" if kind == "filter" else f"value is {name}{given}"


def _arguments(function: Callable[..., Any], cut: int, taken: int = 0) -> str:
    """What a function takes behind the first ``cut``, and the value that stands before it."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[cut:]
    except (TypeError, ValueError):
        # Of a function in C there may be nothing to learn.
        return ""
    if parameters[:1] and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
        parameters = parameters[taken:]
    return "".join(f", {_written(each)}" for each in parameters)


def _written(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    if parameter.kind is parameter.VAR_KEYWORD:
        return f"**{parameter.name}"
    default = parameter.default
    value = "" if default is parameter.empty else f"={default!r}"
    return f"{parameter.name}{value if len(value) < 40 and '<' not in value else '=…'}"


_READERS: Mapping[Kind, Callable[[], Iterator[Entry]]] = {
    "module": _modules,
    "keyword": _keywords,
    "filter": _plugins("filter", lambda: Library.standard().filters),
    "test": _plugins("test", lambda: Library.standard().tests),
    "lookup": _plugins("lookup", lambda: Library.standard().lookups),
}
