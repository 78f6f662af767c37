"""A tar archive as a stream of bytes, of a size that is known before the first of them.

The format is GNU's, because every tar that is found on hosts reads it (GNU tar, busybox, bsdtar):
long names, sizes beyond 8 GiB and times before 1970 included. See "Basic Tar Format" in the manual
of GNU tar. The end is two blocks of zeros, without the padding to 10 KiB that only tapes need.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from opsrun.trees.entry import Kind
from opsrun.trees.failures import SourceChanged, shown

BLOCK = 512
_END = bytes(2 * BLOCK)
_FILLED = 256 * 1024
"""Bytes that are sent on at once: many small files must not be many small writes."""
_TYPES = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.DIRECTORY: tarfile.DIRTYPE,
    Kind.LINK: tarfile.SYMTYPE,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive. It belongs to root there; whoever unpacks it owns it."""

    path: bytes
    """As in `Entry`; ``b""`` is the directory that it is unpacked in, whose mode busybox leaves."""
    kind: Kind
    """Not `Kind.OTHER`."""
    mode: int
    mtime: int
    """In nanoseconds since the epoch; the archive has whole seconds."""
    size: int = 0
    """In bytes, of files."""
    target: bytes = b""
    """Of links."""
    read: Callable[[], Iterator[bytes]] | None = None
    """Gives a file's bytes, exactly ``size`` of them; is called when it is its turn."""


def archive_size(members: Iterable[Member]) -> int:
    """Bytes of the archive that `archive` makes of the same members."""
    return sum(len(_header_of(member)) + _padded(member.size) for member in members) + len(_END)


def archive(members: Iterable[Member]) -> Iterator[bytes]:
    """The archive, in pieces of some 256 KiB, or as large as what a file's ``read`` gives.

    Raises:
        SourceChanged: a file gave fewer or more bytes than its size; and whatever ``read`` raises.
            What was sent is then of no use.
    """
    waiting = bytearray()
    for member in members:
        waiting += _header_of(member)
        for chunk in _data_of(member):
            if len(chunk) >= _FILLED:
                if waiting:
                    yield bytes(waiting)
                    waiting.clear()
                yield chunk
                continue
            waiting += chunk
            if len(waiting) >= _FILLED:
                yield bytes(waiting)
                waiting.clear()
    waiting += _END
    yield bytes(waiting)


def settled(members: Iterable[Member]) -> list[Member]:
    """The same members, in an order in which every tar gets directories right.

    busybox gives a directory its mode and time when it comes to it, so that one without ``w`` could
    take nothing, and whatever it takes changes its time. So directories come first with ``rwx`` for
    their owner, and once more, innermost first, when everything is in them.

    One thing is left to do where busybox runs as anybody but root: it never calls chmod(2) then, so
    that ``umask 0`` is needed for exact modes, and a directory keeps its owner's ``rwx``.
    """
    first = list(members)
    above = {member.path.rpartition(b"/")[0] for member in first if member.path}
    again = [m for m in first if m.kind is Kind.DIRECTORY and m.path in above]
    again.sort(key=lambda member: (member.path.count(b"/"), bool(member.path)), reverse=True)
    open_to_us = {m.path: replace(m, mode=m.mode | 0o700) for m in again}
    return [open_to_us.get(member.path, member) for member in first] + again


def _data_of(member: Member) -> Iterator[bytes]:
    if member.kind is not Kind.FILE:
        return
    left = member.size
    for chunk in member.read() if member.read else ():
        left -= len(chunk)
        if left < 0:
            break
        yield chunk
    if left:
        raise SourceChanged(
            f"{shown(member.path)} did not give the {member.size} bytes that it had"
        )
    yield bytes(-member.size % BLOCK)


def _padded(size: int) -> int:
    return size + -size % BLOCK


def _header_of(member: Member) -> bytes:
    seconds = member.mtime // 1_000_000_000
    return _header(
        member.path, member.kind, member.mode & 0o7777, seconds, member.size, member.target
    )


@lru_cache(maxsize=16_384)
def _header(path: bytes, kind: Kind, mode: int, mtime: int, size: int, target: bytes) -> bytes:
    """A member's header blocks. Kept, because a run sends the same tree to many hosts."""
    if size and kind is not Kind.FILE:
        raise ValueError(f"a {kind} has no bytes of its own")
    info = tarfile.TarInfo(_text(path or b"."))
    info.type = _TYPES[kind]
    info.mode = mode
    info.mtime = mtime
    info.size = size
    info.linkname = _text(target)
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
