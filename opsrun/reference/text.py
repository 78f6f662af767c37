"""The reference as lines for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from opsrun.modules.describing import Returned
from opsrun.reference.entries import Entry, Parameter
from opsrun.sinks.cells import cut, pad
from opsrun.sinks.style import BOLD, CYAN, DIM, paint

_TYPES = {
    "str": "text",
    "text": "text",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "number": "a number",
    "percent": "a percentage",
    "list": "a list",
    "dict": "a mapping",
    "path": "a path",
    "mode": "permissions: '0644', u=rw,g=r",
    "bytes": "a size: 10M",
    "json": "JSON",
    "raw": "anything",
    "any": "anything",
}


def entry_lines(entry: Entry, width: int, color: bool) -> Iterator[str]:
    """One entry, whole; no line longer than ``width`` columns, words that are longer apart."""
    yield f"{paint(entry.name, BOLD, color)} · {entry.kind}"
    yield from _wrapped(entry.synopsis, 2, width)
    if entry.usage:
        yield from _wrapped(entry.usage, 2, width)
    if entry.unproven:
        yield from _wrapped(f"Unproven, from documentation alone: {entry.unproven}.", 2, width)
    if entry.takes:
        yield f"  takes {_TYPES.get(entry.takes, entry.takes)}"
    if entry.levels:
        yield from _wrapped(f"of: {', '.join(entry.levels)}", 2, width)
    for parameter in entry.parameters:
        yield ""
        yield from _parameter(parameter, width, color)
    if entry.rules:
        yield ""
    for rule in entry.rules:
        yield from _wrapped(rule, 2, width)
    if entry.returns:
        yield from ("", paint("returns", BOLD, color))
    for each in entry.returns:
        yield from _returned(each, width, color)
    for number, example in enumerate(entry.examples):
        yield from ("", *([] if number else [paint("for example", BOLD, color)]))
        yield from textwrap.indent(example, "  ").split("\n")


def _returned(returned: Returned, width: int, color: bool) -> Iterator[str]:
    kind = _TYPES.get(returned.kind, returned.kind)
    facts = f"{kind}, {_case(returned.when)}" if returned.when else kind
    first, *more = _wrapped(facts, 0, max(width - len(returned.name) - 4, 20))
    yield f"  {paint(returned.name, CYAN, color)}  {paint(first, DIM, color)}"
    for line in _wrapped(" ".join(more), 6, width):
        yield paint(line, DIM, color)
    yield from _wrapped(returned.doc, 6, width)


def _case(when: str) -> str:
    return when if when == "always" else f"if {when}"


def _parameter(parameter: Parameter, width: int, color: bool) -> Iterator[str]:
    kind = _TYPES.get(parameter.kind, parameter.kind)
    if parameter.elements:
        kind += f" (each {_TYPES.get(parameter.elements, parameter.elements)})"
    said = [kind, "required" if parameter.required else "", _default(parameter)]
    facts = ", ".join(filter(None, said))
    # What is long goes on below the name.
    first, *more = _wrapped(facts, 0, max(width - len(parameter.name) - 4, 20))
    yield f"  {paint(parameter.name, CYAN, color)}  {paint(first, DIM, color)}"
    for line in _wrapped(" ".join(more), 6, width):
        yield paint(line, DIM, color)
    yield from _wrapped(parameter.doc, 6, width)
    if parameter.choices:
        yield from _wrapped(f"One of {', '.join(map(str, parameter.choices))}.", 6, width)
    if parameter.aliases:
        yield from _wrapped(f"Also called {', '.join(parameter.aliases)}.", 6, width)


def _default(parameter: Parameter) -> str:
    value = parameter.default
    if value is None or value == () or parameter.required:
        return ""
    if isinstance(value, bool):
        return f"else {'true' if value else 'false'}"
    if isinstance(value, (tuple, list)):
        return f"else {', '.join(map(str, value))}"
    return f"else {value!r}" if isinstance(value, str) else f"else {value}"


def _wrapped(text: str, indent: int, width: int) -> list[str]:
    room = max(width, indent + 20)
    space = " " * indent
    return textwrap.wrap(
        _plain(text), room, initial_indent=space, subsequent_indent=space, break_long_words=False
    )


def list_lines(entries: Sequence[Entry], width: int, color: bool) -> Iterator[str]:
    """One line for each, below a heading for each kind."""
    for number, (kind, found) in enumerate(groupby(entries, lambda entry: entry.kind)):
        same = list(found)
        room = min(max(len(entry.name) for entry in same), 32)
        yield from ([""] if number else [])
        yield paint(f"{kind}s", BOLD, color)
        for entry in same:
            words = cut(_plain(entry.synopsis), max(width - max(room, len(entry.name)) - 4, 20))
            yield f"  {paint(pad(entry.name, room), CYAN, color)}  {words}".rstrip()


def _plain(text: str) -> str:
    """Without the marks of docstrings."""
    return text.replace("``", "`")
