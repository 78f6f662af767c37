"""Ansible's INI inventories: ``[group]``, ``[group:children]``, ``[group:vars]``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from opsrun.dialect.text import SHOWN
from opsrun.errors import InventoryError, did_you_mean
from opsrun.inventory.draft import Draft, DraftError
from opsrun.inventory.literals import literal
from opsrun.inventory.model import UNGROUPED, Origin, Value
from opsrun.inventory.names import split_port
from opsrun.inventory.ranges import RangeError, expand

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_CHILD = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
# Anything that shlex treats otherwise than a plain split does; shlex is thirty times slower.
_NEEDS_SHLEX = re.compile(r"[\"'\\#\x0b\x0c\x1c-\x1f]|[^\x00-\x7f]")
_KINDS = ("hosts", "children", "vars")


def read_ini(text: str, path: str, draft: Draft) -> None:
    """Add what an INI inventory says to ``draft``.

    Raises:
        InventoryError: a line can't be read; with line, column and caret.
    """
    _Reader(path, draft).read(text)


@dataclass(slots=True)
class _Reader:
    path: str
    draft: Draft
    _number: int = 0
    _raw: str = ""
    _group: str = UNGROUPED
    # Children and variables may come before the section that makes their group: the first place
    # that spoke of it is kept for the error, should that section never come.
    _waiting: dict[str, list[dict[str, Value]]] = field(default_factory=dict)
    _parents: dict[str, dict[str, None]] = field(default_factory=dict)
    _children_at: dict[str, InventoryError] = field(default_factory=dict)
    _vars_at: dict[str, InventoryError] = field(default_factory=dict)

    def read(self, text: str) -> None:
        take: Callable[[str], None] = self._host
        for self._number, self._raw in enumerate(text.split("\n"), 1):
            line = self._raw.strip()
            if not line or line[0] in ";#":
                continue
            try:
                if section := _SECTION.fullmatch(line):
                    take = self._section(section[1], section[2] or "hosts")
                elif line.startswith("[") and line.endswith("]"):
                    raise self._error(
                        "not a section; expected [group], [group:children] or [group:vars]"
                    )
                else:
                    take(line)
            except (DraftError, RangeError, ValueError) as error:
                raise self._error(str(error)) from error
        for unmet in (*self._vars_at.values(), *self._children_at.values()):
            raise unmet

    def _section(self, name: str, kind: str) -> Callable[[str], None]:
        if kind not in _KINDS:
            raise self._error(
                f"unknown kind of section {kind!r}; expected one of "
                f"{', '.join(_KINDS)}{did_you_mean(kind, _KINDS)}",
                at=kind,
            )
        self._group = name
        if kind == "vars":
            if name not in self.draft.groups:
                self._vars_at.setdefault(name, self._unmet(name))
            return self._variable
        self._declare(name)
        return self._host if kind == "hosts" else self._child

    def _declare(self, name: str) -> None:
        self.draft.add_group(name, self._origin(name))
        self._vars_at.pop(name, None)
        self._children_at.pop(name, None)
        for parent in self._parents.pop(name, ()):
            self.draft.add_child(parent, name)
        for values in self._waiting.pop(name, ()):
            self.draft.set_group_values(name, values)

    def _child(self, line: str) -> None:
        found = _CHILD.fullmatch(line)
        if not found:
            raise self._error("expected the name of one group")
        name = found[1]
        if name in self.draft.groups:
            self.draft.add_child(self._group, name)
            return
        self._parents.setdefault(name, {})[self._group] = None
        self._children_at.setdefault(name, self._unmet(name))

    def _unmet(self, name: str) -> InventoryError:
        return self._error(
            f"there is no group {name!r}{did_you_mean(name, self.draft.groups)}; "
            f"an empty one is made by the line [{name}]",
            at=name,
        )

    def _variable(self, line: str) -> None:
        name, equals, text = line.partition("=")
        if not equals:
            raise self._error("expected name=value")
        name = name.strip()
        values = {name: Value(literal(text.strip()), self._origin(name))}
        if self._group in self.draft.groups:
            self.draft.set_group_values(self._group, values)
        else:
            self._waiting.setdefault(self._group, []).append(values)

    def _host(self, line: str) -> None:
        words = self._words(line)
        if not words:
            return
        names, port = self._names(words[0])
        origin = self._origin(words[0])
        values = {"ansible_port": Value(port, origin)} if port is not None else {}
        for word in words[1:]:
            name, equals, text = word.partition("=")
            if not equals:
                raise self._error(f"expected name=value after the host, not {word!r}", at=word)
            values[name] = Value(literal(text), self._origin(f"{name}="))
        self.draft.add_hosts(names, self._group, values, origin)

    def _words(self, line: str) -> list[str]:
        if not _NEEDS_SHLEX.search(line):
            return line.split()
        try:
            return shlex.split(line, comments=True)
        except ValueError as error:
            problem = str(error).lower()
            raise self._error(f"{problem}: quotation marks must come in pairs") from error

    def _names(self, pattern: str) -> tuple[list[str], int | None]:
        if pattern.startswith("---"):
            raise self._error("this looks like YAML; name the file .yml to have it read as such")
        if pattern.endswith(":"):
            raise self._error(
                f"{pattern!r} lacks its port; is this YAML? Then name the file .yml", at=pattern
            )
        name, port = split_port(pattern)
        return expand(name), port

    def _origin(self, word: str) -> Origin:
        return Origin(self.path, self._number, self._column(word), "ini")

    def _column(self, word: str) -> int:
        return max(self._raw.find(word), 0) + 1

    def _error(self, message: str, at: str = "") -> InventoryError:
        start = len(self._raw) - len(self._raw.lstrip()) + 1
        return InventoryError(
            message,
            path=self.path,
            line=self._number,
            column=self._column(at) if at else start,
            text=self._raw[:SHOWN],
        )
