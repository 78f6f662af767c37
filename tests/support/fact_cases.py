"""Systems as files that tell of their distribution, and how they are placed in a machine."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import yaml
from support.module_cases import CASES

DISTRIBUTIONS = CASES / "setup" / "distributions.yml"

CLEARED = """\
rm -f /etc/*-release /etc/*_release /etc/*_version /etc/*-version /usr/lib/os-release
rm -rf /etc/coreos /etc/flatcar /etc/upstream-release"""
"""Takes everything out of a machine that tells of its distribution."""


def systems() -> list[dict[str, Any]]:
    """All systems: ``name``, ``files`` by path, and the ``facts`` that were recorded."""
    found: list[dict[str, Any]] = yaml.safe_load(DISTRIBUTIONS.read_text(encoding="utf-8"))
    return found


def placing(system: Mapping[str, Any]) -> str:
    """A script that makes a machine tell what a system tells."""
    lines = [CLEARED]
    for path, text in system["files"].items():
        where = shlex.quote(f"/{path}")
        lines.append(f"mkdir -p {shlex.quote('/' + path.rpartition('/')[0])}")
        lines.append(f"printf %s {shlex.quote(text)} >{where}")
    return "\n".join(lines) + "\n"


MACHINES = CASES / "setup" / "machines.yml"


def machines() -> list[dict[str, Any]]:
    """All machines: ``name``, ``prepare``, the names ``compared`` and the recorded ``facts``."""
    found: list[dict[str, Any]] = yaml.safe_load(MACHINES.read_text(encoding="utf-8"))
    return found


def ordered(facts: Mapping[str, Any]) -> dict[str, Any]:
    """With lists sorted whose order means nothing."""
    found = dict(facts)
    for name in ("interfaces", "all_ipv4_addresses", "all_ipv6_addresses"):
        if name in found:
            found[name] = sorted(found[name])
    for name in ("virtualization_tech_guest", "virtualization_tech_host"):
        if name in found:
            found[name] = sorted(found[name])
    if "locally_reachable_ips" in found:
        reached = found["locally_reachable_ips"]
        found["locally_reachable_ips"] = {family: sorted(each) for family, each in reached.items()}
    if "mounts" in found:
        # How we come in is mounted, too.
        known = {each["mount"]: each for each in found["mounts"]}
        found["mounts"] = {where: each for where, each in known.items() if where != "/run/opsrun"}
    return found


def chosen(facts: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Facts by name; ``a.b`` is one of a fact's."""
    told = ordered(facts)
    found = {}
    for name in names:
        top, _, below = name.partition(".")
        found[name] = told.get(top, {}).get(below) if below else told.get(top)
    return found
