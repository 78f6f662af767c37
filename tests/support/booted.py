"""Steps on a machine booted with systemd, and what is told of their results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from support.module_cases import CASES

FOLDER = CASES / "systemd_service"
FILE = FOLDER / "booted.yml"
PREPARE = (FOLDER / "prepare.sh").read_text(encoding="utf-8")
"""Makes units, and a script below ``/etc/init.d`` that is called ``old``."""

_STATUS = ("Id", "ActiveState", "SubState", "LoadState", "UnitFileState")
_FACTS = ("good", "bad", "hidden", "other", "getty@")


def steps() -> list[dict[str, Any]]:
    """In order, all on one machine; ``differs`` says why a result is another than the dialect's."""
    found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def told(result: Mapping[str, Any]) -> dict[str, Any]:
    """What no two machines differ in; of messages, what playbooks look for."""
    changed = bool(result.get("changed"))
    if result.get("failed"):
        known = "Could not find the requested service" in str(result.get("msg"))
        return {"failed": True, "changed": changed, "unknown": known}
    found: dict[str, Any] = {"changed": changed}
    for name in ("name", "state", "enabled"):
        if name in result:
            found[name] = result[name]
    if "status" in result:
        found["status"] = {
            name: result["status"][name] for name in _STATUS if name in result["status"]
        }
    services = result.get("ansible_facts", {}).get("services")
    if services is not None:
        names = [full for each in _FACTS for full in (each, f"{each}.service")]
        found["services"] = {each: services[each] for each in names if each in services}
    return found
