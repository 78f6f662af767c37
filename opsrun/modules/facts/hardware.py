"""Processors, memory, load, and what the firmware says of the machine."""

from __future__ import annotations

import re
from typing import Any

from opsrun.modules.facts.files import Files
from opsrun.modules.looking import Answers

_FORM_FACTORS = (
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
)
"""Chassis types of SMBIOS 3, 7.4.1, by number."""

_LOAD = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}")

_DMI = {
    "product_name": "product_name",
    "product_version": "product_version",
    "product_serial": "product_serial",
    "product_uuid": "product_uuid",
    "sys_vendor": "system_vendor",
    **{
        f"{part}_{what}": f"{part}_{what}"
        for part, several in (
            ("bios", ("date", "vendor", "version")),
            ("board", ("name", "vendor", "version", "serial", "asset_tag")),
            ("chassis", ("vendor", "version", "serial", "asset_tag")),
        )
        for what in several
    },
}
_DMI_PATH = "/sys/devices/virtual/dmi/id"


def processors(answers: Answers, files: Files) -> dict[str, Any]:
    """Counted as /proc/cpuinfo tells them."""
    lines = [line.partition(":") for line in answers.text("cpuinfo").splitlines()]
    pairs = [(name.strip(), value.strip()) for name, _, value in lines]
    told = [
        value
        for name, value in pairs
        if name in ("processor", "model name", "vendor_id", "Processor", "cpu model")
    ]
    vcpus = sum(name == "processor" and value.isdecimal() for name, value in pairs)
    sockets = {value for name, value in pairs if name == "physical id"}
    cores = [int(v) for name, v in pairs if name == "cpu cores" and v.isdecimal()]
    siblings = [int(v) for name, v in pairs if name == "siblings" and v.isdecimal()]
    count = len(sockets) or vcpus or 1
    per_socket = cores[0] if cores else 1
    threads = max(siblings[0] // per_socket, 1) if siblings and per_socket else 1
    flags = next((value.split() for name, value in pairs if name in ("flags", "Features")), [])
    return {
        "processor": told,
        "processor_count": count,
        "processor_cores": per_socket,
        "processor_threads_per_core": threads,
        "processor_vcpus": vcpus or count * per_socket * threads,
        "processor_nproc": _allowed(files.text("/proc/self/status")) or vcpus or 1,
        "flags": flags,
    }


def _allowed(status: str) -> int:
    """How many processors we may run on; 0 where it is not told."""
    found = re.search(r"^Cpus_allowed_list:\s*([0-9,-]+)$", status, re.MULTILINE)
    count = 0
    for each in found[1].split(",") if found is not None else ():
        first, dash, last = each.partition("-")
        if first.isdecimal() and (last.isdecimal() or not dash):
            count += max(int(last or first) - int(first) + 1, 0) if len(each) < 20 else 0
    return count


def memory(files: Files) -> dict[str, Any]:
    """/proc/meminfo in MiB."""
    told: dict[str, int] = {}
    for line in files.text("/proc/meminfo").splitlines():
        found = re.match(r"(\w+):\s*([0-9]{1,18})\b", line)
        if found is not None:
            told[found[1]] = int(found[2]) // 1024
    if "MemTotal" not in told:
        return {}
    total, free = told["MemTotal"], told.get("MemFree", 0)
    loose = told.get("Buffers", 0) + told.get("Cached", 0) + free
    swap, spare = told.get("SwapTotal", 0), told.get("SwapFree", 0)
    return {
        "memtotal_mb": total,
        "memfree_mb": free,
        "swaptotal_mb": swap,
        "swapfree_mb": spare,
        "memory_mb": {
            "real": {"total": total, "used": total - free, "free": free},
            "nocache": {"free": loose, "used": total - loose},
            "swap": {
                "total": swap,
                "free": spare,
                "used": swap - spare,
                "cached": told.get("SwapCached", 0),
            },
        },
    }


def loads(files: Files) -> dict[str, Any]:
    """Uptime in seconds, and the load."""
    found: dict[str, Any] = {}
    up = files.text("/proc/uptime").split(".")[0]
    if up.isascii() and up.isdigit():
        found["uptime_seconds"] = int(up)
    load = [each for each in files.text("/proc/loadavg").split()[:3] if _LOAD.fullmatch(each)]
    if len(load) == 3:
        found["loadavg"] = {k: float(v) for k, v in zip(("1m", "5m", "15m"), load, strict=True)}
    return found


def firmware(files: Files) -> dict[str, str]:
    """What DMI says; ``NA`` where it says nothing."""
    found = {}
    for name, fact in _DMI.items():
        found[fact] = files.value(f"{_DMI_PATH}/{name}") or "NA"
    kind = files.number(f"{_DMI_PATH}/chassis_type")
    known = kind is not None and 0 <= kind < len(_FORM_FACTORS)
    found["form_factor"] = _FORM_FACTORS[kind] if known and kind is not None else "NA"
    return found
