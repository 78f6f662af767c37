"""What an archive may not do: lead out of its tree, or never end."""

from __future__ import annotations

from opsrun.trees.failures import ArchiveError, shown
from opsrun.trees.got import Limits
from opsrun.trees.tarheaders import Header

_PATH = 4000
"""Bytes of a path: a system takes 4,096 (PATH_MAX), with room for the directory it is in."""


class Guard:
    """Counts what would else be without limit."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._members = 0
        self._names = 0
        self._total = 0

    def member(self, path: bytes, header: Header) -> None:
        """A member of this path is about to come."""
        self.implied(path)
        self._names += len(header.target)
        if header.size > self._limits.largest:
            raise ArchiveError(f"{shown(path)} is said to have {header.size} bytes")

    def implied(self, path: bytes) -> None:
        """One more entry."""
        self._members += 1
        self._names += len(path)
        if self._members > self._limits.members or self._names > self._limits.names:
            raise ArchiveError(f"the archive has more than {self._members - 1} members")

    def written(self, size: int) -> None:
        """So many bytes are about to be written."""
        self._total += size
        if self._total > self._limits.total:
            raise ArchiveError(f"the host sent more than {self._limits.total} bytes")


def clean(name: bytes, *, directory: bool) -> bytes:
    """A member's name as a path below the top, as in `Entry`; ``./`` before it counts for nothing.

    Raises:
        ArchiveError: it is empty, absolute, too long, or leads anywhere but down.
    """
    path = name.rstrip(b"/") if directory and not name.startswith(b"/") else name
    while path.startswith(b"./"):
        path = path[2:]
    if path == b"." and directory:
        return b""
    parts = path.split(b"/")
    if len(path) > _PATH or b"\0" in path or not {b"", b".", b".."}.isdisjoint(parts):
        short = shown(name[:200]) if name else "an empty name"
        raise ArchiveError(f"the host sent {short}, which is no name below a directory")
    return path


def leads_out(path: bytes, target: bytes) -> bool:
    """Whether a link at ``path`` could lead out of the tree.

    A ``..`` behind a name counts as leading out: the name may be a link itself, and what is above
    the place it leads to can't be told from the words.

    >>> leads_out(b"a/b", b"../c"), leads_out(b"a/b", b"../../c"), leads_out(b"a/b", b"c/../d")
    (False, True, True)
    """
    parts = [part for part in target.split(b"/") if part not in (b"", b".")]
    up = 0
    while up < len(parts) and parts[up] == b"..":
        up += 1
    return target.startswith(b"/") or up > path.count(b"/") or b".." in parts[up:]
