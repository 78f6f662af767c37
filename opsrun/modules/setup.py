"""setup: the facts of a host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from opsrun.errors import did_you_mean
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.facts import asking, hardware, system
from opsrun.modules.facts.distribution import distribution, lsb
from opsrun.modules.facts.network import network
from opsrun.modules.facts.virtual import virtualization
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Run

_GROUPS = {
    "min": "platform distribution lsb user date_time pkg_mgr service_mgr python env cmdline "
    "ssh_pub_keys local apparmor caps chroot fips selinux dns",
    "hardware": "hardware mounts devices dmi processor memory",
    "network": "network interfaces default_ipv4 default_ipv6 all_ipv4_addresses all_ipv6_addresses",
    "virtual": "virtual virtualization_type virtualization_role virtualization_tech_guest "
    "virtualization_tech_host",
    "facter": "facter",
    "ohai": "ohai",
}
_PARTS = ("min", "hardware", "network", "virtual")
_ALIASES = {name: part for part, names in _GROUPS.items() for name in names.split()}
_ALIASES |= {
    "architecture": "min",
    "distribution_major_version": "min",
    "distribution_version": "min",
    "distribution_release": "min",
    "os_family": "min",
    "hostname": "min",
    "fqdn": "min",
    "system": "min",
    "kernel": "min",
    "machine": "min",
    "python_version": "min",
    "mounts": "hardware",
}


def parts_of(subsets: tuple[str, ...]) -> set[str]:
    """Which parts of the script ``gather_subset`` wants.

    Raises:
        ModuleError: a subset that is none.
    """
    words = [word.strip() for entry in subsets for word in str(entry).split(",") if word.strip()]
    wanted: set[str] = set()
    without: set[str] = set()
    for word in words:
        name = word.removeprefix("!")
        if name not in _ALIASES and name not in (*_GROUPS, "all"):
            guess = did_you_mean(name, ("all", *_GROUPS, *_ALIASES))
            raise ModuleError(f"gather_subset knows no {name!r}{guess}")
        group = name if name in _GROUPS or name == "all" else _ALIASES[name]
        if word.startswith("!"):
            if group == "all":
                without |= set(_PARTS) - {"min"}
            elif name in _GROUPS:
                without.add(group)
        elif group == "all":
            wanted |= set(_PARTS)
        else:
            wanted.add(group)
    if not wanted - without and not any(not word.startswith("!") for word in words):
        wanted = set(_PARTS)
    explicit = {_ALIASES.get(w, w) for w in words if not w.startswith("!") and w != "all"}
    named = (wanted - without) | (explicit & set(_PARTS))
    return named if "min" in without else named | {"min"}


@module("setup")
class Setup(Module):
    """Ask a host for its facts: one script, and no Python there."""

    gather_subset: list[str] = option(("all",), elements="str", doc="Which facts; ``!`` for not.")
    gather_timeout: int = option(10, doc="Seconds that slow facts may take; none here are.")
    filter: list[str] = option((), elements="str", doc="Patterns for names of facts.")
    fact_path: str = option("/etc/ansible/facts.d", kind="path", doc="The host's own facts.")

    def steps(self, context: Context) -> Steps:
        """One script that reads."""
        parts = parts_of(tuple(self.gather_subset))
        answer = yield Run("".join(self._script(parts)), effect="reads", environment=True)
        facts = dict(gathered(Answers(answer), parts))
        facts["gather_subset"] = list(self.gather_subset)
        facts["module_setup"] = True
        named = {_named(name): value for name, value in facts.items()}
        return ModuleResult(facts=_filtered(named, tuple(self.filter)))

    def _script(self, parts: set[str]) -> Iterator[str]:
        yield "say() { printf '%s\\0' \"$@\"; }\n" + asking.START
        if "min" in parts:
            yield asking.PLATFORM + asking.PYTHON + asking.local_script(self.fact_path)
        if "hardware" in parts:
            yield asking.HARDWARE
        if {"hardware", "virtual"} & parts:
            yield asking.DMI
        if "virtual" in parts:
            yield asking.VIRTUAL
        if "network" in parts:
            yield asking.NETWORK
        yield ":\n"


def _named(name: str) -> str:
    return name if name in ("gather_subset", "module_setup") else f"ansible_{name}"


def _filtered(facts: Mapping[str, Any], patterns: tuple[str, ...]) -> dict[str, Any]:
    wanted = [each for each in patterns if each]
    if not wanted or "*" in wanted:
        return dict(facts)
    return {
        name: value
        for name, value in facts.items()
        if any(fnmatchcase(name, p) or fnmatchcase(name, f"ansible_{p}") for p in wanted)
    }


_TEXTS = (
    "os-release",
    "debian_version",
    "redhat-release",
    "system-release",
    "alpine-release",
    "arch-release",
    "SuSE-release",
    "lsb-release",
)


def gathered(answers: Answers, parts: set[str]) -> Iterator[tuple[str, Any]]:
    """Facts by name, without their prefix, from what the script said."""
    if "min" in parts:
        yield from _least(answers)
    if "hardware" in parts:
        for reader in _HARDWARE:
            yield from reader(answers).items()
        yield "mounts", hardware.mounts(answers)
        yield "devices", hardware.devices(answers)
    if "virtual" in parts:
        yield from virtualization(answers).items()
    if "network" in parts:
        yield from network(answers).items()


_HARDWARE: tuple[Callable[[Answers], Mapping[str, Any]], ...] = (
    hardware.processors,
    hardware.memory,
    hardware.loads,
    hardware.firmware,
)


def _least(answers: Answers) -> Iterator[tuple[str, Any]]:
    yield from system.platform(answers).items()
    texts = {name: text for name in _TEXTS if (text := answers.get(name)) is not None}
    found = distribution(texts)
    yield from found.items()
    yield "lsb", lsb(found, texts) if answers.get("lsb") is not None else {}
    yield from system.user(answers).items()
    yield "date_time", system.date_time(answers)
    yield "env", system.environment(answers.text("env"))
    yield "pkg_mgr", system.package_manager(answers, str(found["os_family"]))
    yield "service_mgr", system.service_manager(answers)
    yield from system.python(answers).items()
    last, every = system.command_line(answers.text("cmdline"))
    yield from (("cmdline", last), ("proc_cmdline", every))
    yield "dns", system.resolver(answers.text("resolv"))
    yield from system.host_keys(answers).items()
    yield "local", system.own_facts(answers.below("local."))
