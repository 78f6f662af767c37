"""What can be looked up by name: modules, keywords, filters, tests and lookups."""

from __future__ import annotations

from opsrun.reference.entries import KINDS, Entry, Kind, find, listed
from opsrun.reference.text import entry_lines, list_lines

__all__ = ["KINDS", "Entry", "Kind", "entry_lines", "find", "list_lines", "listed"]
