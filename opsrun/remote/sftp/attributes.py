"""Owner, mode and time as SFTP sets them: numbers alone, and of links only where OpenSSH helps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from opsrun.remote.files.delivery import Attributes as Wanted
from opsrun.remote.sftp import operations, requests
from opsrun.remote.sftp.client import SFTP, Operation
from opsrun.remote.sftp.failures import cannot, shown
from opsrun.remote.sftp.wire import Attributes
from opsrun.trees.entry import Kind

_LATEST = (1 << 32) - 1
"""Seconds since the epoch that thirty-two bits hold: early in 2106."""


def check(wanted: Sequence[Wanted], host: str) -> None:
    """Before anything is sent.

    Raises:
        TransferFailed: an owner by name: there is nobody who would look it up.
    """
    for each in wanted:
        for what, who in (("owner", each.owner), ("group", each.group)):
            if isinstance(who, str) and not who.isdecimal():
                words = f"{what} {who!r}: over SFTP there are no names, only numbers"
                raise cannot(words, host, "give the number; id(1) tells it")


def apply(
    sftp: SFTP, wanted: Sequence[Wanted], place: Callable[[bytes], bytes], *, skip: frozenset[bytes]
) -> None:
    """Set them, in their order.

    Args:
        sftp: the host's server.
        wanted: which, of which names.
        place: where a name is.
        skip: names that get no mode yet.

    Raises:
        TransferFailed: the server refused, or has no way to do that to a link.
    """
    for each in wanted:
        modeless = replace(each, mode=None)
        for _ in sftp.stream(
            _set(sftp, place(name), modeless if name in skip else each) for name in each.names
        ):
            pass


def _set(sftp: SFTP, path: bytes, wanted: Wanted) -> Operation[None]:
    told = yield from operations.lstat(path)
    link = told.kind is Kind.LINK
    if link and not sftp.has(requests.LSETSTAT):
        if wanted.owner is not None or wanted.group is not None:
            raise cannot(f"{shown(path)} is a link: this SFTP server sets no owner of one", "")
        return
    setting = requests.lsetstat if link else requests.setstat
    # All of them first: what can't be is refused before any of it was done.
    for attributes in list(_steps(told, wanted, link=link)):
        yield setting(path, attributes)


def _steps(told: Attributes, wanted: Wanted, *, link: bool) -> Iterator[Attributes]:
    """One after the other: a change of owner clears bits of the mode."""
    if wanted.owner is not None or wanted.group is not None:
        uid = told.uid if wanted.owner is None else int(wanted.owner)
        gid = told.gid if wanted.group is None else int(wanted.group)
        if uid is None or gid is None:
            raise cannot("owner and group are set together, and the server tells neither", "")
        yield Attributes(uid=uid, gid=gid)
        if wanted.mode is None and told.mode is not None and not link:
            # chown(2) leaves the rest of the mode alone; not every server does.
            yield Attributes(mode=told.mode & 0o777)
    if wanted.mode is not None and not link:
        yield Attributes(mode=wanted.mode)
    if wanted.mtime is not None:
        yield times(wanted.mtime)


def times(mtime: int) -> Attributes:
    """Both times, for they go together: when it was changed, and now for when it was read."""
    return Attributes(atime=_seconds(time.time_ns()), mtime=_seconds(mtime))


def _seconds(nanoseconds: int) -> int:
    """Whole ones; what thirty-two bits don't hold becomes the nearest that they do."""
    return min(max(nanoseconds // 10**9, 0), _LATEST)
