"""YAML (and JSON) files as plain data, with the place of every key.

libyaml's events are put together here rather than by PyYAML's constructor, because nesting, the
size that aliases expand to, duplicate keys and unknown tags must be judged on the way, and because
PyYAML's data has forgotten where it came from. Scalars are still typed by PyYAML: YAML 1.1, as in
Ansible. A file that is JSON is typed as JSON, as in Ansible, too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from opsrun.dialect.origin import Kind, Origin
from opsrun.dialect.tags import Vaulted
from opsrun.dialect.text import shown_line
from opsrun.dialect.warning import FileWarning
from opsrun.dialect.yaml_builder import Builder, Position
from opsrun.errors import InputError, InventoryError


def raised(error: InputError) -> NoReturn:
    """The first problem ends the reading."""
    raise error


@dataclass(frozen=True, slots=True)
class Document:
    """One file's data."""

    data: Any
    path: str
    text: str
    kind: Kind
    marks: Mapping[int, Mapping[Hashable, Position]]
    """By the identity of a dictionary in ``data``: key, and its 1-based line and column. Where
    templates were asked for, of lists, too, by index."""
    value_marks: Mapping[int, Mapping[Hashable, Position]]
    """Of the values in dictionaries; only where templates were asked for."""
    warnings: tuple[FileWarning, ...]
    sealed: bool
    """There is a ``!vault`` somewhere in ``data``."""
    error_class: type[InputError] = InventoryError
    start: Position = (1, 1)
    """Where the data itself begins."""
    recover: Callable[[InputError], None] = raised
    """Takes a problem that leaves something worth reading on for; raises unless all are wanted."""

    @property
    def root(self) -> Origin:
        """Where the data itself begins."""
        return Origin(self.path, *self.start, self.kind)

    def origin(
        self,
        container: Mapping[Any, Any] | Sequence[Any],
        key: Hashable,
        *,
        trusted: bool = True,
    ) -> Origin:
        """Where ``key`` of a dictionary, or the item ``key`` of a list, is written."""
        line, column = self.marks.get(id(container), {}).get(key, (None, None))
        return Origin(self.path, line, column, self.kind, trusted)

    def value_origin(self, container: Mapping[Any, Any] | Sequence[Any], key: Hashable) -> Origin:
        """Where the value of ``key`` begins; where that is not known, where the key does."""
        place = self.value_marks.get(id(container), {}).get(key)
        if place is None:
            return self.origin(container, key)
        return Origin(self.path, *place, self.kind)

    def error(
        self, message: str, container: Mapping[Any, Any] | Sequence[Any], key: Hashable
    ) -> InputError:
        """An error that points at ``key`` of a dictionary, or an item of a list."""
        return self.error_at(message, self.origin(container, key))

    def error_at(self, message: str, origin: Origin) -> InputError:
        """An error that points at ``origin``, a place in this document."""
        text = shown_line(self.text, origin.line) if origin.line else None
        return self.error_class(
            message, path=self.path, line=origin.line, column=origin.column, text=text
        )


def holds_vault(data: Any) -> bool:
    """Whether an encrypted value is ``data`` or somewhere inside it."""
    if isinstance(data, Vaulted):
        return True
    if isinstance(data, Mapping):
        return any(map(holds_vault, data.values()))
    return isinstance(data, (list, tuple)) and any(map(holds_vault, data))


def parse(
    text: str,
    path: str,
    *,
    templates: bool = False,
    error: type[InputError] = InventoryError,
) -> Document:
    """The one document in ``text``; its data is None where there is nothing.

    Args:
        path: the file as the operator named it, for messages.
        templates: texts that hold a delimiter of Jinja's become `Template`, with their origins;
            and places of list items and of values are kept.
        error: what is raised for whatever is wrong.

    Raises:
        InputError: of the kind ``error``: broken YAML, an unknown or unsafe tag, too deep nesting,
            or aliases that expand to more than a million nodes; with line, column and caret.
    """
    builder = Builder(text, path, as_json=_is_json(text), detailed=templates, error_class=error)
    data = builder.build()
    return Document(
        data,
        path,
        text,
        "json" if builder.as_json else "yaml",
        builder.marks,
        builder.value_marks,
        tuple(builder.warnings),
        builder.sealed,
        error,
        builder.start,
    )


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
