"""Hosts, groups and their variables, from the inventories that people already have."""

from __future__ import annotations

from opsrun.inventory.inventory import Inventory
from opsrun.inventory.load import load_inventory
from opsrun.inventory.model import (
    Explained,
    Group,
    Host,
    InventoryWarning,
    Origin,
    Unsafe,
    Value,
    Variables,
    Vaulted,
)

__all__ = [
    "Explained",
    "Group",
    "Host",
    "Inventory",
    "InventoryWarning",
    "Origin",
    "Unsafe",
    "Value",
    "Variables",
    "Vaulted",
    "load_inventory",
]
