"""``HOST:PATH``, as scp and rsync take it: refused where a copy would take it for a file's name."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from opsrun.cli.options import Selection
from opsrun.cli.vaulting import vault_of
from opsrun.errors import UsageError

_REMOTE = re.compile(r"(?:([^@:/\s]+)@)?(\[[^]/\s]+]|[^@:/\s[\]]+):(?!//)(.*)", re.DOTALL)
"""What scp(1) takes for a place on another host: a colon that no slash stands in front of."""


@dataclass(frozen=True, slots=True)
class _Remote:
    word: str
    user: str
    host: str
    path: str

    @classmethod
    def of(cls, word: str) -> _Remote | None:
        found = _REMOTE.fullmatch(word)
        if found is None:
            return None
        return cls(word, found[1] or "", found[2].strip("[]"), found[3] or ".")


def refuse_remote_words(
    command: str, sources: Sequence[str], dest: str, selection: Selection
) -> None:
    """Say how hosts are named here, where a word names one as scp does.

    A file may be called so: where hosts were named as they are here, only names of theirs are
    refused, and nothing that exists on this machine is.

    Args:
        command: put, get or sync.
        sources, dest: its words.
        selection: which hosts were named.

    Raises:
        UsageError: a word means a host.
    """
    words = [*sources, dest]
    remote = [_Remote.of(word) for word in words]
    meant = [each for each in remote if each is not None and _means_host(each, selection)]
    if not meant:
        return
    first = meant[0]
    # Where a file comes from another host, get is what is wanted, and put where it goes there.
    right = _verb(command, remote[-1] is not None)
    paths = [each.path if each in meant else word for each, word in zip(remote, words, strict=True)]
    hosts = ",".join(dict.fromkeys(each.host for each in meant))
    user = ["-u", first.user] if first.user else []
    written = shlex.join(["opsrun", right, *paths, "--hosts", hosts, *user])
    raise UsageError(
        f"{first.word}: hosts are named by --hosts (-w), and paths are the same on all of them: "
        f"`{written}` (a file of that name is ./{first.word})"
    )


def _verb(command: str, goes_out: bool) -> str:
    if not goes_out:
        return "get"
    return "put" if command == "get" else command


def _means_host(remote: _Remote, selection: Selection) -> bool:
    if os.path.lexists(remote.word):
        return False
    if not (selection.hosts or selection.group or selection.hostfile):
        return True
    from opsrun.inventory import load_inventory

    inventory = load_inventory(
        list(selection.inventory), hostfiles=list(selection.hostfile), vault=vault_of(selection)
    )
    return remote.host in {host.name for host in inventory.select("all")}
