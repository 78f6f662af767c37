"""Puts libyaml's events together to data, judging them on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard, cast

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template, Unsafe, Vaulted, holds_template, trusted
from opsrun.dialect.text import SHOWN, line_at, shown_line
from opsrun.dialect.warning import FileWarning
from opsrun.errors import InputError, InventoryError

MAX_DEPTH = 100
MAX_EXPANDED = 1_000_000
"""Nodes that aliases may stand for together, beyond those that are written out."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_SCALARS = ("str", "int", "float", "bool", "null", "timestamp", "binary", "value")

Position = tuple[int, int]


class _Scalars(SafeConstructor, Resolver):
    """PyYAML's typing of scalars, without its way of building the rest."""

    def __init__(self) -> None:
        SafeConstructor.__init__(self)
        Resolver.__init__(self)


_SCALAR_TYPES = _Scalars()
_resolve = cast("Callable[[Any, str, tuple[bool, bool]], str]", _SCALAR_TYPES.resolve)


@dataclass(slots=True)
class Builder:
    """One pass over one text.

    ``as_json``: its plain scalars are typed as JSON. ``detailed``: texts become templates, and the
    places of list items and of values are kept, too.
    """

    text: str
    path: str
    as_json: bool
    detailed: bool = False
    error_class: type[InputError] = InventoryError
    marks: dict[int, dict[Hashable, Position]] = field(default_factory=dict)
    value_marks: dict[int, dict[Hashable, Position]] = field(default_factory=dict)
    start: Position = (1, 1)
    warnings: list[FileWarning] = field(default_factory=list)
    sealed: bool = False
    _anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    _nodes: int = 0
    _expanded: int = 0
    _kept: list[Any] = field(default_factory=list)
    """Containers that are no part of the data, but that marks name: their ids stay taken."""
    _events: Iterator[Any] = field(init=False)

    def build(self) -> Any:
        """The data; `marks`, `warnings` and `sealed` are filled. Raises InventoryError."""
        # JSON allows tabs where YAML does not; between its tokens a space is the same.
        text = self.text.expandtabs(1) if self.as_json else str(self.text)
        self._events = yaml.parse(text, Loader=_LOADER)
        try:
            return self._document()
        except yaml.YAMLError as error:
            if _is_too_deep(error):
                self._find_depth(error)
            return self._refused(error)

    def _find_depth(self, error: yaml.MarkedYAMLError) -> None:
        """The parser has looked ahead to where it gives up (1,000 levels), before it told of what
        is above. Up to there it reads all, and so our own limit is met at its place."""
        mark = error.problem_mark or error.context_mark
        assert mark is not None
        Builder(self.text[: mark.index], self.path, False, error_class=self.error_class).build()

    def _refused(self, error: yaml.YAMLError) -> Any:
        if self.as_json:
            # JSON that YAML can't read (surrogate pairs): good data, but its places are not known.
            self.marks.clear()
            self.value_marks.clear()
            data = json.loads(self.text)
            return trusted(data, Origin(self.path, kind="json")) if self.detailed else data
        if isinstance(error, yaml.MarkedYAMLError):
            raise self._syntax_error(error) from error
        raise self._reader_error(error) from error

    def _document(self) -> Any:
        data, documents = None, 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self.error("expected one document; a second one begins here", event)
                root = next(self._events)
                self.start = _position(root)
                data = self._node(root, 0)
        return data

    def _node(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            raise self.error(f"nested more than {MAX_DEPTH} levels deep", event)
        before = self._nodes
        self._nodes += 1
        if isinstance(event, yaml.ScalarEvent):
            data = self._scalar(event)
            if self.detailed and type(data) is str and holds_template(data):
                data = Template(data, Origin(self.path, *_position(event), kind="yaml"))
        elif isinstance(event, yaml.SequenceStartEvent):
            data = self._sequence(event, depth)
        else:
            data = self._mapping(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = (data, self._nodes - before)
        return data

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self.error(
                f"the alias *{event.anchor} has no anchor before it, or stands inside it", event
            )
        data, size = self._anchors[event.anchor]
        self._nodes += size
        self._expanded += size
        if self._expanded > MAX_EXPANDED:
            raise self.error(f"aliases expand to more than {MAX_EXPANDED} nodes", event)
        return data

    def _scalar(self, event: Any) -> Any:
        tag = event.tag
        if tag in ("!unsafe", "!vault", "!vault-encrypted"):
            return self._ansible_scalar(event)
        if self.as_json:
            return self._json_scalar(event)
        if tag is None or tag == "!":
            implicit = event.implicit if tag is None else (False, True)
            tag = _resolve(yaml.ScalarNode, event.value, implicit)
        if tag == _TAG + "str":
            return event.value
        return self._typed(event, tag)

    def _typed(self, event: Any, tag: str) -> Any:
        if tag == _TAG + "merge":
            return event.value
        if not tag.startswith(_TAG) or tag.removeprefix(_TAG) not in _SCALARS:
            raise self._unknown_tag(event, tag)
        if tag == _TAG + "value":
            return event.value
        build = cast("Callable[[Any, Any], Any]", _SCALAR_TYPES.yaml_constructors[tag])
        node = yaml.ScalarNode(tag, event.value, event.start_mark)
        try:
            return build(_SCALAR_TYPES, node)
        except (ValueError, KeyError, OverflowError) as error:
            kind = tag.removeprefix(_TAG)
            raise self.error(f"{event.value!r} is no {kind}: {error}", event) from error

    def _ansible_scalar(self, event: Any) -> Any:
        if event.tag == "!unsafe":
            return Unsafe(event.value)
        self.sealed = True
        return Vaulted(event.value, Origin(self.path, *_position(event), kind="yaml"))

    def _json_scalar(self, event: Any) -> Any:
        # The text is known to be JSON, so that only its quoted strings can hold what was a tab.
        if event.style:
            return event.value
        return json.loads(event.value)

    def _sequence(self, event: Any, depth: int) -> Any:
        items: list[Any] = []
        marks: dict[Hashable, Position] = {}
        while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
            if self.detailed:
                marks[len(items)] = _position(inner)
            items.append(self._node(inner, depth + 1))
        if self.detailed:
            self._kept.append(items)
            self.marks[id(items)] = marks
        tag = event.tag
        if tag in (None, "!", _TAG + "seq"):
            return items
        if tag == "!unsafe":
            return _unsafe(items)
        if tag in (_TAG + "omap", _TAG + "pairs"):
            return self._pairs(event, items)
        raise self._unknown_tag(event, tag)

    def _pairs(self, event: Any, items: list[Any]) -> list[tuple[Any, Any]]:
        if not all(isinstance(item, dict) and len(item) == 1 for item in items):
            raise self.error("expected a list of single `key: value` pairs", event)
        return [pair for item in items for pair in item.items()]

    def _mapping(self, event: Any, depth: int) -> Any:
        data: dict[Any, Any] = {}
        marks: dict[Hashable, Position] = {}
        places: dict[Hashable, Position] = {}
        merged: list[tuple[Any, Any]] = []
        while not isinstance(inner := next(self._events), yaml.MappingEndEvent):
            key = self._node(inner, depth + 1)
            value_event = next(self._events)
            value = self._node(value_event, depth + 1)
            if key == "<<" and _is_plain(inner) and not self.as_json:
                merged.append((inner, value))
                continue
            self._add(data, marks, inner, key, value)
            if self.detailed:
                places[key] = _position(value_event)
        if merged:
            data, marks = self._merge(merged, data, marks)
        self._kept.append(data)
        self.marks[id(data)] = marks
        if self.detailed:
            self.value_marks[id(data)] = places
        return self._tagged_mapping(event, data)

    def _add(
        self,
        data: dict[Any, Any],
        marks: dict[Hashable, Position],
        event: Any,
        key: Any,
        value: Any,
    ) -> None:
        try:
            known = key in data
        except TypeError as error:
            raise self._bad_key(event) from error
        mark = _position(event)
        if known:
            first = marks[key][0]
            self.warnings.append(
                FileWarning(
                    f"the key {key!r} is already on line {first}; the value on line {mark[0]} wins",
                    Origin(self.path, *mark, kind="yaml"),
                )
            )
        data[key] = value
        marks[key] = mark

    def _bad_key(self, event: Any) -> InputError:
        line = line_at(self.text, event.start_mark.line + 1) or ""
        if "{{" in line:
            return self.error("a value that begins with {{ needs quotation marks around it", event)
        return self.error("a key must be a plain value, no list or dictionary", event)

    def _merge(
        self,
        merged: list[tuple[Any, Any]],
        own: dict[Any, Any],
        own_marks: dict[Hashable, Position],
    ) -> tuple[dict[Any, Any], dict[Hashable, Position]]:
        """``own`` behind what its ``<<`` keys name, in the order that PyYAML would give it."""
        data: dict[Any, Any] = {}
        marks: dict[Hashable, Position] = {}
        for event, value in merged:
            sources = value if isinstance(value, list) else [value]
            for source in reversed(sources):
                if not isinstance(source, dict):
                    raise self.error("`<<` takes a dictionary, or a list of them", event)
                data |= source
                marks |= self.marks.get(id(source), {})
        return data | own, marks | own_marks

    def _tagged_mapping(self, event: Any, data: dict[Any, Any]) -> Any:
        if event.tag in (None, "!", _TAG + "map"):
            return data
        if event.tag == "!unsafe":
            return _unsafe(data)
        if event.tag == _TAG + "set":
            return set(data)
        raise self._unknown_tag(event, event.tag)

    def error(self, message: str, event: Any) -> InputError:
        return self._error(message, event.start_mark.line, event.start_mark.column)

    def _error(self, message: str, line: int, column: int) -> InputError:
        return self.error_class(
            message,
            path=self.path,
            line=line + 1,
            column=column + 1,
            text=shown_line(self.text, line + 1) if column < SHOWN else None,
        )

    def _unknown_tag(self, event: Any, tag: str) -> InputError:
        shown = tag.replace(_TAG, "!!", 1)
        return self.error(f"the tag {shown} is not allowed here", event)

    def _syntax_error(self, error: Any) -> InputError:
        mark = error.problem_mark or error.context_mark
        if error.context_mark and "end of stream" in str(error.problem):
            # What is never closed is where it was opened, and not at the file's end.
            mark = error.context_mark
        line = line_at(self.text, mark.line + 1) or ""
        if "\t" in line[: mark.column + 1]:
            return self._error("a tab can't indent YAML; use spaces", mark.line, mark.column)
        context = f" {error.context}" if error.context else ""
        return self._error(f"broken YAML: {error.problem}{context}", mark.line, mark.column)

    def _reader_error(self, error: Any) -> InputError:
        found = yaml.reader.Reader.NON_PRINTABLE.search(self.text)
        head = self.text[: found.start() if found else 0]
        line, column = head.count("\n"), len(head) - head.rfind("\n") - 1
        shown = ascii(found[0]) if found else str(error)
        return self._error(f"the character {shown} is not allowed in YAML", line, column)


def _is_too_deep(error: yaml.YAMLError) -> TypeGuard[yaml.MarkedYAMLError]:
    """Whether that is the parser's own limit (PyYAML from 6.0.4 on)."""
    return isinstance(error, yaml.MarkedYAMLError) and "nesting depth" in str(error.problem)


def _position(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _is_plain(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and not event.style and event.tag is None


def _unsafe(data: Any) -> Any:
    if isinstance(data, str):
        return Unsafe(data)
    if isinstance(data, dict):
        return {key: _unsafe(value) for key, value in data.items()}
    return [_unsafe(value) for value in data] if isinstance(data, list) else data
