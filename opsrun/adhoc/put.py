"""Files to one host: whole or not at all, and only what is not there already."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from opsrun.adhoc.base import Job, Setting, Trail
from opsrun.adhoc.layout import Layout, lay_out
from opsrun.adhoc.local import LocalFiles
from opsrun.adhoc.meter import Meter
from opsrun.adhoc.outgoing import Outgoing
from opsrun.adhoc.sending import Owners, Wanted
from opsrun.adhoc.transfer import Finish, Rates, Tally, Transfer, intend
from opsrun.errors import TransferFailed
from opsrun.events import Result
from opsrun.remote.files.host_files import HostFiles
from opsrun.remote.files.looking import Look, Place
from opsrun.trees.contents import Contents
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.failures import shown
from opsrun.trees.plan import Comparison, by_digest, candidates, compare
from opsrun.trees.sources import STANDARD_INPUT, Found, Source
from opsrun.trees.stdin import Held

KINDS = {
    Place.FILE: Kind.FILE,
    Place.DIRECTORY: Kind.DIRECTORY,
    Place.LINK: Kind.LINK,
    Place.OTHER: Kind.OTHER,
}


@dataclass(frozen=True, slots=True)
class Load:
    """What every host gets."""

    sources: tuple[Source, ...]
    found: tuple[Found, ...]
    """Everything that is in them."""
    held: Held | None = None
    """Standard input, if that is the source."""


@dataclass(frozen=True, slots=True)
class PutOptions:
    """How files are put."""

    finish: Finish = field(default_factory=Finish)
    rates: Rates = field(default_factory=Rates)
    follow: bool = False
    """A link that is the destination is what it leads to."""
    parents: bool = False
    """Directories above the destination are made where they are missing."""
    dry_run: bool = False
    sftp: bool = False
    """Over SFTP, for hosts without a shell to use."""


def local_files(setting: Setting, held: Held | None = None) -> LocalFiles:
    """The sources of a run, for its workers."""
    contents = Contents(setting.engine.native_lock(), follow=True)
    if held is not None:
        contents.hold(STANDARD_INPUT, held)
    return LocalFiles(setting.engine, contents, shared=setting.hosts > 1)


def backup_suffix(finish: Finish, now: float) -> bytes:
    """What the names of backups end in: when the run began, in UTC; empty for no backups."""
    if not finish.backup:
        return b""
    return time.strftime(".%Y%m%dT%H%M%SZ~", time.gmtime(now)).encode()


class Put(Transfer):
    """Copies files to hosts.

    ``data`` of the result: see `Tally.data`.

    Args:
        setting: what all workers of the run share.
        load: what is copied.
        dest: path on the hosts.
        options: see `PutOptions`.
    """

    def __init__(self, setting: Setting, load: Load, dest: bytes, options: PutOptions) -> None:
        super().__init__(setting, options.rates, sftp=options.sftp, dry_run=options.dry_run)
        self._load = load
        self._dest = dest
        self._options = options
        self._local = local_files(setting, load.held)
        self.tell_special(load.found)
        self._names = [one.entry.path for one in load.found if one.entry.path]
        self._suffix = backup_suffix(options.finish, time.time())

    def carry(self, job: Job, trail: Trail, files: HostFiles, meter: Meter) -> Result:
        """See `Transfer.carry`."""
        look = files.look(self._dest, self._names)
        layout = self._layout(look)
        finish = self._options.finish
        owners = Owners(*files.owners(finish.owner, finish.group))
        self._make_parent(job, trail, look, files)
        outgoing = Outgoing(
            self.setting,
            job,
            trail,
            files,
            meter,
            Tally("sent", dry_run=self._options.dry_run),
            look,
            layout.directory,
            {one.entry.path: one for one in layout.found},
            Wanted(finish, owners, look.umask),
            self._local,
            self._suffix,
        )
        source = [one.entry for one in layout.found]
        existing = _existing(look, source)
        sets_modes = finish.preserve or finish.mode is not None
        comparison = Comparison(
            by_digest(*outgoing.digests(candidates(source, existing))),
            mode=outgoing.wanted.changed_mode if sets_modes else None,
            times=finish.preserve,
        )
        return outgoing.carry_out(compare(source, existing, comparison))

    def _layout(self, look: Look) -> Layout:
        real = look.real
        is_link = look.dest.place is Place.LINK and real.place is not Place.DIRECTORY
        if is_link and not self._options.follow:
            raise TransferFailed(
                f"{shown(look.dest.path)} is a symbolic link to {shown(real.path)}",
                hint="name that file, or say --follow",
            )
        slash = b"/" if self._dest.endswith((b"/", b"/.")) else b""
        dest = real.path.rstrip(b"/") + slash if real.path != b"/" else real.path
        return lay_out(self._load.sources, self._load.found, dest, KINDS.get(real.place))

    def _make_parent(self, job: Job, trail: Trail, look: Look, files: HostFiles) -> None:
        parent = look.parent
        if look.real.place is not Place.ABSENT or parent.place is Place.DIRECTORY:
            return
        if parent.place is not Place.ABSENT:
            raise TransferFailed(f"{shown(parent.path)} is no directory")
        if not parent.writable:
            raise TransferFailed(
                f"{shown(parent.path)} is not there or out of reach, and can't be made",
                hint="with -b, another user does it",
            )
        if not self._options.parents:
            raise TransferFailed(
                f"{shown(parent.path)} is not there", hint="say --parents to have it made"
            )
        if not self._options.dry_run:
            intend(self.setting, job, trail)
            files.make_directory(parent.path)


def _existing(look: Look, source: list[Entry]) -> list[Entry]:
    """What is in the place of the sources."""
    if look.real.place is Place.DIRECTORY:
        return list(look.entries)
    if look.entry is None:
        return []
    return [replace(look.entry, path=source[0].path)]
