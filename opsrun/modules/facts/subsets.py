"""Which facts a task asks for: ``gather_subset`` and ``filter``.

A collector finds a few facts together; it goes by its own name and by those of its facts. What is
left out counts by name: a collector stays as long as one of its names does. What is named wins over
what is left out, ``min`` is always there unless it is left out, and ``!network`` alone asks for
nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.modules.base import ModuleError


@dataclass(frozen=True, slots=True)
class Collector:
    """Finds facts."""

    name: str
    part: str
    """Of the script, that asks for them."""
    facts: tuple[str, ...]
    """Patterns for their names."""
    others: tuple[str, ...] = ()
    """Further names of it."""
    least: bool = False
    """Whether ``min`` has it."""
    needs: tuple[str, ...] = ()
    """Collectors whose facts come along."""


def _collector(
    name: str, part: str, facts: str, others: str = "", *, least: bool = False, needs: str = ""
) -> Collector:
    found, more = tuple(facts.split()), tuple(others.split())
    return Collector(name, part, found, more, least, tuple(needs.split()))


COLLECTORS = (
    _collector("apparmor", "min", "apparmor", least=True),
    _collector(
        "caps",
        "min",
        "system_capabilities*",
        "system_capabilities system_capabilities_enforced",
        least=True,
    ),
    _collector("chroot", "min", "is_chroot", "is_chroot"),
    _collector("cmdline", "min", "cmdline proc_cmdline", least=True),
    _collector("date_time", "min", "date_time", least=True),
    _collector(
        "distribution",
        "min",
        "distribution* os_family",
        "distribution_version distribution_release distribution_major_version os_family",
        least=True,
    ),
    _collector("dns", "min", "dns", least=True),
    _collector("env", "min", "env", least=True),
    _collector("fibre_channel_wwn", "min", "fibre_channel_wwn"),
    _collector("fips", "min", "fips", least=True),
    _collector("iscsi", "min", "iscsi_iqn"),
    _collector("nvme", "min", "hostnqn"),
    _collector("local", "min", "local", least=True),
    _collector("lsb", "min", "lsb", least=True),
    _collector("loadavg", "hardware", "loadavg"),
    _collector("pkg_mgr", "min", "pkg_mgr", least=True, needs="distribution"),
    _collector(
        "platform",
        "min",
        "system kernel kernel_version machine architecture userspace_* nodename hostname fqdn "
        "domain machine_id python_version",
        "system kernel kernel_version machine python_version architecture machine_id",
        least=True,
    ),
    _collector("python", "min", "python", least=True),
    _collector("selinux", "min", "selinux selinux_python_present", least=True),
    _collector("service_mgr", "min", "service_mgr", least=True, needs="distribution platform"),
    _collector(
        "ssh_pub_keys",
        "min",
        "ssh_host_key_*",
        "ssh_host_pub_keys ssh_host_key_dsa_public ssh_host_key_rsa_public "
        "ssh_host_key_ecdsa_public ssh_host_key_ed25519_public",
        least=True,
    ),
    _collector(
        "user",
        "min",
        "user_* effective_* real_*",
        "user_id user_uid user_gid user_gecos user_dir user_shell real_user_id "
        "effective_user_id effective_group_ids",
        least=True,
    ),
    _collector(
        "hardware",
        "hardware",
        "processor* mem* swap* flags uptime_seconds mounts device* lvm bios_* board_* chassis_* "
        "product_* system_vendor form_factor",
        "processor processor_cores processor_count mounts devices",
        needs="platform",
    ),
    _collector(
        "virtual",
        "virtual",
        "virtualization_*",
        "virtualization_type "
        "virtualization_role virtualization_tech_guest virtualization_tech_host",
    ),
    _collector("facter", "", ""),
    _collector("ohai", "", ""),
    _collector("systemd", "min", "systemd"),
    _collector(
        "network",
        "network",
        "*",
        "interfaces default_ipv4 default_ipv6 all_ipv4_addresses all_ipv6_addresses",
        needs="distribution platform",
    ),
)


@dataclass(frozen=True, slots=True)
class Subsets:
    """What was asked for."""

    collectors: tuple[Collector, ...]

    @classmethod
    def of(cls, subsets: tuple[str, ...]) -> Subsets:
        """From ``gather_subset``.

        Raises:
            ModuleError: a subset that is none.
        """
        words = [w.strip() for entry in subsets for w in str(entry).split(",") if w.strip()]
        wanted, without, explicit = set(_LEAST), set[str](), set[str]()
        for word in words:
            name = word.removeprefix("!")
            if name in ("all", "min"):
                group = _LEAST if name == "min" else _EVERY
                if word == name:
                    wanted |= group
                else:
                    without |= group if name == "min" else _EVERY - _LEAST
            elif word == name:
                explicit.add(_checked(name))
            else:
                without |= _names_of(_checked(name))
        left = (wanted | explicit) - (without - explicit)
        chosen = {each.name for each in COLLECTORS if left & {each.name, *each.others}}
        for each in COLLECTORS:
            if each.name in chosen:
                chosen.update(each.needs)
        return cls(tuple(each for each in COLLECTORS if each.name in chosen))

    @property
    def parts(self) -> set[str]:
        """Parts of the script."""
        return {each.part for each in self.collectors if each.part}

    def only(self, facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The facts that these collectors find."""
        for name, value in facts.items():
            if _owner(name) in self.collectors:
                yield name, value


def _owner(name: str) -> Collector | None:
    return next((each for each in COLLECTORS if _matches(name, each.facts)), None)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


_EVERY = frozenset(name for each in COLLECTORS for name in (each.name, *each.others))
_LEAST = frozenset(name for each in COLLECTORS if each.least for name in (each.name, *each.others))


def _names_of(name: str) -> frozenset[str]:
    """What leaving a name out leaves out: for a collector all names of it."""
    for each in COLLECTORS:
        if name == each.name:
            return frozenset((each.name, *each.others))
    return frozenset((name,))


def _checked(name: str) -> str:
    if name not in _EVERY:
        guess = did_you_mean(name, ("all", "min", *sorted(_EVERY)))
        raise ModuleError(f"gather_subset knows no {name!r}{guess}")
    return name


def filtered(facts: Mapping[str, Any], patterns: tuple[str, ...]) -> dict[str, Any]:
    """Facts whose names are like one of the patterns, with or without their prefix."""
    wanted = [each for each in patterns if each]
    if not wanted or "*" in wanted:
        return dict(facts)
    return {
        name: value
        for name, value in facts.items()
        if any(fnmatchcase(name, p) or fnmatchcase(name, f"ansible_{p}") for p in wanted)
    }


def subsets_with(name: str) -> str | None:
    """The subset that has a fact; None where that is not known beforehand, as with interfaces.

    Args:
        name: of the fact, without its prefix.
    """
    owner = _owner(name)
    if any(sign in name for sign in "*?[") or owner is None or owner.facts == ("*",):
        return "network" if name in _OF_NETWORKS else None
    return owner.name


_OF_NETWORKS = (
    *("interfaces", "default_ipv4", "default_ipv6"),
    *("all_ipv4_addresses", "all_ipv6_addresses", "locally_reachable_ips"),
)
