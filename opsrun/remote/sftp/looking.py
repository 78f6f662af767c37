"""The first look at a host that gives files alone: what a destination is, and what can be told."""

from __future__ import annotations

from collections.abc import Sequence

from opsrun.errors import HostError
from opsrun.remote.files.delivery import new_stage
from opsrun.remote.files.listing import asked, inside
from opsrun.remote.files.looking import Look, Place, Spot
from opsrun.remote.files.tools import Check, Tar, Tools
from opsrun.remote.files.words import joined, split
from opsrun.remote.sftp import operations, requests
from opsrun.remote.sftp.client import SFTP
from opsrun.remote.sftp.failures import Refused
from opsrun.remote.sftp.globbing import absolute_path
from opsrun.remote.sftp.listing import UNKNOWN, entry_of, names_below
from opsrun.remote.sftp.packets import Code
from opsrun.remote.sftp.wire import Attributes
from opsrun.trees.entry import Entry, Kind

UMASK = 0o022
"""What is taken for the umask where nothing may be made to learn it."""

TOOLS = Tools(tar=Tar.NONE, check=Check.SHA256, fast=False, printf=False, stat=True)
"""As of a host without tar(1): every file is sent, and checked, by itself."""

_PLACES = {
    Kind.FILE: Place.FILE,
    Kind.DIRECTORY: Place.DIRECTORY,
    Kind.LINK: Place.LINK,
    Kind.OTHER: Place.OTHER,
}


def look(sftp: SFTP, dest: bytes, names: Sequence[bytes], *, probe: bool) -> Look:
    """See `opsrun.remote.sftp.files.SFTPFiles.look`."""
    path = absolute_path(sftp, dest)
    here = _physical(sftp, path)
    told = sftp.run(operations.found(here))
    real, meant = here, told
    if told is not None and told.kind is Kind.LINK:
        real, meant = _behind(sftp, here)
    parent, above = _parent(sftp, real)
    writable = _writable(sftp, above)
    directory = real if meant is not None and meant.kind is Kind.DIRECTORY else above
    umask, uid, gid = UMASK, UNKNOWN, UNKNOWN
    if probe and writable:
        made = _learn(sftp, directory)
        writable = made is not None
        if made is not None:
            umask, uid, gid = 0o777 & ~made.mode, made.uid, made.gid
    entries = names_below(sftp, real, asked(names)) if directory == real else []
    return Look(
        tools=TOOLS,
        umask=umask,
        uid=uid,
        gid=gid,
        groups=(),
        dest=Spot(here, _place(told), writable),
        real=Spot(real, _place(meant), writable),
        parent=Spot(parent, _place(sftp.run(operations.found(parent))), writable),
        entry=None if meant is None else entry_of(b"", meant),
        entries=tuple(inside(entries, names)),
    )


def _place(told: Attributes | None) -> Place:
    return Place.ABSENT if told is None else _PLACES[told.kind or Kind.OTHER]


def _physical(sftp: SFTP, path: bytes) -> bytes:
    """Over no link up to the last part, where its directory can be reached."""
    directory, base = split(path)
    if base in (b"", b".", b".."):
        return sftp.run(operations.realpath(path))
    try:
        if sftp.run(operations.found(directory or b"/", follow=True)) is None:
            return path
        return joined(sftp.run(operations.realpath(directory or b"/")), base)
    except Refused:
        return path


def _behind(sftp: SFTP, link: bytes) -> tuple[bytes, Attributes | None]:
    """What a link leads to; where there is nothing, what would come to be there."""
    path = link
    for _ in range(40):
        told = sftp.run(operations.found(path))
        if told is None or told.kind is not Kind.LINK:
            break
        target = sftp.run(operations.readlink(path)).rstrip(b"/") or b"/"
        if not target.startswith(b"/"):
            target = joined(split(path)[0] or b"/", target)
        path = _physical(sftp, target)
    else:
        raise HostError("too many links behind each other", host=sftp.host)
    return path, told


def _parent(sftp: SFTP, path: bytes) -> tuple[bytes, bytes]:
    """The directory that a path is in, and the nearest one above it that exists."""
    parent = split(path)[0] or b"/"
    above = parent
    while above != b"/" and sftp.run(operations.found(above)) is None:
        above = split(above)[0] or b"/"
    return parent, above


def _writable(sftp: SFTP, directory: bytes) -> bool:
    """As far as the server tells: not on a file system that is read-only."""
    if not sftp.has(requests.STATVFS):
        return True
    try:
        return not sftp.run(operations.space(directory))[1]
    except Refused:
        return True


def _learn(sftp: SFTP, directory: bytes) -> Entry | None:
    """A directory that was made and removed again: it tells the umask, and who we are there.

    None where we may make none.
    """
    path = joined(directory, new_stage())
    refusal = sftp.run(operations.attempt(requests.mkdir(path, 0o777)))
    if refusal is not None and refusal.code == Code.PERMISSION_DENIED:
        return None
    told = sftp.run(operations.found(path))
    if refusal is not None or told is None:
        return Entry(b"", Kind.DIRECTORY, 0o777 & ~UMASK, 0, 0, UNKNOWN, UNKNOWN)
    sftp.run(operations.do(requests.rmdir(path)))
    return entry_of(b"", told)
