"""Processors, memory, mounts, block devices, and what the firmware says of the machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

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


def processors(answers: Answers) -> dict[str, Any]:
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
        "processor_nproc": answers.number("nproc") or vcpus or 1,
        "flags": flags,
    }


def memory(answers: Answers) -> dict[str, Any]:
    """/proc/meminfo in MiB."""
    told: dict[str, int] = {}
    for line in answers.text("meminfo").splitlines():
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


def loads(answers: Answers) -> dict[str, Any]:
    """Uptime in seconds, and the load."""
    found: dict[str, Any] = {}
    up = answers.text("uptime").split(".")[0]
    if up.isascii() and up.isdigit():
        found["uptime_seconds"] = int(up)
    load = [each for each in answers.text("loadavg").split()[:3] if _LOAD.fullmatch(each)]
    if len(load) == 3:
        found["loadavg"] = {k: float(v) for k, v in zip(("1m", "5m", "15m"), load, strict=True)}
    return found


def mounts(answers: Answers) -> list[dict[str, Any]]:
    """File systems of devices and networks; sizes of local ones in bytes."""
    sizes = dict(_sizes(answers.text("df")))
    found = []
    for line in answers.text("mtab").splitlines():
        words = [_unescaped(word) for word in line.split(" ")]
        if len(words) < 6 or words[2] == "none":
            continue
        device, mount, fstype, options = words[:4]
        if not device.startswith(("/", "\\")) and ":/" not in device:
            continue
        each: dict[str, Any] = {
            "device": device,
            "mount": mount,
            "fstype": fstype,
            "options": options,
            "dump": int(words[4]) if words[4].isdecimal() else 0,
            "passno": int(words[5]) if words[5].isdecimal() else 0,
            "uuid": "N/A",
        }
        if mount in sizes:
            each["size_total"], each["size_available"] = sizes[mount]
        found.append(each)
    return found


def _sizes(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for line in text.splitlines()[1:]:
        found = re.match(r".*?\s(\d+)\s+(\d+)\s+(-?\d+)\s+\S+\s+(/.*)\Z", line)
        if found is not None:
            yield found[4], (int(found[1]) * 1024, int(found[3]) * 1024)


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def firmware(answers: Answers) -> dict[str, str]:
    """What DMI says; ``NA`` where it says nothing."""
    found = {}
    for name, fact in _DMI.items():
        found[fact] = answers.text(f"dmi.{name}").strip() or "NA"
    kind = answers.number("dmi.chassis_type")
    known = kind is not None and kind < len(_FORM_FACTORS)
    found["form_factor"] = _FORM_FACTORS[kind] if known and kind is not None else "NA"
    return found


_UNITS = ("Bytes", "KB", "MB", "GB", "TB", "PB", "EB")
_SECTOR = 512
"""Bytes: the unit of sizes below /sys/block, whatever the device's own sectors are."""


def devices(answers: Answers) -> dict[str, dict[str, Any]]:
    """Block devices with their partitions, as /sys/block tells them; sizes in sectors of 512."""
    links = _disk_links(answers.below("disk."))
    parts = answers.below("part.")
    found = {}
    for name, text in answers.below("block.").items():
        told = _told(text)
        prefix = f"{name}/"
        found[name] = _device(told, links.get(name)) | {
            "partitions": {
                each.removeprefix(prefix): _partition(
                    _told(part), told, links.get(each.removeprefix(prefix))
                )
                for each, part in parts.items()
                if each.startswith(prefix)
            }
        }
    return found


def _told(text: str) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition("=")
        told.setdefault(name, []).append(value.strip())
    return told


def _disk_links(told: dict[str, str]) -> dict[str, dict[str, list[str]]]:
    """Names below /dev/disk, by the device that each leads to."""
    found: dict[str, dict[str, list[str]]] = {}
    for key, target in told.items():
        kind, _, name = key.partition("/")
        device = found.setdefault(target.rsplit("/", 1)[-1], _no_links())
        device[f"{kind}s"].append(name)
    return found


def _no_links() -> dict[str, list[str]]:
    return {"ids": [], "labels": [], "masters": [], "uuids": []}


def _common(told: dict[str, list[str]], links: dict[str, list[str]] | None) -> dict[str, Any]:
    size = told.get("size", ["0"])[0]
    sectors = int(size) if size.isascii() and size.isdigit() else 0
    return {
        "holders": told.get("holder", []),
        "links": links or _no_links(),
        "sectors": sectors,
        "size": _human(sectors * _SECTOR),
    }


def _device(told: dict[str, list[str]], links: dict[str, list[str]] | None) -> dict[str, Any]:
    def first(name: str) -> str | None:
        return next(iter(told.get(name, ())), None) or None

    chosen = re.search(r"\[([^\]]*)\]", first("scheduler") or "")
    return _common(told, links) | {
        "host": "",
        "model": first("model"),
        "vendor": first("vendor"),
        "removable": first("removable"),
        "rotational": first("rotational"),
        "scheduler_mode": chosen[1] if chosen else "",
        "sectorsize": first("logical_block_size"),
        "support_discard": first("discard_granularity"),
        "virtual": int("/virtual/" in (first("path") or "")),
    }


def _partition(
    told: dict[str, list[str]], device: dict[str, list[str]], links: dict[str, list[str]] | None
) -> dict[str, Any]:
    found = _common(told, links)
    size = next(iter(device.get("logical_block_size", ())), "")
    uuids = found["links"]["uuids"]
    return found | {
        "start": next(iter(told.get("start", ())), "0"),
        "sectorsize": int(size) if size.isascii() and size.isdigit() else _SECTOR,
        "uuid": uuids[0] if uuids else None,
    }


def _human(size: int) -> str:
    """A number of bytes in the largest unit of which there is at least one."""
    power = min((max(size, 1).bit_length() - 1) // 10, len(_UNITS) - 1)
    return f"{size / 1024**power:.2f} {_UNITS[power]}"
