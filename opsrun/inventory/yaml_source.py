"""Ansible's YAML inventories: groups with ``hosts``, ``vars`` and ``children``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsrun.dialect.yaml_data import Document
from opsrun.errors import InputError, InventoryError, NotBuiltError, did_you_mean
from opsrun.inventory.draft import Draft, DraftError
from opsrun.inventory.model import InventoryWarning, Value
from opsrun.inventory.names import split_port
from opsrun.inventory.protection import KEYS, check
from opsrun.inventory.ranges import expand
from opsrun.inventory.values import values_of

SECTIONS = ("hosts", "vars", "children")
"""What a group may have."""


def read_yaml(document: Document, draft: Draft) -> None:
    """Add what a YAML inventory says to ``draft``.

    Raises:
        InventoryError: the structure is not an inventory's.
        NotBuiltError: the file configures an inventory plugin.
    """
    if not isinstance(document.data, dict):
        raise InventoryError(
            f"expected a dictionary of groups, not {_shown(document.data)}", path=document.path
        )
    if isinstance(plugin := document.data.get("plugin"), str):
        raise NotBuiltError(
            f"{document.path}: this file configures the inventory plugin {plugin!r}; plugins are "
            "not built into this version. An executable script that prints JSON can stand in for it"
        )
    draft.warnings.extend(document.warnings)
    reader = _Reader(document, draft)
    for name in document.data:
        reader.group(document.data, name)


def _shown(data: Any) -> str:
    kinds = {list: "a list", dict: "a dictionary", str: "text", type(None): "nothing"}
    return kinds.get(type(data), f"the value {data!r}")


@dataclass(frozen=True, slots=True)
class _Reader:
    document: Document
    draft: Draft

    def group(self, parent: Mapping[Any, Any], name: Any) -> None:
        body = parent[name]
        if body is not None and not isinstance(body, dict):
            raise self._error(
                f"the group {name!r} must be a dictionary with {', '.join(SECTIONS)}, "
                f"not {_shown(body)}",
                parent,
                name,
            )
        try:
            self.draft.add_group(name, self.document.origin(parent, name))
        except DraftError as error:
            raise self._error(str(error), parent, name) from error
        for key in body or {}:
            self._section(name, body or {}, key)

    def _section(self, group: str, body: Mapping[Any, Any], key: Any) -> None:
        if key in KEYS:
            self._protection(group, body, key)
            return
        if key not in SECTIONS:
            self._unknown(group, body, key)
            return
        section = body[key]
        if section is None:
            return
        if isinstance(section, str):
            section = {section: None}
        if not isinstance(section, dict):
            raise self._error(
                f"{key!r} of the group {group!r} must be a dictionary, not {_shown(section)}; "
                "a colon after each name makes it one",
                body,
                key,
            )
        take = {"hosts": self._hosts, "vars": self._vars, "children": self._children}[key]
        take(group, section, body)

    def _protection(self, group: str, body: Mapping[Any, Any], key: str) -> None:
        """A key of ours: Ansible leaves it out with a warning."""
        origin = self.document.origin(body, key)
        check(key, body[key], origin)
        self.draft.set_group_values(group, {KEYS[key]: Value(body[key], origin)})

    def _unknown(self, group: str, body: Mapping[Any, Any], key: Any) -> None:
        guess = did_you_mean(str(key), (*SECTIONS, *KEYS))
        self.draft.warnings.append(
            InventoryWarning(
                f"{key!r} in the group {group!r} is ignored; "
                f"expected one of {', '.join(SECTIONS)}{guess}",
                self.document.origin(body, key),
            )
        )

    def _vars(self, group: str, section: dict[Any, Any], body: Mapping[Any, Any]) -> None:
        values = values_of(self.document, section)
        try:
            self.draft.set_group_values(group, values)
        except DraftError as error:
            raise self._error(str(error), body, "vars") from error

    def _children(self, group: str, section: dict[Any, Any], body: Mapping[Any, Any]) -> None:
        for name in section:
            self.group(section, name)
            try:
                self.draft.add_child(group, name)
            except DraftError as error:
                raise self._error(str(error), section, name) from error

    def _hosts(self, group: str, section: dict[Any, Any], body: Mapping[Any, Any]) -> None:
        for pattern, own in section.items():
            if own is not None and not isinstance(own, dict):
                raise self._error(
                    f"the variables of the host {pattern!r} must be a dictionary, "
                    f"not {_shown(own)}",
                    section,
                    pattern,
                )
            try:
                self._host(group, section, pattern, own or {})
            except ValueError as error:
                raise self._error(str(error), section, pattern) from error

    def _host(
        self, group: str, section: Mapping[Any, Any], pattern: Any, own: dict[Any, Any]
    ) -> None:
        origin = self.document.origin(section, pattern)
        if not isinstance(pattern, str):
            self.draft.add_hosts([pattern], group, {}, origin)
            return
        name, port = split_port(pattern)
        values = {"ansible_port": Value(port, origin)} if port is not None else {}
        values |= values_of(self.document, own)
        self.draft.add_hosts(expand(name), group, values, origin)

    def _error(self, message: str, mapping: Mapping[Any, Any], key: Any) -> InputError:
        return self.document.error(message, mapping, key)
