"""Checksums that downloads have to have: written down, or in a file beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from opsrun.modules.base import ModuleError
from opsrun.modules.web.asking import split

ALGORITHMS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128}
"""Hexadecimal digits of each."""

_TAGGED = re.compile(r"[A-Z0-9-]+ \((?P<name>.*)\) ?= ?(?P<sum>[0-9a-fA-F]+)\Z")


@dataclass(frozen=True, slots=True)
class Checksum:
    """One that content has to have."""

    algorithm: str
    digits: str
    """Hexadecimal, lower case; empty where they stand in a file."""
    url: str = ""
    """Of that file."""


def read_checksum(text: str) -> Checksum | None:
    """What a task says; None for nothing.

    Raises:
        ModuleError: it is no checksum, or of an algorithm that no host has a program for.
    """
    if not text.strip():
        return None
    algorithm, sign, rest = text.strip().partition(":")
    algorithm, rest = algorithm.strip().lower(), rest.strip()
    if not sign:
        raise ModuleError("The checksum parameter has to be in format <algorithm>:<checksum>")
    if algorithm not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise ModuleError(f"checksum: there is no algorithm {algorithm!r}; there are {known}")
    if "://" in rest:
        split(rest)
        return Checksum(algorithm, "", rest)
    digits = re.sub(r"\W+", "", rest).lower()
    if not re.fullmatch(r"[0-9a-f]+", digits):
        raise ModuleError("The checksum format is invalid: it is no hexadecimal number")
    if len(digits) != ALGORITHMS[algorithm]:
        wanted = ALGORITHMS[algorithm]
        words = f"checksum: {algorithm} has {wanted} hexadecimal digits, and not {len(digits)}"
        raise ModuleError(words)
    return Checksum(algorithm, digits)


def found_in(text: str, checksum: Checksum, name: str) -> Checksum:
    """The checksum of a file out of a list as ``sha256sum`` or ``openssl`` write them.

    Args:
        text: the list.
        checksum: of which algorithm.
        name: of the file; a lone checksum without any name is its own.

    Raises:
        ModuleError: it isn't in it.
    """
    named: dict[str, str] = {}
    alone: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        tagged = _TAGGED.match(line)
        digits, _, rest = line.partition(" ")
        if tagged is not None:
            named.setdefault(tagged["name"].rpartition("/")[2], tagged["sum"])
        elif rest.strip():
            named.setdefault(rest.strip().removeprefix("*").rpartition("/")[2], digits)
        else:
            alone.append(digits)
    digits = named.get(name, alone[0] if len(alone) == 1 and not named else "").lower()
    if not re.fullmatch(rf"[0-9a-f]{{{ALGORITHMS[checksum.algorithm]}}}", digits):
        raise ModuleError(f"Unable to find a checksum for file '{name}' in '{checksum.url}'")
    return Checksum(checksum.algorithm, digits, checksum.url)
