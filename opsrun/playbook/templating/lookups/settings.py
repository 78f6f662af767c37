"""Ansible's settings by their names there, as far as opsrun has the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.filters.values import a_text, one_of
from opsrun.playbook.templating.library import LookupRun, PluginError

_VARIABLES: dict[str, tuple[str, Any]] = {
    "DEFAULT_FORKS": ("ansible_forks", None),
    "DEFAULT_HOST_LIST": ("ansible_inventory_sources", None),
    "DEFAULT_REMOTE_USER": ("ansible_user", None),
    "DEFAULT_SUBSET": ("ansible_limit", None),
    "DEFAULT_VERBOSITY": ("ansible_verbosity", 0),
    "DIFF_ALWAYS": ("ansible_diff_mode", False),
    "TAGS_RUN": ("ansible_run_tags", []),
    "TAGS_SKIP": ("ansible_skip_tags", []),
}
"""The variable that has a setting's value, and what it is where there is no such variable."""

_FIXED: Mapping[str, Any] = {
    "DEFAULT_GATHERING": "implicit",
    "DEFAULT_PRIVATE_ROLE_VARS": False,
    "DEFAULT_TRANSPORT": "ssh",
}
_KNOWN = (*_VARIABLES, *_FIXED, "DEFAULT_MANAGED_STR")
_REACTIONS = ("error", "skip", "warn")


def config(terms: list[Any], run: LookupRun, on_missing: str = "error") -> list[Any]:
    """The settings that this run has.

    Args:
        terms: names of settings.
        on_missing: ``error``, ``warn`` or ``skip`` those that opsrun doesn't have.
    """
    one_of(on_missing, _REACTIONS, "on_missing")
    made = []
    for term in terms:
        name = a_text(term, "config")
        if name in _KNOWN:
            made.append(_setting(name, run))
        elif on_missing == "error":
            raise PluginError(_missing(name))
        elif on_missing == "warn":
            run.context.warn(f"the lookup 'config': {_missing(name)}")
    return made


def _setting(name: str, run: LookupRun) -> Any:
    if name == "DEFAULT_MANAGED_STR":
        return run.context.managed
    if name in _FIXED:
        return _FIXED[name]
    variable, default = _VARIABLES[name]
    return run.variables.get(variable, default)


def _missing(name: str) -> str:
    return f"opsrun has no setting {name!r} of Ansible's{did_you_mean(name, _KNOWN)}"


LOOKUPS: dict[str, Callable[..., Any]] = {"config": config}
