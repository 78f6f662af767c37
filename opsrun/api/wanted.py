"""What is waited for, from the arguments of a `Fleet`'s methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from opsrun.composition import arguments
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.adhoc.lookout import Wanted
    from opsrun.api.options import ExecOptions


def wanted_of(name: str, conditions: object, timeout: object, any_of: object = None) -> Wanted:
    """Read the conditions: one text, or several.

    Raises:
        UsageError: one can't be understood, or a number can't be used; ``name`` is the argument's.
    """
    from opsrun.adhoc.checks import parse_all
    from opsrun.adhoc.lookout import Wanted

    texts = arguments.texts(name, [conditions] if isinstance(conditions, str) else conditions)
    enough = None if any_of is None else arguments.whole("any_of", any_of, least=1)
    return Wanted(parse_all(texts), arguments.seconds("timeout", timeout), enough)


def ready_of(options: ExecOptions) -> Wanted | None:
    """What ``when_ready`` and ``ready_timeout`` say.

    Raises:
        UsageError: see `wanted_of`; or there is only a timeout.
    """
    return _of(options, "when_ready", "ready_timeout", 60.0)


def then_of(options: ExecOptions) -> Wanted | None:
    """What ``then_wait`` and ``then_timeout`` say.

    Raises:
        UsageError: see `ready_of`.
    """
    return _of(options, "then_wait", "then_timeout", 300.0)


def health_of(options: ExecOptions) -> Wanted | None:
    """What ``health`` and ``health_timeout`` say.

    Raises:
        UsageError: see `ready_of`; or there is no ``canary`` that it is for.
    """
    if options.get("health") is not None and options.get("canary") is None:
        raise UsageError("health is for canary: say how many hosts go first")
    return _of(options, "health", "health_timeout", 60.0)


def _of(options: Mapping[str, Any], name: str, limit: str, seconds: float) -> Wanted | None:
    conditions = options.get(name)
    if conditions is None:
        if options.get(limit) is not None:
            raise UsageError(f"{limit} is for {name}: say what is waited for")
        return None
    return wanted_of(name, conditions, options.get(limit, seconds))
