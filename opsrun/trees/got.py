"""What becomes of an archive's members, and what was made of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rules:
    """What becomes of what an archive says. The defaults are those of ``cp``."""

    umask: int = 0o022
    preserve: bool = False
    """Modes without the umask, and times."""
    keep_setuid: bool = False
    """Setuid, setgid and sticky bits."""
    unsafe_links: bool = False
    """Make links that lead out of the tree, too."""
    fsync: bool = False
    """Be sure that files are on the disk before they are said to be whole, see fsync(2)."""

    def mode(self, mode: int) -> int:
        """The permission bits that an entry gets."""
        special = mode & 0o7000 if self.keep_setuid else 0
        return special | mode & (0o777 if self.preserve else 0o777 & ~self.umask)

    def mtime(self, mtime: int) -> int | None:
        """The time that an entry gets; None for now."""
        return mtime if self.preserve else None


@dataclass(frozen=True, slots=True)
class Limits:
    """Past these an archive is refused, so that no host fills memory or disk."""

    members: int = 1_000_000
    names: int = 64 * 1024 * 1024
    """Bytes of all paths together."""
    largest: int = 2**44
    """Bytes of one file, its holes too."""
    total: int = 2**63 - 1
    """Bytes that are written, of all files."""


@dataclass(frozen=True, slots=True)
class GotFile:
    """A file that was unpacked."""

    size: int
    digest: str
    """SHA-256, in hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class GotDirectory:
    """What a directory is to become when everything is in its place; until then it is 0700."""

    mode: int
    mtime: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """Something of the archive that was left out, and why."""

    path: bytes
    why: str


@dataclass(slots=True)
class Got:
    """What was unpacked, by path."""

    files: dict[bytes, GotFile] = field(default_factory=dict)
    directories: dict[bytes, GotDirectory] = field(default_factory=dict)
    links: dict[bytes, bytes] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    """The first thousand; `untold` counts the others."""
    untold: int = 0
