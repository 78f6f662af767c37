"""Removes files and whole trees, over no link."""

from __future__ import annotations

from collections.abc import Sequence

from opsrun.errors import TransferFailed
from opsrun.remote.files.words import ancestors, checked, joined
from opsrun.remote.sftp import operations, requests
from opsrun.remote.sftp.client import SFTP, Operation
from opsrun.remote.sftp.failures import Refused, shown
from opsrun.remote.sftp.listing import names_below, tree
from opsrun.trees.entry import Entry, Kind


def remove(sftp: SFTP, top: bytes, names: Sequence[bytes]) -> None:
    """Remove the names with all that is below them; what is not there is no failure.

    Raises:
        UsageError: a name leads out of ``top``.
        TransferFailed: something can't be removed, or is reached over a link.
    """
    wanted = set(checked(names))
    topmost = sorted(name for name in wanted if not any(a in wanted for a in ancestors(name)))
    above = {each for name in topmost for each in ancestors(name)}
    for entry in names_below(sftp, top, sorted(above)):
        if entry.kind is not Kind.DIRECTORY:
            words = f"{shown(joined(top, entry.path))} is no directory that is reached over no link"
            raise TransferFailed(words, host=sftp.host)
    there = names_below(sftp, top, topmost)
    for _ in sftp.stream(
        _gone(requests.remove(joined(top, each.path)))
        for each in there
        if each.kind is not Kind.DIRECTORY
    ):
        pass
    for each in there:
        if each.kind is Kind.DIRECTORY:
            remove_tree(sftp, joined(top, each.path))


def remove_tree(sftp: SFTP, top: bytes) -> None:
    """Remove a directory and all that is in it; the innermost first."""
    entries = _listed(sftp, top)
    files = (each for each in entries if each.kind is not Kind.DIRECTORY)
    for _ in sftp.stream(_gone(requests.remove(joined(top, each.path))) for each in files):
        pass
    directories = [each.path for each in entries if each.kind is Kind.DIRECTORY]
    for path in sorted(directories, key=lambda path: (not path, -path.count(b"/"), path)):
        sftp.run(_gone(requests.rmdir(joined(top, path))))


def _listed(sftp: SFTP, top: bytes) -> list[Entry]:
    try:
        return tree(sftp, top)
    except Refused as error:
        if error.absent:
            return []
        raise


def _gone(request: requests.Request) -> Operation[None]:
    refusal = yield from operations.attempt(request)
    if refusal is not None and not refusal.absent:
        raise refusal
