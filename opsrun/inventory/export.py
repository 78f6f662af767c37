"""An inventory as text: what ``ansible-inventory --list``, ``--host`` and ``--graph`` print."""

from __future__ import annotations

import base64
import datetime
import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml

from opsrun.errors import PatternError, did_you_mean
from opsrun.inventory.inventory import Inventory
from opsrun.inventory.model import ALL, Host, Unsafe, Variables, Vaulted
from opsrun.secret import MASK

_SECRET = re.compile(r"ansible_(?:\w+_)?(?:pass|password|passphrase)|\w*_pass(?:word|phrase)?")


def is_secret(name: str) -> bool:
    """Whether a variable of this name holds a password, to be masked where people look.

    >>> is_secret("ansible_password"), is_secret("ansible_become_pass"), is_secret("passage")
    (True, True, False)
    """
    return _SECRET.fullmatch(name) is not None


def plain(data: Any) -> Any:
    """``data`` with nothing in it but what JSON has, as Ansible would write it.

    Dates become ISO 8601, sets sorted lists, bytes text or else base64, encrypted and unsafe texts
    the one-key objects that Ansible's own decoder knows.
    """
    if isinstance(data, Unsafe):
        return {"__ansible_unsafe": str(data)}
    if data is None or isinstance(data, (bool, int, float, str)):
        return data
    if isinstance(data, Mapping):
        return {_key(key): plain(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [plain(item) for item in data]
    if isinstance(data, (set, frozenset)):
        return sorted((plain(item) for item in data), key=str)
    return _plain_scalar(data)


def _plain_scalar(data: Any) -> Any:
    if isinstance(data, Vaulted):
        return {"__ansible_vault": data.text}
    if isinstance(data, (datetime.date, datetime.datetime)):
        return data.isoformat()
    if isinstance(data, bytes):
        return _text(data)
    return str(data)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, (bool, int, float)) or key is None:
        return json.dumps(key)
    return str(plain(key))


def host_data(host: Host) -> dict[str, Any]:
    """The effective variables of one host, as plain data, encrypted ones included."""
    variables = host.variables
    return {name: plain(variables.value(name).data) for name in variables}


def list_data(inventory: Inventory, names: Collection[str] | None = None) -> dict[str, Any]:
    """What ``ansible-inventory --list`` prints: ``_meta.hostvars``, and each group that has any
    ``hosts`` or ``children``.

    Args:
        names: the hosts to show, as under ``--limit``; None means all.
    """
    shown = set(inventory.hosts if names is None else names)
    data: dict[str, Any] = {}
    for name in inventory.descendants(ALL):
        group = inventory.groups[name]
        hosts = [host for host in group.hosts if host in shown] if name != ALL else []
        parts = {"hosts": hosts, "children": list(group.children)}
        if any(parts.values()):
            data[name] = {key: part for key, part in parts.items() if part}
    every = (host_data(host) for host in inventory.hosts.values() if host.name in shown)
    known = (host.name for host in inventory.hosts.values() if host.name in shown)
    hostvars = {name: values for name, values in zip(known, every, strict=True) if values}
    return {"_meta": {"hostvars": hostvars}} | data


def to_json(data: Any) -> str:
    """JSON as Ansible prints it: keys sorted, four blanks, ``NaN`` and ``Infinity`` allowed."""
    return json.dumps(data, indent=4, sort_keys=True, ensure_ascii=False)


def to_yaml(data: Any) -> str:
    """The same as YAML, in block style."""
    text: str = yaml.safe_dump(data, default_flow_style=False, allow_unicode=True)
    return text.rstrip("\n")


def graph_lines(
    inventory: Inventory,
    group: str = ALL,
    *,
    show_vars: bool = False,
    names: Collection[str] | None = None,
) -> list[str]:
    """The tree that ``ansible-inventory --graph`` prints, passwords masked.

    Args:
        names: the hosts to show; None means all.

    Raises:
        PatternError: there is no such group.
    """
    if group not in inventory.groups:
        raise PatternError(f"no group is named {group!r}{did_you_mean(group, inventory.groups)}")
    return list(_Graph(inventory, show_vars, names).group(group, 0))


class _Graph:
    def __init__(
        self, inventory: Inventory, show_vars: bool, names: Collection[str] | None
    ) -> None:
        self._inventory = inventory
        self._show_vars = show_vars
        self._names = set(inventory.hosts if names is None else names)

    def group(self, name: str, depth: int) -> Iterator[str]:
        """The lines of a group and all below it; children come before hosts."""
        group = self._inventory.groups[name]
        yield _line(f"@{name}:", depth)
        for child in group.children:
            yield from self.group(child, depth + 1)
        hosts = group.hosts if name != ALL else ()
        for host in (host for host in hosts if host in self._names):
            yield _line(host, depth + 1)
            if self._show_vars:
                yield from self._vars(self._inventory.hosts[host].variables, depth + 2)
        if self._show_vars:
            yield from self._vars(self._inventory.group_variables(name), depth + 1)

    def _vars(self, variables: Variables, depth: int) -> Iterator[str]:
        for name in sorted(variables):
            shown = MASK if is_secret(name) else variables.value(name).data
            yield _line(f"{{{name} = {_shown(shown)}}}", depth)


def _shown(data: Any) -> str:
    return MASK if isinstance(data, Vaulted) else printable(str(data))


def printable(text: str) -> str:
    """``text`` on one line, with what could steer a terminal written as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def explain_lines(host: Host, name: str) -> list[str]:
    """Where a variable of ``host`` comes from, and all that it overrode; passwords masked.

    Raises:
        PatternError: the host has no such variable; with the nearest name.
    """
    found = host.explain(name)
    if not found:
        raise PatternError(
            f"{host.name} has no variable {name!r}{did_you_mean(name, host.variables)}"
        )
    winner, *others = (
        (masked(name, entry.value), f"{entry.where} ({entry.origin})") for entry in found
    )
    lines = [f"{name} = {winner[0]}", f"  from {winner[1]}"]
    return [*lines, *(f"  overrode {value} from {where}" for value, where in others)]


def masked(name: str, data: Any) -> str:
    """``data`` as JSON on one line, or asterisks where it is a password or encrypted."""
    if is_secret(name) or isinstance(data, Vaulted):
        return MASK
    return printable(json.dumps(plain(data), ensure_ascii=False, sort_keys=True))


def _line(text: str, depth: int) -> str:
    return f"{'  |' * depth}--{text}" if depth else text
