"""Packages as ``apt`` is told of them, and which of them a host has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import zip_longest

from opsrun.modules.base import ModuleError

_SPEC = re.compile(r"([A-Za-z0-9*?\[\]!^][A-Za-z0-9+.*?\[\]!_-]*)(?::([A-Za-z0-9-]+))?\s*")
_WITH = re.compile(r"(>=|=)\s*(\S+)\Z")
_WILD = re.compile(r"[*?\[]")
_PARTS = re.compile(r"(\D*)(\d*)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One entry of ``name``."""

    name: str
    arch: str = ""
    """Empty for the host's own."""
    how: str = ""
    """``=``, ``>=`` or nothing."""
    version: str = ""

    @property
    def called(self) -> str:
        """Name and architecture."""
        return f"{self.name}:{self.arch}" if self.arch else self.name

    @property
    def wild(self) -> bool:
        """Whether the name is a pattern."""
        return _WILD.search(self.name) is not None

    @property
    def newest(self) -> bool:
        """Whether the version is a pattern: then the newest is meant that fits."""
        return self.how == "=" and _WILD.search(self.version) is not None

    @property
    def word(self) -> str:
        """As apt-get takes it: what is to be at least a version is to be the newest."""
        return f"{self.called}={self.version}" if self.how == "=" else self.called

    def fits(self, version: str) -> bool:
        """Whether an installed version is what is wanted."""
        if self.how == "=":
            return version == self.version or fnmatchcase(version, self.version)
        return not self.how or compared(version, self.version) >= 0


def read(entry: str) -> Wanted:
    """An entry of ``name``. ModuleError: it is none."""
    found = _SPEC.match(entry)
    behind = entry[found.end() :] if found else entry
    version = _WITH.match(behind)
    if found is None or (behind and version is None):
        raise ModuleError(
            f"{entry!r} is no package: expected NAME, NAME:ARCHITECTURE, NAME=VERSION or "
            "NAME>=VERSION"
        )
    how, number = version.groups() if version else ("", "")
    return Wanted(found[1], found[2] or "", how, number)


@dataclass(frozen=True, slots=True)
class Known:
    """What dpkg knows of one package."""

    name: str
    arch: str
    version: str
    want: str
    """``install``, ``hold``, ``deinstall`` …"""
    status: str
    """``installed``, ``config-files``, ``half-configured`` …"""

    def is_for(self, wanted: Wanted, native: str) -> bool:
        """Whether it is of that name and architecture."""
        if not fnmatchcase(self.name, wanted.name):
            return False
        return self.arch == wanted.arch if wanted.arch else self.arch in (native, "all")


FORMAT = r"${Package}\t${Architecture}\t${Version}\t${db:Status-Want}\t${db:Status-Status}\n"
"""What dpkg-query(1) is asked for."""


def table(text: str) -> list[Known]:
    """What it said."""
    rows = (line.split("\t") for line in text.splitlines())
    return [Known(*row) for row in rows if len(row) == 5]


def there(wanted: Wanted, known: Iterable[Known], native: str) -> list[Known]:
    """Those that are installed under an entry's name."""
    return [each for each in known if each.status == "installed" and each.is_for(wanted, native)]


def compared(one: str, other: str) -> int:
    """Negative, zero or positive as one version is older, the same, or newer: deb-version(7).

    >>> compared("1.0~rc1", "1.0") < 0 < compared("1:0.1", "9.9-1")
    True
    """
    first, second = _split(one), _split(other)
    if first[0] != second[0]:
        return first[0] - second[0]
    return _part(first[1], second[1]) or _part(first[2], second[2])


def _split(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), upstream, revision


def _part(one: str, other: str) -> int:
    for left, right in zip_longest(_PARTS.findall(one), _PARTS.findall(other), fillvalue=("", "")):
        for mine, yours in zip_longest(left[0], right[0], fillvalue=""):
            if order := _weight(mine) - _weight(yours):
                return order
        if number := int(left[1] or 0) - int(right[1] or 0):
            return number
    return 0


def _weight(letter: str) -> int:
    """The tilde before the end, that before letters, and these before all others."""
    if not letter:
        return 0
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256
