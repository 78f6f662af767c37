"""``all(PATTERN) CHECK`` and ``any N of(PATTERN) CHECK``: what holds on hosts of the inventory."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsrun.adhoc.checks.base import Attempt, Check, Sight, wrong
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD = re.compile(r"(?:all|any\s+(?P<least>\S+)\s+of)\s*\(")

_EXPECTED = "all(PATTERN) CHECK or any N of(PATTERN) CHECK"


@dataclass(frozen=True, slots=True)
class GroupCheck:
    """Passes when a check holds on all hosts of a pattern, or on so many, in one look at them."""

    pattern: str
    check: Check
    least: int | None = None
    """So many are enough; None for all of them."""
    is_shared = True
    needs_shell = False

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`.

        Raises:
            UsageError: the pattern has fewer hosts than are to be enough.
        """
        from opsrun.adhoc.checks.members import Members

        return Members(self, sight.members(self.pattern), sight.engine).look

    def needed(self, hosts: int) -> int:
        """On how many of so many hosts it has to hold.

        Raises:
            UsageError: there are fewer.
        """
        least = hosts if self.least is None else self.least
        if least > hosts:
            number = "only 1 host" if hosts == 1 else f"only {hosts} hosts"
            raise UsageError(f"can't wait for {str(self)!r}: {self.pattern} has {number}")
        return least

    def __str__(self) -> str:
        head = "all" if self.least is None else f"any {self.least} of"
        return f"{head}({self.pattern}) {self.check}"


def is_group(text: str) -> bool:
    """Whether it is meant to be one of these."""
    return bool(re.match(r"(?:all|any)\b(?!\s*:)", text))


def parse_group(text: str, parse: Callable[[str], Check]) -> GroupCheck:
    """Read a pattern in brackets and the check behind it, which ``parse`` reads.

    Raises:
        UsageError: it can't be understood.
    """
    head = _HEAD.match(text)
    if head is None:
        raise wrong(text, _EXPECTED)
    end = _closing(text, head.end())
    pattern, rest = text[head.end() : end].strip(), text[end + 1 :].strip()
    if end < 0 or not pattern or not rest:
        raise wrong(text, _EXPECTED)
    if is_group(rest):
        raise UsageError(f"can't wait for {text!r}: a group's check is about one host each")
    return GroupCheck(pattern, parse(rest), _least(text, head["least"]))


def _closing(text: str, start: int) -> int:
    """Where the bracket closes that was opened before ``start``: patterns may hold some; or -1."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place
    return -1


def _least(text: str, number: str | None) -> int | None:
    if number is None:
        return None
    # No inventory has more hosts than nine digits can say, and int() refuses thousands of them.
    if number.isascii() and number.isdigit() and len(number) < 10 and int(number) > 0:
        return int(number)
    raise wrong(text, "a number of hosts from 1 on, as in any 2 of(web) ssh")
