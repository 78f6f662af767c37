"""Which distribution a host runs, under the names that playbooks test."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

_NAMES = {
    "debian": "Debian",
    "ubuntu": "Ubuntu",
    "linuxmint": "Linux Mint",
    "kali": "Kali",
    "raspbian": "Debian",
    "devuan": "Devuan",
    "pop": "Pop!_OS",
    "rhel": "RedHat",
    "centos": "CentOS",
    "fedora": "Fedora",
    "rocky": "Rocky",
    "almalinux": "AlmaLinux",
    "ol": "OracleLinux",
    "amzn": "Amazon",
    "sles": "SLES",
    "sled": "SLED",
    "opensuse-leap": "openSUSE Leap",
    "opensuse-tumbleweed": "openSUSE Tumbleweed",
    "alpine": "Alpine",
    "arch": "Archlinux",
    "archarm": "Archlinux",
    "manjaro": "Archlinux",
    "gentoo": "Gentoo",
    "void": "Void",
    "flatcar": "Flatcar",
    "photon": "VMware Photon OS",
    "openwrt": "OpenWrt",
    "clear-linux-os": "Clear Linux OS",
    "nixos": "NixOS",
}
_FAMILIES = {
    "Debian": "Debian Ubuntu|Linux Mint|Kali|Devuan|Pop!_OS",
    "RedHat": "RedHat|CentOS|Fedora|Rocky|AlmaLinux|OracleLinux|Amazon|VMware Photon OS",
    "Suse": "SLES|SLED|openSUSE Leap|openSUSE Tumbleweed",
    "Archlinux": "Archlinux",
    "Alpine": "Alpine",
    "Gentoo": "Gentoo",
    "Void": "Void",
    "Flatcar": "Flatcar",
    "ClearLinux": "Clear Linux OS",
}
_FAMILY = {
    name: family
    for family, names in _FAMILIES.items()
    for name in names.replace("Debian Ubuntu", "Debian|Ubuntu").split("|")
}
_LIKE = {"debian": "Debian", "ubuntu": "Debian", "rhel": "RedHat", "fedora": "RedHat"}
_LIKE |= {"suse": "Suse", "arch": "Archlinux", "gentoo": "Gentoo"}
_VERSION = re.compile(r"(\d+(?:\.\d+)*)")


def fields_of(text: str) -> dict[str, str]:
    """The assignments of an os-release file; see os-release(5)."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            try:
                found[name] = "".join(shlex.split(value, comments=False)) if value else ""
            except ValueError:
                found[name] = value.strip("\"'")
    return found


def distribution(texts: Mapping[str, str]) -> dict[str, Any]:
    """Facts of the distribution.

    Args:
        texts: ``os-release``, ``debian_version``, ``redhat-release`` … as far as there are any.
    """
    fields = fields_of(texts.get("os-release", ""))
    ident = fields.get("ID", "").lower()
    name = _NAMES.get(ident) or fields.get("NAME") or "Linux"
    if ident == "centos" and "Stream" in texts.get("redhat-release", fields.get("NAME", "")):
        name = "CentOS"
    version = _version(ident, fields, texts)
    parts = version.split(".")
    facts: dict[str, Any] = {
        "distribution": name,
        "distribution_version": version or "NA",
        "distribution_major_version": parts[0] or "NA",
        "distribution_release": _release(ident, fields, texts),
        "os_family": _family(name, fields),
        "distribution_file_parsed": bool(fields),
    }
    if len(parts) > 1 and ident in ("debian", "amzn"):
        facts["distribution_minor_version"] = parts[1]
    if fields:
        facts["distribution_file_path"] = _path(ident, texts)
        facts["distribution_file_variety"] = _variety(ident, facts["os_family"])
    return facts


def _version(ident: str, fields: Mapping[str, str], texts: Mapping[str, str]) -> str:
    version = fields.get("VERSION_ID", "")
    whole = {
        "debian": "debian_version",
        "raspbian": "debian_version",
        "alpine": "alpine-release",
        "centos": "redhat-release",
        "rhel": "redhat-release",
        "rocky": "redhat-release",
        "almalinux": "redhat-release",
    }.get(ident)
    found = _VERSION.search(texts.get(whole, "")) if whole else None
    if found is not None and found[1].split(".")[0] == version.split(".")[0]:
        return found[1] if ident != "rhel" else version or found[1]
    return version


def _release(ident: str, fields: Mapping[str, str], texts: Mapping[str, str]) -> str:
    named = fields.get("VERSION_CODENAME") or fields.get("UBUNTU_CODENAME")
    if named:
        return named
    inside = re.search(r"\(([^)]+)\)", texts.get("redhat-release", fields.get("VERSION", "")))
    if ident == "centos" and "Stream" in texts.get("redhat-release", ""):
        return "Stream"
    if inside is not None:
        return inside[1].split()[0].lower() if ident == "debian" else inside[1]
    return "NA"


def _family(name: str, fields: Mapping[str, str]) -> str:
    if name in _FAMILY:
        return _FAMILY[name]
    for like in fields.get("ID_LIKE", "").split():
        if like in _LIKE:
            return _LIKE[like]
    return name


def _path(ident: str, texts: Mapping[str, str]) -> str:
    for name in ("redhat-release", "alpine-release"):
        if name in texts and ident in ("centos", "rhel", "fedora", "rocky", "almalinux", "alpine"):
            return f"/etc/{name}"
    return "/etc/arch-release" if "arch-release" in texts else "/etc/os-release"


def _variety(ident: str, family: str) -> str:
    return {"RedHat": "RedHat", "Suse": "SUSE"}.get(family, "CentOS" if not ident else family)


def lsb(facts: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, str]:
    """What lsb_release(1) would say; it takes a tenth of a second to."""
    fields = fields_of(texts.get("os-release", ""))
    version = fields.get("VERSION_ID", "")
    return {
        "id": str(facts["distribution"]),
        "codename": str(facts["distribution_release"]),
        "description": fields.get("PRETTY_NAME", ""),
        "release": version,
        "major_release": version.split(".")[0],
    }
