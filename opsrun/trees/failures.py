"""What can go wrong between this machine's files and a host's.

All of these end one host's copy and no other's. The room knows no hosts: whoever reports such an
error sets ``error.host`` first.
"""

from __future__ import annotations

from opsrun.errors import HostError


class TreeError(HostError):
    """Copying from or to this machine's files can't go on, for one host."""


class SourceChanged(TreeError):
    """A local file is not, or is no longer, what was promised: what was sent of it is worthless."""


class ArchiveError(TreeError):
    """What the host sent is no archive, or one that no honest host would send."""


class PlaceError(TreeError):
    """This machine's file system refused: full, read-only, no permission, something in the way."""


def shown(path: bytes) -> str:
    """A path for a message: bytes that are no UTF-8 become visible, ``b""`` is the top."""
    return path.decode("utf-8", "backslashreplace") or "."


def refused(what: str, path: bytes, error: OSError) -> PlaceError:
    """The system's own words for what it refused: ``can't write a/b: No space left on device``."""
    return PlaceError(f"can't {what} {shown(path)}: {error.strerror or error}")
