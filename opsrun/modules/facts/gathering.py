"""From what the script said to facts by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsrun.modules.facts import hardware, other, storage, system
from opsrun.modules.facts.asking import RELEASES
from opsrun.modules.facts.distribution import distribution, lsb
from opsrun.modules.facts.files import Files
from opsrun.modules.facts.network import network
from opsrun.modules.facts.own import own_facts
from opsrun.modules.facts.virtual import virtualization
from opsrun.modules.looking import Answers


def gathered(
    answers: Answers, parts: set[str], directory: str, limit: int
) -> tuple[dict[str, Any], list[str]]:
    """Facts by name, without their prefix, and warnings.

    Args:
        answers: what the script said.
        parts: what it was asked.
        directory: of the host's own facts.
        limit: the seconds that slow things had.
    """
    files = Files(answers.text("files"), answers.text("links"))
    facts: dict[str, Any] = {}
    warnings: list[str] = []
    if "min" in parts:
        facts |= _least(answers, files)
        facts["local"], warnings = own_facts(answers, directory)
    if "hardware" in parts:
        facts |= dict(_hardware(answers, files, limit))
    if "virtual" in parts:
        facts |= virtualization(answers, files)
    if "network" in parts:
        facts |= network(answers, files)
    if "late" in answers.text("slow").split("\n"):
        warnings.append(f"not everything was told within {limit} s (gather_timeout)")
    return facts, warnings


def _hardware(answers: Answers, files: Files, limit: int) -> Iterator[tuple[str, Any]]:
    if answers.get("sysctl") is not None:
        yield from other.hardware(answers, other.epoch(answers.text("date"))).items()
    else:
        yield from hardware.processors(answers, files).items()
        yield from hardware.memory(files).items()
    yield from hardware.loads(files).items()
    yield from hardware.firmware(files).items()
    yield "mounts", storage.mounts(files, answers.text("slow"), limit)
    yield "devices", storage.devices(files)
    yield "device_links", storage.device_links(files)
    yield "lvm", storage.volumes(answers.text("slow"))


def _texts(files: Files) -> dict[str, str]:
    """What tells of the distribution, by path below ``/etc``."""
    found = {name: files.text(f"/etc/{name}") for name in RELEASES if files.there(f"/etc/{name}")}
    below = files.get("/usr/lib/os-release")
    return found | ({"usr/lib/os-release": below} if below is not None else {})


def _least(answers: Answers, files: Files) -> dict[str, Any]:
    facts = system.platform(answers, files)
    texts = _texts(files)
    if other.is_known(facts["system"]):
        facts |= other.distribution(facts["system"], facts["kernel"], answers)
    else:
        facts |= distribution(texts, facts["system"])
    facts["lsb"] = lsb(texts, answers.text("lsb"))
    facts |= system.user(answers)
    facts["date_time"] = system.date_time(answers, files)
    facts["env"] = system.environment(answers.text("env"))
    facts["pkg_mgr"] = system.package_manager(answers, str(facts["os_family"]))
    facts["service_mgr"] = system.service_manager(answers, files)
    facts |= system.python(answers)
    last, every = system.command_line(files.text("/proc/cmdline"))
    facts |= {"cmdline": last, "proc_cmdline": every}
    facts["dns"] = system.resolver(files.text("/etc/resolv.conf"))
    return facts | system.host_keys(files)
