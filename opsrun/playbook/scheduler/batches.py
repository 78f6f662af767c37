"""Which hosts a play takes together (``serial``), and in which order (``order``).

https://docs.ansible.com/ansible/latest/playbook_guide/playbooks_strategies.html
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from opsrun.errors import UsageError, did_you_mean

ORDERS = ("inventory", "reverse_inventory", "reverse_sorted", "shuffle", "sorted")


def batches(hosts: Sequence[str], serial: Any) -> list[list[str]]:
    """``hosts`` cut into batches as ``serial`` says.

    Args:
        hosts: in the order in which they are taken.
        serial: a number, a percentage of all hosts (rounded down, at least one host), or a list
            of either, of which the last is used again and again. None and 0 take all that remain.

    Raises:
        UsageError: a size is no whole number from 0 on, and no percentage.
    """
    sizes = [_size(each, len(hosts)) for each in _entries(serial)] or [0]
    cut: list[list[str]] = []
    start = 0
    while start < len(hosts):
        size = sizes[min(len(cut), len(sizes) - 1)] or len(hosts)
        cut.append(list(hosts[start : start + size]))
        start += size
    return cut


def ordered(hosts: Sequence[str], order: Any, rng: Random) -> list[str]:
    """``hosts``, given in the inventory's order, in the play's; ``shuffle`` draws from ``rng``.

    Raises:
        UsageError: there is no such order.
    """
    word = "inventory" if order in (None, "") else order
    if word not in ORDERS:
        hint = did_you_mean(str(word), ORDERS)
        raise UsageError(f"order: expected one of {', '.join(ORDERS)}, found {word!r}{hint}")
    if word == "shuffle":
        return rng.sample(hosts, len(hosts))
    if word == "reverse_inventory":
        return list(reversed(hosts))
    return list(hosts) if word == "inventory" else sorted(hosts, reverse=word != "sorted")


def _entries(serial: Any) -> Sequence[Any]:
    if serial is None:
        return ()
    return serial if isinstance(serial, (list, tuple)) else (serial,)


def _size(entry: Any, total: int) -> int:
    text = str(entry).strip()
    percent = text.endswith("%")
    try:
        number = float(text[:-1]) if percent else int(text)
    except ValueError:
        raise _refused(entry) from None
    if isinstance(entry, bool) or not 0 <= number <= 1e9:
        raise _refused(entry)
    return max(1, int(total * number / 100)) if percent else int(number)


def _refused(entry: Any) -> UsageError:
    return UsageError(
        f"serial: expected a whole number from 0 on, a percentage like 25%, or a list of them; "
        f"found {entry!r}"
    )
