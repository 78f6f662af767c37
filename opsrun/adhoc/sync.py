"""A directory here, mirrored on one host."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from opsrun.adhoc.base import Job, Setting, Trail
from opsrun.adhoc.layout import moved, split
from opsrun.adhoc.meter import Meter
from opsrun.adhoc.outgoing import Outgoing
from opsrun.adhoc.put import backup_suffix, local_files
from opsrun.adhoc.sending import Owners, Wanted
from opsrun.adhoc.transfer import Finish, Rates, Tally, Transfer
from opsrun.errors import TransferFailed
from opsrun.events import Result
from opsrun.remote.files.host_files import HostFiles
from opsrun.remote.files.looking import Look, Place
from opsrun.trees.entry import Entry
from opsrun.trees.exclude import NOTHING, Excludes
from opsrun.trees.failures import shown
from opsrun.trees.plan import Comparison, SameContent, by_digest, by_time, candidates, compare
from opsrun.trees.sources import Found


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How a directory is mirrored."""

    finish: Finish = field(default_factory=lambda: Finish(preserve=True))
    rates: Rates = field(default_factory=Rates)
    exclude: Excludes = NOTHING
    """Neither sent nor deleted."""
    delete: bool = False
    """What the source doesn't have is removed."""
    checksum: bool = False
    """Contents are compared by digest, in place of size and time."""
    dry_run: bool = False
    sftp: bool = False
    """Over SFTP, for hosts without a shell to use."""


class Sync(Transfer):
    """Makes a directory of each host equal to one here.

    ``data`` of the result: see `Tally.data`.

    Args:
        setting: what all workers of the run share.
        found: what is in the directory, and it itself as ``b""``.
        dest: path of the directory on the hosts.
        options: see `SyncOptions`.
    """

    def __init__(
        self, setting: Setting, found: Sequence[Found], dest: bytes, options: SyncOptions
    ) -> None:
        super().__init__(setting, options.rates, sftp=options.sftp, dry_run=options.dry_run)
        self._found = found
        self._dest = dest
        self._options = options
        self._local = local_files(setting)
        self.tell_special(found)
        self._suffix = backup_suffix(options.finish, time.time())

    def carry(self, job: Job, trail: Trail, files: HostFiles, meter: Meter) -> Result:
        """See `Transfer.carry`."""
        options = self._options
        look = files.look(self._dest)
        directory, prefix = _place(look)
        found = {one.entry.path: one for one in self._placed(prefix)}
        finish = options.finish
        outgoing = Outgoing(
            self.setting,
            job,
            trail,
            files,
            meter,
            Tally("sent", dry_run=options.dry_run),
            look,
            directory,
            found,
            Wanted(finish, Owners(*files.owners(finish.owner, finish.group)), look.umask),
            self._local,
            self._suffix,
        )
        source = [one.entry for one in found.values()]
        existing = [] if prefix else [e for e in files.entries(directory) if e.path]
        comparison = Comparison(
            self._same(outgoing, source, existing),
            mode=outgoing.wanted.changed_mode,
            times=True,
            replace=options.delete,
            # Where all is new, nothing is protected, and the patterns know another top.
            exclude=NOTHING if prefix else options.exclude,
        )
        plan = compare(source, existing, comparison)
        return outgoing.carry_out(plan, plan.extraneous if options.delete else ())

    def _same(
        self, outgoing: Outgoing, source: Sequence[Entry], existing: Sequence[Entry]
    ) -> SameContent:
        if not self._options.checksum:
            return by_time
        return by_digest(*outgoing.digests(candidates(source, existing, self._options.exclude)))

    def _placed(self, prefix: bytes) -> list[Found]:
        if not prefix:
            return [one for one in self._found if one.entry.path]
        return [moved(one, b"", prefix) for one in self._found]


def _place(look: Look) -> tuple[bytes, bytes]:
    """The directory that all goes into, and the name of one that is to be made in it."""
    if look.real.place is Place.DIRECTORY:
        return look.real.path, b""
    if look.real.place is not Place.ABSENT:
        raise TransferFailed(f"{shown(look.real.path)} is no directory")
    if look.parent.place is not Place.DIRECTORY:
        why = "is not there" if look.parent.writable else "is not there or out of reach"
        raise TransferFailed(
            f"{shown(look.parent.path)} {why}",
            hint="make it first, with opsrun exec mkdir -p",
        )
    return split(look.real.path)
