"""What a template may take of this machine, where a slip of the pen would take all of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from opsrun.playbook.templating.library import PluginError

MOST_ENTRIES = 1_000_000
"""Of a list that a range or a generator makes."""
MOST_LETTERS = 256 * 1024 * 1024
"""Of a text that ``*`` makes."""
MOST_BITS = 1_000_000
"""Of a number that ``**`` makes."""


def unrolled(values: Iterable[Any]) -> list[Any]:
    """A list of what a range or a generator gives. PluginError where it doesn't end in time."""
    if isinstance(values, range):
        walked(values)
        return list(values)
    found = list(itertools.islice(values, MOST_ENTRIES + 1))
    if len(found) > MOST_ENTRIES:
        raise PluginError(f"this makes a list of more than {MOST_ENTRIES} entries")
    return found


def walked(value: Any) -> None:
    """Raises PluginError for a range that nobody should go through."""
    if isinstance(value, range) and len(value) > MOST_ENTRIES:
        raise PluginError(f"a list of {len(value)} numbers is too long")


def times(left: Any, right: Any) -> Any:
    """``left * right`` of a template."""
    for many, count in ((left, right), (right, left)):
        if isinstance(count, int) and isinstance(many, (str, bytes, list, tuple)):
            most = MOST_LETTERS if isinstance(many, (str, bytes)) else MOST_ENTRIES
            if len(many) * count > most:
                raise PluginError(f"{len(many)} * {count} is too long to be made")
    return left * right


def power(base: Any, exponent: Any) -> Any:
    """``base ** exponent`` of a template."""
    whole = isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1
    if whole and base.bit_length() * exponent > MOST_BITS:
        raise PluginError(f"{base} ** {exponent} has too many digits to be worked out")
    return base**exponent
