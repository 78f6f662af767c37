"""Packages: modules of the host's package managers, and which package usually holds a tool."""

from opsrun.modules.packages.tools import FAMILIES, PACKAGES, holding, missing, where_from

__all__ = ["FAMILIES", "PACKAGES", "holding", "missing", "where_from"]
