"""What can be waited for: a port, a login, a page, a command, a file, a unit, a line of a log."""

from opsrun.adhoc.checks.base import Attempt, Check, Sight
from opsrun.adhoc.checks.grammar import KINDS, parse, parse_all

__all__ = ["KINDS", "Attempt", "Check", "Sight", "parse", "parse_all"]
