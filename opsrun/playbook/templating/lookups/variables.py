"""Variables, hosts and the environment, by name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.values import a_text
from opsrun.playbook.templating.library import LookupRun, PluginError
from opsrun.playbook.templating.undefined import Missing, NotThere


def vars_(terms: list[Any], run: LookupRun, default: Any = None) -> list[Any]:
    """What variables come to; ``default`` for those that aren't there."""
    made = []
    for term in terms:
        if not isinstance(term, str):
            words = f'Invalid setting identifier, "{term}" is not a string'
            raise PluginError(f"{words}; a variable's name is expected")
        name = str(term)
        if name in run.variables:
            made.append(run.variables[name])
        elif default is not None:
            made.append(default)
        else:
            known = [each for each in run.variables if isinstance(each, str)]
            words = f"No variable found with this name: {name}"
            raise NotThere(Missing(f"{words}{did_you_mean(name, known)}"))
    return made


def varnames(terms: list[Any], run: LookupRun) -> list[Any]:
    """The names of variables that regular expressions are found in."""
    made: list[str] = []
    names = [each for each in run.variables if isinstance(each, str)]
    for term in terms:
        try:
            pattern = re.compile(a_text(term, "varnames"))
        except re.error as error:
            raise PluginError(f"{term!r} is no regular expression: {error}") from error
        made += [name for name in names if pattern.search(name)]
    return made


def env(terms: list[Any], run: LookupRun, default: Any = "") -> list[Any]:
    """Variables of opsrun's own environment; ``default`` for those that aren't there."""
    fallback = "" if default is None else default
    return [os.environ.get(a_text(term, "env"), fallback) for term in terms]


def inventory_hostnames(terms: list[Any], run: LookupRun) -> list[Any]:
    """The inventory's hosts that patterns select."""
    patterns = [each for term in terms for each in (term if isinstance(term, list) else [term])]
    return list(run.context.hosts(",".join(map(str, patterns))))


LOOKUPS: dict[str, Callable[..., Any]] = {
    "vars": vars_,
    "varnames": varnames,
    "env": env,
    "inventory_hostnames": inventory_hostnames,
}
