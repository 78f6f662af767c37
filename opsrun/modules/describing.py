"""What modules return, and how they are used: read from the TOML file beside each, when asked for.

``returns``
    by key, type, when it is there, and what it is; ``a.b`` is what is in ``a``.
``shares``
    groups of ``returned.toml`` whose keys are returned, too; all modules share ``common``.
``examples``
    tasks, each text a list of some.
``unproven``
    what of it was never run against the real thing: written from documentation.

A run has no use for any of it, and reads none.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from opsrun.modules.base import Module


@dataclass(frozen=True, slots=True)
class Returned:
    """One key of a module's result."""

    name: str
    kind: str
    doc: str
    when: str = ""
    """The case in which it is there; empty where that of the key around it says so."""


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a module beside its parameters."""

    returns: tuple[Returned, ...] = ()
    """Its own first, those that it shares with others behind them."""
    examples: tuple[str, ...] = ()
    """Tasks as playbooks write them."""
    unproven: str = ""
    """What of it was never run against the real thing; empty where all was."""


def described(module_class: type[Module]) -> Description:
    """What a module returns, and examples of its use; nothing where nobody has written any."""
    path = file_of(module_class)
    if path is None or not path.exists():
        return Description()
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    groups = _shared()
    told = [data["returns"], *(groups[name] for name in (*data.get("shares", ()), "common"))]
    found: dict[str, Returned] = {}
    for group in told:
        for name, about in group.items():
            found.setdefault(name, _returned(name, about))
    examples = tuple(each.strip() for each in data["examples"])
    return Description(tuple(found.values()), examples, data.get("unproven", ""))


def file_of(module_class: type[Module]) -> Path | None:
    """Where a module is described: beside its code, by its short name."""
    code = sys.modules[module_class.__module__].__file__
    name = module_class.name.rpartition(".")[2]
    return None if code is None else Path(code).with_name(f"{name}.toml")


@cache
def _shared() -> Mapping[str, Mapping[str, Any]]:
    path = Path(__file__).with_name("returned.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _returned(name: str, about: Mapping[str, str]) -> Returned:
    return Returned(name, about["type"], about["doc"], about.get("when", ""))
