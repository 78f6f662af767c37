"""What is asked of a copy, and what all copies have in common."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from opsrun.adhoc.base import Job, Setting, Trail, Worker, connected
from opsrun.adhoc.meter import Meter
from opsrun.adhoc.pace import Pace
from opsrun.engine.dispatch import Slot
from opsrun.errors import ConnectionFailed, ConnectionLost, TransferFailed, UsageError
from opsrun.events import Notice, Outcome, Result
from opsrun.remote.connection import Connection, Manner
from opsrun.remote.files.host_files import HostFiles
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.remote.files.sending import Limits
from opsrun.remote.session import Session
from opsrun.trees.entry import Kind
from opsrun.trees.failures import shown
from opsrun.trees.modes import Mode
from opsrun.trees.sources import Found

CHANGES = 10_000
"""So many changes are listed by name; the others are counted."""

TOLD = 10
"""So many names that were left out are told one by one."""

SPECIAL_FILE = "neither file, directory nor link"


@dataclass(frozen=True, slots=True)
class Rates:
    """How fast files may travel, in bytes a second; None for as fast as they can.

    Raises:
        UsageError: a rate that is not positive.
    """

    each: float | None = None
    """To or from one host."""
    total: float | None = None
    """All of them together."""
    idle: float | None = None
    """Seconds without a byte either way, after which a host is given up; None for no limit."""

    def __post_init__(self) -> None:
        if self.idle is not None and not 0 < self.idle < float("inf"):
            raise UsageError(f"a time to wait is a positive number of seconds, not {self.idle}")
        for rate in (self.each, self.total):
            if rate is not None and not 0 < rate < float("inf"):
                raise UsageError(f"a rate is a positive number of bytes a second, not {rate}")


@dataclass(frozen=True, slots=True)
class Finish:
    """How a file is to be once it is in its place."""

    mode: Mode | None = None
    """None keeps what a file that is replaced has; a new one gets its source's, less the umask."""
    owner: str = ""
    group: str = ""
    preserve: bool = False
    """Permissions and modification times are the source's."""
    keep_setuid: bool = False
    """Setuid, setgid and sticky are not dropped."""
    backup: bool = False
    """What is replaced is kept beside it."""
    validate: str = ""
    """A command for the host's shell, with ``%s`` for where the file lies before it is in place.

    Raises:
        UsageError: it lacks the ``%s``, or a name of owner or group can't be one.
    """

    def __post_init__(self) -> None:
        if self.validate and "%s" not in self.validate:
            raise UsageError(f"--validate needs %s for the file's place: {self.validate!r}")
        for what, name in (("owner", self.owner), ("group", self.group)):
            if name and (name.startswith("-") or any(char in name for char in ":\0\n/ ")):
                raise UsageError(f"{name!r} can't be the name of an {what}".replace("an g", "a g"))


Verb = Literal["sent", "fetched"]


@dataclass(slots=True)
class Tally:
    """What was done on one host; becomes the result's ``data``."""

    verb: Verb
    files: int = 0
    """Files whose bytes travelled."""
    bytes: int = 0
    """What they hold."""
    others: int = 0
    """Directories and links that were made."""
    attributes: int = 0
    """Entries of which only mode, owner or time was set."""
    deleted: int = 0
    unchanged: int = 0
    """Files that were as they should be: nothing was sent of them."""
    changes: list[str] = field(default_factory=list)
    omitted: int = 0
    skipped: list[str] = field(default_factory=list)
    """Names that were left out, with the reason."""
    backups: list[str] = field(default_factory=list)
    checksum: str | None = None
    """SHA-256 in hexadecimal digits: of what was sent, or else of what was there, if that is
    a single file."""
    dry_run: bool = False

    @property
    def changed(self) -> bool:
        """Whether the destination is another one now (or would be)."""
        return bool(self.files or self.others or self.attributes or self.deleted)

    def note(self, change: str) -> None:
        """Remember a change by name, unless there are too many."""
        if len(self.changes) < CHANGES:
            # A thousand hosts that get the same tree have the same changes.
            self.changes.append(sys.intern(change))
        else:
            self.omitted += 1

    def data(self, meter: Meter) -> dict[str, Any]:
        """As values by name."""
        values: dict[str, Any] = {
            "changed": self.changed,
            "verb": self.verb,
            "files": self.files,
            "bytes": self.bytes,
            "transferred": meter.done,
            "seconds": round(meter.seconds, 6),
            "others": self.others,
            "attributes": self.attributes,
            "deleted": self.deleted,
            "unchanged": self.unchanged,
            "changes": self.changes,
        }
        for name, value in (
            ("changes_omitted", self.omitted),
            ("checksum", self.checksum),
            ("skipped", self.skipped),
            ("backups", self.backups),
            ("dry_run", self.dry_run),
        ):
            if value:
                values[name] = value
        return values

    def result(self, job: Job, trail: Trail, meter: Meter) -> Result:
        """The host's result."""
        outcome = Outcome.CHANGED if self.changed and not self.dry_run else Outcome.OK
        return Result(
            job.host,
            job.work,
            outcome,
            attempts=trail.attempts,
            data=self.data(meter),
        )


def intend(setting: Setting, job: Job, trail: Trail) -> None:
    """Say, once and durably, that from here on the host may be another one."""
    if not trail.sent:
        setting.journal.intent(job.work)
        trail.sent = True


class Transfer(Worker):
    """Base of put, get and sync: a session, and what its files are done with.

    Args:
        setting: what all workers of the run share.
        rates: how fast bytes may travel.
        sftp: the hosts have no shell to use.
        dry_run: nothing may be made there, not even to see whether it could be.
    """

    def __init__(
        self, setting: Setting, rates: Rates, *, sftp: bool = False, dry_run: bool = False
    ) -> None:
        super().__init__(setting)
        self._rates = rates
        self._sftp = sftp
        self._dry_run = dry_run
        self._total = self._pace(rates.total)

    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """See `Worker.act`."""
        return self.persevere(job, slot, trail, lambda: self._attempt(job, slot, trail))

    @abstractmethod
    def carry(self, job: Job, trail: Trail, files: HostFiles, meter: Meter) -> Result:
        """Do it on one host."""

    def tell_left_out(self, names: Sequence[str], host: str = "") -> None:
        """Say what is not copied.

        Args:
            names: with the reason.
            host: whose they are; empty for this machine's.
        """
        words = [f"left out {name}" for name in names[:TOLD]]
        if len(names) > TOLD:
            words.append(f"left out {len(names) - TOLD} more names")
        for each in words:
            self.setting.emit(Notice("warning", each, host))

    def tell_special(self, found: Iterable[Found]) -> None:
        """Say which of the sources are devices, fifos and sockets: once, whatever the hosts."""
        special = [one.local for one in found if one.entry.kind is Kind.OTHER]
        self.tell_left_out([f"{shown(path)}: {SPECIAL_FILE}" for path in special])

    def _attempt(self, job: Job, slot: Slot, trail: Trail) -> Result:
        paces = [pace for pace in (self._pace(self._rates.each), self._total) if pace]
        meter = Meter(self.setting, job, paces)
        with (
            connected(self.setting, job, slot) as connection,
            self._files(job, connection) as files,
        ):
            return self._carried(job, trail, files, meter)

    def _carried(self, job: Job, trail: Trail, files: HostFiles, meter: Meter) -> Result:
        """As `carry`. What breaks before anything was changed leaves nothing unknown: it failed."""
        try:
            return self.carry(job, trail, files, meter)
        except ConnectionLost as error:
            if trail.sent:
                raise
            hint = "nothing was changed, neither there nor here"
            raise TransferFailed(
                error.message, host=job.host, phase=error.phase, hint=hint
            ) from error

    @contextmanager
    def _files(self, job: Job, connection: Connection) -> Iterator[HostFiles]:
        clock, stop = self.setting.engine.now, self.setting.stop
        if self._sftp:
            from opsrun.remote.sftp.client import SFTP
            from opsrun.remote.sftp.files import SFTPFiles
            from opsrun.remote.sftp.link import PATIENCE

            process = connection.start("", Manner(subsystem="sftp"))
            sftp = SFTP(process, clock, job.host, stop, patience=self._rates.idle or PATIENCE)
            with stop.closing(sftp.interrupt):
                try:
                    yield SFTPFiles(sftp, probe=not self._dry_run)
                finally:
                    sftp.close()
            return
        session = Session(connection, clock, host=job.host, stop=stop)
        with stop.closing(session.interrupt):
            try:
                yield RemoteFiles(session, job.host, Limits(idle=self._rates.idle))
            except ConnectionFailed as error:
                if error.phase == "exec":
                    error.hint = "has this account no shell there? Then say --sftp"
                raise
            finally:
                session.close()

    def _pace(self, rate: float | None) -> Pace | None:
        engine = self.setting.engine
        return None if rate is None else Pace(rate, engine.now, engine.lock())
