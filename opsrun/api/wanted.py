"""What is waited for, from the arguments of a `Fleet`'s methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    conditions = options.get("when_ready")
    if conditions is None:
        if options.get("ready_timeout") is not None:
            raise UsageError("ready_timeout is for when_ready: say what is waited for")
        return None
    return wanted_of("when_ready", conditions, options.get("ready_timeout", 60.0))
