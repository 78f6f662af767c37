"""One file as rules see it: text, data with places, and what the parser made of it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from opsrun.dialect.origin import Origin
from opsrun.dialect.yaml_data import Document
from opsrun.lint.discovery import Found
from opsrun.lint.problem import Edit
from opsrun.playbook.model.nodes import Block, Play, Task
from opsrun.playbook.parse.above import Above
from opsrun.playbook.parse.roles import Use
from opsrun.playbook.parse.spot import Spot


class Seen(NamedTuple):
    """Something that the parser read, and where it is written."""

    spot: Spot
    node: Any
    above: Above


class Leaf(NamedTuple):
    """A value in a document that holds no others."""

    value: Any
    key: Hashable
    """Its key, or its place in a list."""
    name: str
    """The nearest key above it that is a text."""
    origin: Origin
    container: Any


class Raw(NamedTuple):
    """Something that was found, before it is known how bad it is."""

    rule: str
    line: int
    column: int
    message: str
    length: int
    edits: tuple[Edit, ...]


@dataclass
class FileView:
    """See the module's docstring."""

    found: Found
    text: str = ""
    document: Document | None = None
    seen: list[Seen] = field(default_factory=list)
    raw: list[Raw] = field(default_factory=list)

    @property
    def path(self) -> str:
        """As the operator named it."""
        return self.found.path

    @cached_property
    def lines(self) -> list[str]:
        """The text's lines."""
        return self.text.split("\n")

    @cached_property
    def tasks(self) -> list[tuple[Spot, Task, Above]]:
        """Tasks and handlers, in order."""
        return [(s.spot, s.node, s.above) for s in self.seen if isinstance(s.node, Task)]

    @cached_property
    def blocks(self) -> list[tuple[Spot, Block, Above]]:
        """Blocks that are written, inner ones first."""
        return [(s.spot, s.node, s.above) for s in self.seen if isinstance(s.node, Block)]

    @cached_property
    def plays(self) -> list[tuple[Spot, Play, Above]]:
        """Plays."""
        return [(s.spot, s.node, s.above) for s in self.seen if isinstance(s.node, Play)]

    @cached_property
    def uses(self) -> list[tuple[Spot, Use, Above]]:
        """Role entries and dependencies."""
        return [(s.spot, s.node, s.above) for s in self.seen if isinstance(s.node, Use)]

    @cached_property
    def leaves(self) -> list[Leaf]:
        """Every single value of the document."""
        return list(_leaves(self.document)) if self.document is not None else []

    def tell(
        self,
        rule: str,
        origin: Origin | None,
        message: str,
        text: str = "",
        edits: tuple[Edit, ...] = (),
    ) -> None:
        """Note a problem at ``origin``; ``text`` is what is meant there, where it can be found."""
        line, column = 1, 1
        if origin is not None and origin.line is not None:
            line, column = origin.line, origin.column or 1
        length = len(text.split("\n", 1)[0]) or 1
        self.raw.append(Raw(rule, line, column, message, length, edits))

    def tell_word(self, rule: str, origin: Origin, word: str, message: str, down: int = 0) -> None:
        """Note a problem at the next ``word`` from ``origin`` on.

        Args:
            down: how many lines below the value's first it stands, as far as that is known.
        """
        place = self.word(origin, word, down)
        self.tell(rule, place, message, word if self.at(place).startswith(word) else "")

    def word(self, origin: Origin, word: str, down: int = 0) -> Origin:
        """Where ``word`` stands, at or behind ``origin``; that itself if it is not found."""
        if origin.line is None:
            return origin
        pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?!\w)")
        first = origin.line - 1
        for number in (first + down, *range(first, min(first + 60, len(self.lines)))):
            if number >= len(self.lines):
                continue
            start = (origin.column or 1) - 1 if number == first else 0
            match = pattern.search(self.lines[number], start)
            if match is not None:
                return Origin(origin.path, number + 1, match.start() + 1, origin.kind)
        return origin

    def word_at(self, origin: Origin, text: str) -> Origin:
        """Where ``text`` stands on the line at ``origin``; that itself if it doesn't."""
        if origin.line is None:
            return origin
        found = self.at(origin).find(text)
        column = (origin.column or 1) + max(found, 0)
        return Origin(origin.path, origin.line, column, origin.kind)

    def at(self, origin: Origin) -> str:
        """The rest of the line at ``origin``."""
        return self.rest(origin.line or 0, origin.column or 1)

    def rest(self, line: int, column: int) -> str:
        """A line from a column on; empty where there is none."""
        return self.lines[line - 1][column - 1 :] if 0 < line <= len(self.lines) else ""


def _leaves(document: Document) -> Iterator[Leaf]:
    seen: set[int] = set()

    def below(container: Any, name: str) -> Iterator[Leaf]:
        if id(container) in seen:
            # An alias: it was looked at where its anchor is.
            return
        seen.add(id(container))
        is_dict = isinstance(container, dict)
        for key, value in list(container.items() if is_dict else enumerate(container)):
            called = key if is_dict and isinstance(key, str) else name
            if isinstance(value, (dict, list)):
                yield from below(value, called)
            else:
                origin = document.value_origin(container, key)
                yield Leaf(value, key, called, origin, container)

    if isinstance(document.data, (dict, list)):
        yield from below(document.data, "")
