"""Chance, which a seed makes the same on every run."""

from __future__ import annotations

from collections.abc import Callable
from random import Random, SystemRandom
from typing import Any

from jinja2 import Environment, pass_environment

from opsrun.playbook.templating.filters.values import is_list, kind
from opsrun.playbook.templating.library import PluginError, chancy, lazy


def _source(seed: Any) -> Random:
    try:
        return SystemRandom() if seed is None else Random(seed)
    except TypeError as error:
        raise PluginError(f"a seed is text or a number, not {kind(seed)}") from error


@chancy
@lazy
@pass_environment
def random(
    environment: Environment, value: Any, start: Any = None, step: Any = None, seed: Any = None
) -> Any:
    """An entry of a list; or a whole number from ``start`` (0) on and below ``value``, in steps
    of ``step`` (1)."""
    source = _source(seed)
    if isinstance(value, int):
        try:
            return source.randrange(start or 0, value, step or 1)
        except (TypeError, ValueError) as error:
            raise PluginError(f"random: there is no number to choose: {error}") from error
    if start or step:
        raise PluginError("random takes start and step for a number, not for a list")
    return _chosen(source, value)


def _chosen(source: Random, value: Any) -> Any:
    if not is_list(value) and not isinstance(value, str):
        raise PluginError(f"random expects a list or a whole number, not {kind(value)}")
    if not value:
        raise PluginError("random: the list is empty")
    return source.choice(value)


@chancy
def shuffle(value: Any, seed: Any = None) -> Any:
    """The list's entries in any order; what is no list is given back."""
    try:
        made = list(value)
    except TypeError:
        return value
    _source(seed).shuffle(made)
    return made


FILTERS: dict[str, Callable[..., Any]] = {"random": random, "shuffle": shuffle}
