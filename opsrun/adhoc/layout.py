"""Where on a host the sources of a put go: as with cp(1), once it is known what is there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from opsrun.errors import TransferFailed, UsageError
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.failures import shown
from opsrun.trees.sources import STANDARD_INPUT, Found, Source

NEW_DIRECTORY = 0o777
"""Permissions of a directory that no source has, before the umask."""


@dataclass(frozen=True, slots=True)
class Layout:
    """One tree, merged into one directory."""

    directory: bytes
    """On the host; is there already."""
    found: tuple[Found, ...]
    """Paths are below the directory."""


def check_destination(dest: bytes, sources: Sequence[Source]) -> None:
    """What is wrong with a destination, whatever is on the hosts.

    Raises:
        UsageError: it is empty, holds a NUL, or is a directory for standard input.
    """
    if not dest:
        raise UsageError("an empty destination leads nowhere")
    if b"\0" in dest:
        raise UsageError("a destination can't hold a NUL")
    if sources and sources[0].path == STANDARD_INPUT and _wants_directory(dest):
        raise UsageError("standard input has no name: say which file it is to become")


def lay_out(
    sources: Sequence[Source], found: Sequence[Found], dest: bytes, there: Kind | None
) -> Layout:
    """Where everything goes.

    A single source becomes ``dest``, or goes into it where that is a directory or has a ``/``
    behind it; several go into it. A directory that a ``/`` names, or the contents of a directory
    need, is made; the one that it is in has to be there.

    Args:
        sources: see `find_sources`.
        found: see `gather`.
        dest: path on the host.
        there: what is there now, links followed; None for nothing.

    Raises:
        TransferFailed: what is there doesn't go with the sources.
    """
    whole = [source for source in sources if source.name or source.path == STANDARD_INPUT]
    into = _wants_directory(dest) or len(sources) > 1 or not whole or there is Kind.DIRECTORY
    if into and there not in (None, Kind.DIRECTORY):
        raise TransferFailed(f"{shown(dest)} is no directory")
    if not into:
        return _as(sources[0], found, dest, there)
    if sources[0].path == STANDARD_INPUT:
        raise TransferFailed(
            f"{shown(dest)} is a directory", hint="say which file standard input is to become"
        )
    if there is Kind.DIRECTORY:
        return Layout(dest.rstrip(b"/") or b"/", tuple(one for one in found if one.entry.path))
    if whole and not _wants_directory(dest):
        raise TransferFailed(
            f"{shown(dest)} is not there, and several sources need a directory",
            hint="write it with a / at its end to have it made",
        )
    return _in_new_directory(found, dest)


def _as(source: Source, found: Sequence[Found], dest: bytes, there: Kind | None) -> Layout:
    """The source's tree under another name."""
    if there is not None and source.kind is Kind.DIRECTORY:
        raise TransferFailed(f"{shown(dest)} is no directory, and {shown(source.path)} is one")
    if there is Kind.OTHER:
        raise TransferFailed(f"{shown(dest)} is neither a file nor a directory")
    above, name = split(dest)
    renamed = (moved(one, source.name, name) for one in found)
    return Layout(above, tuple(renamed))


def _in_new_directory(found: Sequence[Found], dest: bytes) -> Layout:
    above, name = split(dest)
    tops = [one for one in found if not one.entry.path]
    top = tops[0] if tops else Found(Entry(b"", Kind.DIRECTORY, NEW_DIRECTORY, 0, 0, 0, 0), b"")
    rest = [one for one in found if one.entry.path]
    return Layout(above, tuple(moved(one, b"", name) for one in (top, *rest)))


def moved(one: Found, old: bytes, new: bytes) -> Found:
    """The same below another name.

    Args:
        one: an entry of a tree.
        old: what its path begins with; ``b""`` for nothing.
        new: what it is to begin with instead.
    """
    path = one.entry.path
    tail = path[len(old) :].lstrip(b"/") if old else path
    return replace(one, entry=replace(one.entry, path=new + b"/" + tail if tail else new))


def split(dest: bytes) -> tuple[bytes, bytes]:
    """The directory that a path is in, and its name there.

    >>> split(b"/etc/motd"), split(b"motd"), split(b"/srv/")
    ((b'/etc', b'motd'), (b'.', b'motd'), (b'/', b'srv'))
    """
    above, name = os.path.split(dest.rstrip(b"/"))
    return above or b".", name


def _wants_directory(dest: bytes) -> bool:
    return dest.endswith(b"/") or os.path.basename(dest) in (b".", b"..")
