"""``ansible`` itself: which version of the language this is."""

from __future__ import annotations

from opsrun.playbook.variables.settings import VERSION

__version__: str = str(VERSION["full"])
__author__ = "opsrun"
