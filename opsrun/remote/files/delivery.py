"""What is put into a directory of a host, said whole before the first byte goes out."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

from opsrun.errors import UsageError
from opsrun.remote.files.tools import Check
from opsrun.remote.files.words import absolute, ancestors, checked

STAGE_PREFIX = b".opsrun-"

_STAGE = re.compile(rb"[A-Za-z0-9._]*[A-Za-z0-9_][A-Za-z0-9._-]*")


def new_stage() -> bytes:
    """A name for a stage that nobody can know beforehand."""
    return STAGE_PREFIX + secrets.token_hex(8).encode()


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a file that holds data; what is in no segment is a hole."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file, its bytes as they are."""

    name: bytes
    size: int
    """Of the file, its holes included."""
    mode: int
    segments: tuple[Segment, ...] | None = None
    """In order, not overlapping, none empty; None for all of it. Only these bytes are sent."""

    @property
    def sent(self) -> int:
        """Bytes of it that are sent."""
        if self.segments is None:
            return self.size
        return sum(each.length for each in self.segments)


@dataclass(frozen=True, slots=True)
class TarPart:
    """Files and links in one archive: ustar with GNU's long names, which every tar reads.

    Modes and times are those of the archive; owners in it are not looked at. Its names may have
    ``./`` before them.
    """

    size: int
    """Bytes of the archive."""
    files: tuple[bytes, ...]
    links: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class NewDirectory:
    """A directory that is not there yet; all below it is new too."""

    name: bytes
    mode: int


@dataclass(frozen=True, slots=True)
class NewLink:
    """A symbolic link that comes in no archive."""

    name: bytes
    target: bytes


@dataclass(frozen=True, slots=True)
class Attributes:
    """What some files, links or directories are to have; None for as it is."""

    names: tuple[bytes, ...]
    mode: int | None = None
    """Not for links: they have none."""
    owner: str | int | None = None
    group: str | int | None = None
    mtime: int | None = None
    """Nanoseconds since the epoch; whole seconds where the host's touch(1) knows no better."""

    def __post_init__(self) -> None:
        for each in (self.owner, self.group):
            bad = isinstance(each, str) and (not each or ":" in each or "\0" in each)
            if bad or (isinstance(each, int) and each < 0):
                raise UsageError(f"{each!r} is no user or group")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A tree that is merged into a directory of a host, whole or not at all.

    Raises:
        UsageError: a name leads out of the directory, or comes twice.
    """

    directory: bytes
    """Absolute; exists, and is reached over no link: `Look.real`, `Look.parent`."""
    parts: tuple[FilePart | TarPart, ...] = ()
    """In the order in which their bytes come."""
    directories: tuple[NewDirectory, ...] = ()
    links: tuple[NewLink, ...] = ()
    attributes: tuple[Attributes, ...] = ()
    """Put right in the stage, in this order: owner and group, then mode, then time. A file whose
    owner is changed loses setuid and setgid, unless its mode is named here."""
    check: Check = Check.SHA256
    replace_links: bool = False
    """Whether a file may come in the place of a link. Else that is refused."""
    backup: bytes = b""
    """What a file's name has behind it when a new one takes its place; empty for no backup."""
    validate: str = ""
    """A command that says by its exit status whether a file is fit; ``%s`` is the file, staged."""
    stage: bytes = field(default_factory=new_stage)

    def __post_init__(self) -> None:
        absolute(self.directory)
        if not _STAGE.fullmatch(self.stage):
            raise UsageError(f"{self.stage!r} is no name for a stage")
        names = checked([*self.files, *self.all_links, *(each.name for each in self.directories)])
        if len(set(names)) != len(names):
            raise UsageError("a name is delivered twice")
        new = {each.name for each in self.directories}
        if any(_has_gap(name, new) for name in names):
            raise UsageError("all directories below a new one are new, and have to be named")
        for each in self.attributes:
            checked(each.names)
        if b"/" in self.backup or b"\0" in self.backup:
            raise UsageError("what stands behind a backup's name holds no slash")
        if self.validate and "%s" not in self.validate:
            raise UsageError("the command that validates has no %s for the file")

    @property
    def size(self) -> int:
        """Bytes of all parts."""
        return sum(each.size if isinstance(each, TarPart) else each.sent for each in self.parts)

    @property
    def files(self) -> tuple[bytes, ...]:
        """All files, in the order of the parts."""
        return tuple(self._files())

    def _files(self) -> Iterator[bytes]:
        for part in self.parts:
            yield from part.files if isinstance(part, TarPart) else (part.name,)

    @property
    def all_links(self) -> tuple[bytes, ...]:
        """Links of archives, and others."""
        archived = (name for part in self.parts if isinstance(part, TarPart) for name in part.links)
        return (*archived, *(each.name for each in self.links))


def _has_gap(name: bytes, new: set[bytes]) -> bool:
    """Whether a directory that is not new stands below one that is."""
    seen = False
    for above in ancestors(name):
        if seen and above not in new:
            return True
        seen = seen or above in new
    return False


@dataclass(frozen=True, slots=True)
class Backup:
    """An old file that was kept."""

    name: bytes
    kept: bytes
    """Its name now; both are below the delivery's directory."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a delivery."""

    replaced: tuple[bytes, ...] = ()
    """Files and links that were there before."""
    backups: tuple[Backup, ...] = ()
