"""Volumes, ports and environments as people write them, and as the daemon tells them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from opsrun.modules.base import ModuleError

_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")
_PORT = re.compile(
    r"(?:(?:(\[[0-9a-fA-F:.]+\]|[^:\[\]]*):)?([0-9-]*):)?([0-9-]+)(?:/(tcp|udp|sctp))?"
)


def nanoseconds(text: Any) -> int:
    """How long that is.

    >>> nanoseconds("1m30s"), nanoseconds("1.5s")
    (90000000000, 1500000000)
    """
    found = _PART.findall(str(text))
    if not found or "".join(map("".join, found)) != str(text):
        raise ModuleError(f"healthcheck: {text!r} is no time like 1m30s (ns, us, ms, s, m, h)")
    return round(sum(float(number) * _UNITS[unit] for number, unit in found))


def bind(volume: str, home: str = "") -> str:
    """A volume as the daemon has it, with its mode; a path alone is an anonymous one.

    >>> bind("/a:/b"), bind("vol:/b:ro"), bind("/b"), bind("~/a:/b", "/home/me")
    ('/a:/b:rw', 'vol:/b:ro', '/b', '/home/me/a:/b:rw')
    """
    parts = volume.split(":")
    if len(parts) == 1:
        return volume
    if len(parts) > 3:
        raise ModuleError(f"volumes: {volume!r} is not SOURCE:PATH[:MODE]")
    source, path = parts[0], parts[1].rstrip("/") or "/"
    if source == "~" or source.startswith("~/"):
        source = home + source[1:]
    if source.startswith("."):
        raise ModuleError(f"volumes: {volume!r} has no absolute source")
    source = (source.rstrip("/") or "/") if source.startswith("/") else source
    modes = [mode for mode in (parts[2] if len(parts) == 3 else "").split(",") if mode]
    if not {"ro", "rw"} & set(modes):
        modes.insert(0, "rw")
    return f"{source}:{path}:{','.join(modes)}"


def _range(text: str, whole: str) -> list[str]:
    first, dash, last = text.partition("-")
    if not dash:
        return [text]
    if not (first.isdigit() and last.isdigit() and int(first) <= int(last)):
        raise ModuleError(f"published_ports: {whole!r} has a range that goes backwards")
    return [str(port) for port in range(int(first), int(last) + 1)]


def bindings(ports: Iterable[str], host: str) -> dict[str, list[dict[str, str]]]:
    """Published ports as the daemon has them.

    >>> bindings(["8080:80"], "0.0.0.0")
    {'80/tcp': [{'HostIp': '0.0.0.0', 'HostPort': '8080'}]}
    """
    made: dict[str, list[dict[str, str]]] = {}
    for port in map(str, ports):
        found = _PORT.fullmatch(port)
        if found is None:
            raise ModuleError(f"published_ports: {port!r} is not [[ADDRESS:]PORT:]PORT[/PROTOCOL]")
        address = (found[1] or "").strip("[]") or host
        inside = _range(found[3], port)
        outside = _range(found[2], port) if found[2] else [""] * len(inside)
        if len(inside) == 1 and len(outside) > 1:
            outside = [found[2] or ""]
        for one, other in zip(inside, outside, strict=False):
            entry = {"HostIp": address, "HostPort": other}
            made.setdefault(f"{one}/{found[4] or 'tcp'}", []).append(entry)
    return made


def published(found: Mapping[str, Any] | None, host: str) -> dict[str, list[dict[str, str]]]:
    """What the daemon tells of them, an address that was left open being ``host``."""
    return {
        port: [
            {
                "HostIp": entry.get("HostIp") or host,
                "HostPort": "" if entry.get("HostPort") == "0" else entry.get("HostPort", ""),
            }
            for entry in entries or ()
        ]
        for port, entries in (found or {}).items()
    }


def publishing(wanted: Mapping[str, Sequence[Mapping[str, str]]]) -> Iterator[str]:
    """The same as words of ``docker create``."""
    for port, entries in wanted.items():
        for entry in entries:
            address = entry["HostIp"]
            shown = f"[{address}]" if ":" in address else address
            yield from ("--publish", f"{shown}:{entry['HostPort']}:{port}")


def ports(values: Iterable[Any]) -> set[str]:
    """Ports that are told with their protocol; ranges one by one.

    >>> sorted(ports(["80", "90-91/udp"]))
    ['80/tcp', '90/udp', '91/udp']
    """
    found = set()
    for value in map(str, values):
        numbers, _, protocol = value.partition("/")
        if not re.fullmatch(r"\d+(-\d+)?", numbers):
            raise ModuleError(f"exposed_ports: {value!r} is not PORT[/PROTOCOL]")
        found |= {f"{port}/{protocol or 'tcp'}" for port in _range(numbers, value)}
    return found


def env_file(text: str) -> dict[str, str]:
    """The variables of a file, as docker(1) reads it: a name without a value is left out.

    >>> env_file("# remark\\nA=1\\n  B=x=y \\n")
    {'A': '1', 'B': 'x=y '}
    """
    made = {}
    for line in text.removeprefix("\ufeff").split("\n"):
        told = line.removesuffix("\r").lstrip(" \t")
        name, equals, value = told.partition("=")
        if equals and not told.startswith("#"):
            made[name] = value
    return made


def env_of(entries: Iterable[str] | None) -> dict[str, str]:
    """``NAME=VALUE`` entries as a mapping."""
    return {name: value for name, _, value in (entry.partition("=") for entry in entries or ())}
