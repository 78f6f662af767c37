"""Terms that hold more than one thing: ``name length=20 chars=digits``."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from opsrun.errors import did_you_mean
from opsrun.playbook.templating.library import PluginError

_PAIR = re.compile(r"(?:^|(?<=\s))([A-Za-z_]\w*)=")


def split_term(term: object, options: Sequence[str]) -> tuple[str, dict[str, str]]:
    """What stands before the first ``option=``, and the options by name.

    Raises:
        PluginError: an option isn't one of ``options``.
    """
    if not isinstance(term, str):
        raise PluginError(f"expected text, not {term!r}")
    found = _PAIR.search(term)
    if found is None:
        return term.strip(), {}
    return term[: found.start()].strip(), _pairs(term[found.start() :], options)


def _pairs(written: str, options: Sequence[str]) -> dict[str, str]:
    try:
        words = shlex.split(written)
    except ValueError as error:
        raise PluginError(f"{written!r}: {error}") from error
    made: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in options:
            hint = did_you_mean(name, options)
            raise PluginError(f"{word!r}: expected one of {', '.join(options)} and =value{hint}")
        made[name] = value
    return made
