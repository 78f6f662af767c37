"""The wildcards that ssh_config and known_hosts share: PATTERNS in ssh_config(5).

``*`` is any run of characters, ``?`` any one; nothing else is special, brackets included. A list
is matched as a whole: any negated pattern that fits rules the name out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PARTS = {"*": ".*", "?": "."}


def has_wildcard(pattern: str) -> bool:
    """True if the pattern can fit more than its own text."""
    return "*" in pattern or "?" in pattern


def expression(pattern: str) -> str:
    """The pattern as a regular expression to be matched from end to end.

    Runs of ``*`` become one, so that a hostile pattern can't make the matcher backtrack for long.
    """
    return "".join(_PARTS.get(char) or re.escape(char) for char in re.sub(r"\*+", "*", pattern))


def _compiled(patterns: list[str]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    return re.compile("|".join(f"(?:{expression(one)})" for one in patterns), re.DOTALL)


@dataclass(frozen=True, slots=True)
class PatternList:
    """Patterns, some perhaps negated by ``!``, compiled once."""

    positive: re.Pattern[str] | None
    """None where ``literals`` say it all, or no pattern is positive."""
    negative: re.Pattern[str] | None
    literals: frozenset[str] | None
    """The only names that can fit; None where a wildcard makes them endless."""

    @classmethod
    def of(cls, patterns: Iterable[str]) -> PatternList:
        """Compile; a pattern that is empty after its ``!`` fits the empty name only."""
        every = list(patterns)
        positive = [one for one in every if not one.startswith("!")]
        negative = [one[1:] for one in every if one.startswith("!")]
        if any(has_wildcard(one) for one in positive):
            return cls(_compiled(positive), _compiled(negative), None)
        return cls(None, _compiled(negative), frozenset(positive))

    @classmethod
    def split(cls, text: str, *, fold: bool = False) -> PatternList:
        """Compile a comma-separated list, in lower case if ``fold``."""
        return cls.of((text.lower() if fold else text).split(","))

    def matches(self, name: str) -> bool:
        """True if some pattern fits ``name`` and no negated one does."""
        if self.literals is not None:
            fits = name in self.literals
        else:
            fits = self.positive is not None and self.positive.fullmatch(name) is not None
        if not fits:
            return False
        return self.negative is None or not self.negative.fullmatch(name)
