"""What a transfer came to, in lines for people; its figures are in the result's ``data``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsrun.events import Result
from opsrun.views.sanitise import sanitise_line

_COUNTS = ("files", "others", "attributes", "deleted", "unchanged", "skipped")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def is_transfer(result: Result) -> bool:
    """Whether the result is one of put, get or sync."""
    return result.outcome.is_good and "unchanged" in result.data


def body(result: Result, verbosity: int) -> bytes:
    """The lines that stand in for standard output, equal for hosts on which the same happened.

    Args:
        result: of put, get or sync.
        verbosity: from 1 on, and for a dry run, every change has a line of its own.
    """
    return "".join(f"{line}\n" for line in _lines(result.data, verbosity)).encode()


def _lines(data: Mapping[str, Any], verbosity: int) -> Iterator[str]:
    dry = bool(data.get("dry_run"))
    if dry or verbosity >= 1:
        yield from (sanitise_line(change) for change in data.get("changes", ()))
        if data.get("changes_omitted"):
            yield f"… and {data['changes_omitted']} more"
    yield ", ".join(_words(data, dry))


def _words(data: Mapping[str, Any], dry: bool) -> Iterator[str]:
    would = "would be " if dry else ""
    if data["files"]:
        yield f"{_count(data['files'], 'file')} {would}{data['verb']} ({size(data['bytes'])})"
    others = data.get("others", 0)
    if others:
        yield f"{others} {'folder or link' if others == 1 else 'folders and links'} {would}made"
    if data.get("attributes"):
        yield f"{_count(data['attributes'], 'mode or owner', 'modes or owners')} {would}set"
    if data.get("deleted"):
        yield f"{data['deleted']} {would}deleted"
    if data["unchanged"]:
        yield f"{_count(data['unchanged'], 'file')} unchanged"
    if data.get("skipped"):
        yield f"{_count(len(data['skipped']), 'name')} skipped"
    if not any(data.get(name) for name in _COUNTS):
        yield "nothing to do"


def _count(number: int, noun: str, nouns: str = "") -> str:
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


def size(number: float) -> str:
    """Bytes as an operator says them, in powers of 1024 (IEC 80000-13).

    >>> size(999), size(1536), size(5 << 30)
    ('999 B', '1.5 KiB', '5.0 GiB')
    """
    if number < 1024:
        return f"{number:.0f} B"
    for unit in _UNITS[1:]:
        number /= 1024
        if number < 1024 or unit == _UNITS[-1]:
            break
    return f"{number:.1f} {unit}"
