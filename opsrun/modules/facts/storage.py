"""Mounts, block devices and volume groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.modules.facts.files import Files

_UNITS = ("Bytes", "KB", "MB", "GB", "TB", "PB", "EB")
_SECTOR = 512
"""Bytes: the unit of sizes below /sys/block, whatever the device's own sectors are."""
_SIZES = re.compile(r"fs (\d+) (\d+) (\d+) (\d+) (\d+) (\d+) (/.*)")
_DF = re.compile(r"\S.*?\s(\d+)\s+(\d+)\s+(-?\d+)\s+\S+\s+(/.*)")


def mounts(files: Files, told: str, limit: int) -> list[dict[str, Any]]:
    """File systems of devices and networks.

    Args:
        files: with the mounts in it.
        told: what the slow part of the script printed: sizes of those that answered in time.
        limit: the seconds that they had.
    """
    sizes = dict(_sizes(told))
    links = {target.rsplit("/", 1)[-1]: name for name, target in _links(files, "uuid")}
    bound = _bound(files.text("/proc/self/mountinfo"))
    late = "late" in told.split("\n")
    found = []
    for line in files.text("/proc/self/mounts").splitlines():
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
            "options": f"{options},bind" if mount in bound else options,
            "dump": int(words[4]) if words[4].isdecimal() else 0,
            "passno": int(words[5]) if words[5].isdecimal() else 0,
            "uuid": links.get(device.rsplit("/", 1)[-1], "N/A"),
        }
        each |= sizes.get(mount, {})
        if late and mount not in sizes:
            each["note"] = f"its sizes were not told within {limit} s (gather_timeout)"
        found.append(each)
    return found


def _sizes(text: str) -> Iterator[tuple[str, dict[str, int]]]:
    for line in text.splitlines():
        found = _SIZES.fullmatch(line)
        if found is not None:
            size, total, _, there, inodes, idle = (int(found[i]) for i in range(1, 7))
            yield (
                found[7],
                {
                    "block_available": there,
                    "block_size": size,
                    "block_total": total,
                    "block_used": total - there,
                    "inode_available": idle,
                    "inode_total": inodes,
                    "inode_used": inodes - idle,
                    "size_available": size * there,
                    "size_total": size * total,
                },
            )
            continue
        found = _DF.fullmatch(line)
        if found is not None:
            told = {"size_total": int(found[1]) * 1024, "size_available": int(found[3]) * 1024}
            yield found[4], told


def _bound(text: str) -> set[str]:
    """Mount points at which a part of a file system is seen; see proc_pid_mountinfo(5)."""
    found: dict[str, bool] = {}
    for line in text.splitlines():
        words = line.split(" ")
        if len(words) > 5:
            found[_unescaped(words[4])] = words[3] != "/"
    return {mount for mount, part in found.items() if part}


def _unescaped(word: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def _links(files: Files, kind: str) -> Iterator[tuple[str, str]]:
    return files.links_below(f"/dev/disk/by-{kind}")


def device_links(files: Files) -> dict[str, dict[str, list[str]]]:
    """By kind, the names that each device has."""
    found: dict[str, dict[str, list[str]]] = {}
    for kind in ("id", "label", "uuid"):
        told = found[f"{kind}s"] = {}
        for name, target in sorted(_links(files, kind)):
            told.setdefault(target.rsplit("/", 1)[-1], []).append(name)
    masters = found["masters"] = {}
    for device in files.names("/sys/block"):
        for slave in _children(files, f"/sys/block/{device}/slaves"):
            masters.setdefault(slave, []).append(device)
    return found


def _children(files: Files, directory: str) -> list[str]:
    return [name for name, _ in files.links_below(directory)]


def devices(files: Files) -> dict[str, dict[str, Any]]:
    """Block devices with their partitions, as /sys/block tells them; sizes in sectors of 512."""
    links = device_links(files)
    found = {}
    for name in files.names("/sys/block"):
        top = f"/sys/block/{name}"
        if files.get(f"{top}/size") is None:
            continue
        size = files.number(f"{top}/queue/logical_block_size")
        found[name] = _device(files, top, name, links) | {
            "partitions": {
                part: _partition(files, f"{top}/{part}", part, size or _SECTOR, links)
                for part in files.names(top)
                if files.get(f"{top}/{part}/partition") is not None
            }
        }
    return found


def _common(
    files: Files, top: str, name: str, links: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, Any]:
    sectors = files.number(f"{top}/size") or 0
    return {
        "holders": _children(files, f"{top}/holders"),
        "links": {kind: told.get(name, []) for kind, told in links.items()},
        "sectors": sectors,
        "size": human(sectors * _SECTOR),
    }


def _device(
    files: Files, top: str, name: str, links: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, Any]:
    def first(of: str) -> str | None:
        return files.value(f"{top}/{of}") or None

    chosen = re.search(r"\[([^\]]*)\]", first("queue/scheduler") or "")
    told = _common(files, top, name, links) | {
        "host": "",
        "model": first("device/model"),
        "vendor": first("device/vendor"),
        "removable": first("removable"),
        "rotational": first("queue/rotational"),
        "sas_address": first("device/sas_address"),
        "sas_device_handle": first("device/sas_device_handle"),
        "scheduler_mode": chosen[1] if chosen else "",
        "sectorsize": first("queue/logical_block_size"),
        "support_discard": first("queue/discard_granularity"),
        "virtual": int("/virt" in files.target(top)),
    }
    serial = first("device/serial")
    return told | ({"serial": serial} if serial else {})


def _partition(
    files: Files, top: str, name: str, size: int, links: Mapping[str, Mapping[str, list[str]]]
) -> dict[str, Any]:
    found = _common(files, top, name, links)
    uuids = found["links"]["uuids"]
    return found | {
        "start": files.value(f"{top}/start") or "0",
        "sectorsize": size,
        "uuid": uuids[0] if uuids else None,
    }


def human(size: int) -> str:
    """A number of bytes in the largest unit of which there is at least one."""
    power = min((max(size, 1).bit_length() - 1) // 10, len(_UNITS) - 1)
    return f"{size / 1024**power:.2f} {_UNITS[power]}"


_GROUP = ("num_lvs", "num_pvs", "size_g", "free_g")
_VOLUME = ("vg", "size_g", "free_g")


def volumes(told: str) -> Any:
    """What vgs(8), lvs(8) and pvs(8) say, in GiB; ``N/A`` where none of them was asked."""
    found: dict[str, dict[str, dict[str, str]]] = {"lvs": {}, "vgs": {}, "pvs": {}}
    for line in told.splitlines():
        kind, *words = line.split(",")
        if kind == "vgs" and len(words) == 5:
            found["vgs"][words[0]] = dict(zip(_GROUP, words[1:], strict=True))
        elif kind == "lvs" and len(words) == 3:
            found["lvs"][words[0]] = {"vg": words[1], "size_g": words[2]}
        elif kind == "pvs" and len(words) == 4:
            found["pvs"][words[0]] = dict(zip(_VOLUME, words[1:], strict=True))
    return found if any(found.values()) else "N/A"
