"""What rpm says is installed: packages with their versions, and how those compare."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import zip_longest

FORMAT = r"%{NAME}\t%{EPOCH}\t%{VERSION}\t%{RELEASE}\t%{ARCH}\n"
"""Of rpm's ``--queryformat``: what `read` reads."""

_PART = re.compile(r"\d+|[A-Za-z]+|~|\^")
_KEY = "gpg-pubkey"
"""Keys stand in rpm's database as packages of this name."""


def compare(one: str, other: str) -> int:
    """Compare two versions, or two releases, as rpm does.

    Runs of digits count as numbers, and are newer than letters; what stands behind a tilde is
    older than nothing, what stands behind a caret is newer than nothing, and older than anything
    else (rpm-version(7)).

    Returns:
        Less than, more than or exactly zero.
    """
    for left, right in zip_longest(_PART.findall(one), _PART.findall(other)):
        found = _parts(left, right)
        if found:
            return found
    return 0


def _parts(left: str | None, right: str | None) -> int:
    if left == right:
        return 0
    if "~" in (left, right):
        return -1 if left == "~" else 1
    if "^" in (left, right):
        # Newer than the end, older than whatever else goes on.
        caret = -1 if None not in (left, right) else 1
        return caret if left == "^" else -caret
    if left is None or right is None:
        return 1 if left else -1
    if left.isdigit() != right.isdigit():
        return 1 if left.isdigit() else -1
    if left.isdigit():
        return (int(left) > int(right)) - (int(left) < int(right))
    return (left > right) - (left < right)


@dataclass(frozen=True, slots=True)
class Package:
    """One package, at one version."""

    name: str
    epoch: str
    """Empty for none, which counts as 0."""
    version: str
    release: str
    arch: str

    def __str__(self) -> str:
        return f"{self.name}-{self.evr}.{self.arch}"

    @property
    def evr(self) -> str:
        """Version and release, behind the epoch if there is one."""
        epoch = f"{self.epoch}:" if int(self.epoch or 0) else ""
        return f"{epoch}{self.version}-{self.release}"

    def against(self, evr: str) -> int:
        """How it compares with a version: `compare`. What that leaves out, be it the epoch or the
        release, makes no difference."""
        epoch, colon, rest = evr.rpartition(":")
        version, dash, release = rest.partition("-")
        if colon and epoch.isdigit() and int(epoch) != int(self.epoch or 0):
            return int(self.epoch or 0) - int(epoch)
        return compare(self.version, version) or (compare(self.release, release) if dash else 0)

    def newer(self, other: Package) -> bool:
        """Whether it is newer than the other one."""
        return self.against(f"{other.epoch or 0}:{other.version}-{other.release}") > 0

    def spellings(self) -> Iterator[str]:
        """All that it may be called by, but for what it provides."""
        plain = f"{self.version}-{self.release}"
        yield self.name
        yield f"{self.name}.{self.arch}"
        for version in (self.version, plain):
            for epoch in dict.fromkeys(("", f"{self.epoch or 0}:")):
                yield f"{self.name}-{epoch}{version}"
                yield f"{self.name}-{epoch}{version}.{self.arch}"
                if epoch:
                    yield f"{epoch}{self.name}-{version}"
                    yield f"{epoch}{self.name}-{version}.{self.arch}"


def read(text: str) -> tuple[Package, ...]:
    """Packages out of lines of `FORMAT`; keys and anything else are left out."""
    found = []
    for line in text.splitlines():
        fields = line.split("\t")
        if len(fields) == 5 and fields[0] != _KEY:
            name, epoch, version, release, arch = fields
            found.append(Package(name, epoch if epoch.isdigit() else "", version, release, arch))
    return tuple(found)


def matching(packages: Iterable[Package], spec: str) -> list[Package]:
    """Those that a name with or without version and architecture means; it may have wildcards."""
    if any(sign in spec for sign in "*?["):
        return [p for p in packages if any(fnmatchcase(each, spec) for each in p.spellings())]
    return [p for p in packages if p.name in spec and spec in p.spellings()]


def changes(before: Iterable[Package], after: Iterable[Package]) -> list[str]:
    """What has come and what has gone, each a sentence: ``Installed: foo-1-1.noarch``."""
    old, new = set(before), set(after)
    came = sorted(map(str, new - old))
    gone = sorted(map(str, old - new))
    return [*(f"Installed: {each}" for each in came), *(f"Removed: {each}" for each in gone)]
