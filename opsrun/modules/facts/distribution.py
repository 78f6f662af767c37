"""Which distribution a host runs, under the names that playbooks test.

Files are looked at one after the other, and the first one that a reader makes sense of decides, as
the dialect has it: files of families before os-release(5), and in that the family's name before its
own. Each reader is sent the text of its file and all that there is.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Facts = dict[str, Any]

_FAMILIES = {
    "Debian": "Debian|Ubuntu|Raspbian|Neon|KDE neon|Linux Mint|SteamOS|Devuan|Kali|Cumulus Linux|"
    "Pop!_OS|Parrot|Pardus GNU/Linux|Uos|Deepin|OSMC",
    "RedHat": "RedHat|RHEL|Fedora|CentOS|Scientific|SLC|Ascendos|CloudLinux|PSBM|OracleLinux|OVS|"
    "OEL|Amazon|Amzn|Virtuozzo|XenServer|Alibaba|EulerOS|openEuler|AlmaLinux|Rocky|TencentOS|"
    "EuroLinux|Kylin Linux Advanced Server|MIRACLE",
    "Suse": "SuSE|SLES|SLED|openSUSE|openSUSE Tumbleweed|SLES_SAP|SUSE_LINUX|openSUSE Leap|"
    "ALP-Dolomite|SL-Micro",
    "Archlinux": "Archlinux|Antergos|Manjaro",
    "Mandrake": "Mandrake|Mandriva",
    "Gentoo": "Gentoo|Funtoo",
    "ClearLinux": "Clear Linux OS|Clear Linux Mix",
    "FreeBSD": "FreeBSD|TrueOS",
    "Darwin": "MacOSX",
}
_FAMILY = {name: family for family, names in _FAMILIES.items() for name in names.split("|")}
_IDS = {
    "rhel": "RedHat",
    "redhat": "RedHat",
    "ol": "OracleLinux",
    "amzn": "Amazon",
    "sles_sap": "SLES_SAP",
    "arch": "Archlinux",
    "centos": "CentOS",
    "cloudlinux": "CloudLinux",
    "almalinux": "AlmaLinux",
}
"""Where a distribution is called otherwise than its ``ID`` with a capital letter."""
_RELEASE_FILE = re.compile(
    r"(?P<name>.+?)\s+(?:[Rr]elease\s+)?(?P<version>\d[\d.]*)\s*(?:\((?P<code>[^)]*)\))?"
)
_RELEASE_FILES = (
    "altlinux-release",
    "gentoo-release",
    "mageia-release",
    "oracle-release",
    "centos-release",
    "redhat-release",
)
"""The first of them that is there is read for what os-release doesn't say."""
_CODENAME = re.compile(r"\((\D+)\)|,\s*(\D+)")


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


@dataclass(frozen=True, slots=True)
class Sources:
    """What a host tells."""

    texts: Mapping[str, str]
    """By path below ``/etc``; a file that is empty is there all the same."""
    fields: Mapping[str, str]
    """Of os-release."""

    def of(self, name: str) -> str:
        """A file's text; empty where there is none."""
        return self.texts.get(name, "")


def distribution(texts: Mapping[str, str], system: str = "Linux") -> Facts:
    """Facts of the distribution.

    Args:
        texts: ``os-release``, ``debian_version``, ``redhat-release`` … as far as there are any.
        system: the kernel's name: what there is if nothing tells of a distribution.
    """
    told = texts.get("os-release") or texts.get("usr/lib/os-release", "")
    sources = Sources(texts, fields_of(told))
    facts = _base(sources, system)
    for name, variety, read in _READERS:
        text = sources.texts.get(name)
        if text is None or not (text.strip() or name == "arch-release"):
            continue
        found = read(text, sources, facts)
        if found is not None:
            facts |= {"distribution_file_path": f"/etc/{name}"}
            facts |= {"distribution_file_variety": variety, **found}
            if name != "arch-release":
                facts["distribution_file_parsed"] = True
            break
    facts["os_family"] = _FAMILY.get(facts["distribution"], facts["distribution"])
    return facts


def _base(sources: Sources, system: str) -> Facts:
    """As far as it needs no knowledge of a distribution."""
    fields = sources.fields
    told = next((sources.of(name) for name in _RELEASE_FILES if name in sources.texts), "")
    release = _RELEASE_FILE.match(told)
    ident = fields.get("ID", "").lower()
    if not ident and release is not None:
        ident = "redhat" if "Red Hat" in release["name"] else release["name"].split()[0].lower()
    if not ident and sources.of("system-release").startswith("Amazon"):
        ident = "amzn"
    version = _version(ident, sources, release)
    facts: Facts = {
        "distribution": _IDS.get(ident, ident.capitalize()) or f"Other{system}",
        "distribution_version": version or "NA",
        "distribution_major_version": version.split(".")[0] or "NA",
        "distribution_release": _codename(sources, release),
    }
    return facts


def _version(ident: str, sources: Sources, release: re.Match[str] | None) -> str:
    """The most exact one of Debian and CentOS; of others what os-release says."""
    version = sources.fields.get("VERSION_ID", "")
    debian = sources.of("debian_version").strip()
    if ident == "debian" and debian and (not version or re.match(r"[\d.]+\Z", debian)):
        return debian if "." in debian or not version else version
    told = release["version"].rstrip(".") if release is not None else ""
    if ident == "centos" and told:
        return ".".join(told.split(".")[:2])
    return version or told


def _codename(sources: Sources, release: re.Match[str] | None) -> str:
    for name in ("VERSION_CODENAME", "UBUNTU_CODENAME"):
        if name in sources.fields:
            return sources.fields[name]
    found = _CODENAME.search(sources.fields.get("VERSION", ""))
    if found is not None:
        return found[1] or found[2]
    return (release["code"] if release is not None else "") or "NA"


Reader = Callable[[str, Sources, Facts], Facts | None]


def _named(word: str, name: str, *, search: bool = False) -> Reader:
    """Made sense of where a word is in it."""

    def read(text: str, _sources: Sources, _facts: Facts) -> Facts | None:
        if word not in text:
            return None
        told = {"distribution_file_search_string": word} if search else {}
        return {"distribution": name, **told}

    return read


def _slackware(text: str, _sources: Sources, _facts: Facts) -> Facts | None:
    found = re.search(r"\d+\.\d+\+?", text)
    told = {} if found is None else {"distribution_version": found[0]}
    return {"distribution": "Slackware", **told} if "Slackware" in text else None


def _stream(text: str, _sources: Sources, _facts: Facts) -> Facts | None:
    if "TencentOS" in text:
        return {"distribution": "TencentOS"}
    if "CentOS Stream" not in text:
        return None
    return {"distribution": "CentOS", "distribution_release": "Stream"}


def _redhat(text: str, _sources: Sources, _facts: Facts) -> Facts:
    if "Red Hat" in text:
        return {"distribution": "RedHat", "distribution_file_search_string": "Red Hat"}
    return {"distribution": text.split()[0]}


def _openwrt(text: str, _sources: Sources, _facts: Facts) -> Facts | None:
    if "OpenWrt" not in text:
        return None
    told = fields_of(text)
    version, release = told.get("DISTRIB_RELEASE"), told.get("DISTRIB_CODENAME")
    facts = {"distribution_version": version, "distribution_release": release}
    return {"distribution": "OpenWrt", **{k: v for k, v in facts.items() if v}}


def _amazon(text: str, sources: Sources, facts: Facts) -> Facts | None:
    if "Amazon" not in text:
        return None
    version = sources.fields.get("VERSION_ID")
    if version is None:
        return {"distribution": "Amazon"}
    major, _, minor = version.partition(".")
    return {
        "distribution": "Amazon",
        "distribution_version": version,
        "distribution_major_version": major,
        "distribution_minor_version": minor or "NA",
    }


def _alpine(text: str, _sources: Sources, _facts: Facts) -> Facts:
    return {"distribution": "Alpine", "distribution_version": text.strip()}


def _arch(_text: str, _sources: Sources, _facts: Facts) -> Facts:
    return {"distribution": "Archlinux"}


def _suse(text: str, sources: Sources, facts: Facts) -> Facts | None:
    if "suse" not in text.lower():
        return None
    fields = sources.fields
    version = fields.get("VERSION_ID", facts["distribution_version"])
    major, dot, minor = version.partition(".")
    name = fields.get("NAME", "")
    release = minor if dot else ("" if "Tumbleweed" in name else "0")
    return {
        "distribution": name or facts["distribution"],
        "distribution_version": version,
        "distribution_major_version": major,
        "distribution_release": release,
    }


def _old_suse(text: str, _sources: Sources, _facts: Facts) -> Facts | None:
    if "suse" not in text.lower():
        return None
    version = re.search(r"VERSION\s*=\s*(\S+)", text)
    level = re.search(r"PATCHLEVEL\s*=\s*(\d+)", text)
    name = "openSUSE" if "openSUSE" in text else "SLES" if "Server" in text else "SLED"
    code = re.search(r"CODENAME\s*=\s*(\S+)", text)
    told = version[1] if version is not None else "NA"
    whole = f"{told}.{level[1]}" if level is not None and "." not in told else told
    return {
        "distribution": name,
        "distribution_version": whole,
        "distribution_major_version": told.split(".")[0],
        "distribution_release": next((each[1] for each in (level, code) if each), ""),
    }


_DEBIANS = (
    ("Ubuntu", "Ubuntu"),
    ("SteamOS", "SteamOS"),
    ("Kali", "Kali"),
    ("Parrot", "Parrot"),
    ("Devuan", "Devuan"),
    ("Cumulus", "Cumulus Linux"),
    ("Mint", "Linux Mint"),
    ("UOS", "Uos"),
    ("Uos", "Uos"),
    ("uos", "Uos"),
    ("Deepin", "Deepin"),
    ("deepin", "Deepin"),
)


def _debian(text: str, sources: Sources, facts: Facts) -> Facts | None:
    if "Debian" in text or "Raspbian" in text:
        found = re.search(r"PRETTY_NAME=[^(\n]+ \(?([^)\n]+?)\)?\"?$", text, re.MULTILINE)
        told: Facts = {"distribution": "Debian"}
        if facts["distribution_release"] == "NA" and found is not None:
            told["distribution_release"] = found[1]
        _, dot, minor = sources.of("debian_version").strip().partition(".")
        return told | ({"distribution_minor_version": minor} if dot else {})
    for word, name in _DEBIANS:
        if word in text:
            told = {"distribution": name}
            if name == "Cumulus Linux":
                told["distribution_release"] = sources.fields.get("VERSION", "NA")
            return told
    return None


def _mandriva(text: str, _sources: Sources, _facts: Facts) -> Facts | None:
    if "Mandriva" not in text:
        return None
    told = fields_of(text)
    facts = {
        "distribution_version": told.get("DISTRIB_RELEASE"),
        "distribution_release": told.get("DISTRIB_CODENAME"),
    }
    return {"distribution": "Mandriva", **{k: v for k, v in facts.items() if v}}


def _coreos(text: str, _sources: Sources, facts: Facts) -> Facts | None:
    if facts["distribution"].lower() != "coreos":
        return None
    group = re.search(r"^GROUP=(.*)", text, re.MULTILINE)
    return {"distribution_release": group[1]} if group is not None else {}


def _flatcar(text: str, _sources: Sources, facts: Facts) -> Facts | None:
    return {"distribution": "Flatcar"} if "Flatcar" in text else None


def _any(text: str, sources: Sources, facts: Facts) -> Facts | None:
    name, version = sources.fields.get("NAME"), sources.fields.get("VERSION_ID")
    told: Facts = {}
    if name:
        told["distribution"] = name
    if version:
        told["distribution_version"] = version
    return told or None


_READERS: tuple[tuple[str, str, Reader], ...] = (
    ("altlinux-release", "Altlinux", _named("ALT", "Altlinux", search=True)),
    ("oracle-release", "OracleLinux", _named("Oracle Linux", "OracleLinux", search=True)),
    ("slackware-version", "Slackware", _slackware),
    ("centos-release", "CentOS", _stream),
    ("redhat-release", "RedHat", _redhat),
    ("vmware-release", "VMwareESX", _named("VMware ESX", "VMwareESX", search=True)),
    ("openwrt_release", "OpenWrt", _openwrt),
    ("os-release", "Amazon", _amazon),
    ("system-release", "Amazon", _amazon),
    ("alpine-release", "Alpine", _alpine),
    ("arch-release", "Archlinux", _arch),
    ("os-release", "Archlinux", _named("Arch Linux", "Archlinux")),
    ("os-release", "SUSE", _suse),
    ("SuSE-release", "SUSE", _old_suse),
    ("os-release", "Debian", _debian),
    ("lsb-release", "Debian", _debian),
    ("lsb-release", "Mandriva", _mandriva),
    ("coreos/update.conf", "Coreos", _coreos),
    ("os-release", "Flatcar", _flatcar),
    ("os-release", "NA", _any),
)
"""In the order in which the dialect looks at them, as its answers show."""


def lsb(texts: Mapping[str, str], told: str = "") -> dict[str, str]:
    """What lsb_release(1) says where there is one; else what is in ``/etc/lsb-release``.

    Args:
        texts: as for `distribution`.
        told: the output of ``lsb_release -a``.
    """
    pairs: dict[str, str] = {}
    for line in told.splitlines():
        name, colon, value = line.partition(":")
        key = _LSB_WORDS.get(name.strip()) if colon else None
        if key is not None:
            pairs[key] = value.strip()
    if not pairs:
        fields = fields_of(texts.get("lsb-release", ""))
        pairs = {key: fields[name] for name, key in _LSB_FIELDS.items() if name in fields}
    if "release" in pairs:
        pairs["major_release"] = pairs["release"].split(".")[0]
    return pairs


_LSB_WORDS = {
    "LSB Version": "release",
    "Distributor ID": "id",
    "Description": "description",
    "Release": "release",
    "Codename": "codename",
}
_LSB_FIELDS = {
    "DISTRIB_ID": "id",
    "DISTRIB_RELEASE": "release",
    "DISTRIB_DESCRIPTION": "description",
    "DISTRIB_CODENAME": "codename",
}
