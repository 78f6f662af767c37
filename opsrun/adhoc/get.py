"""Files from one host, put in place here whole or not at all."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from opsrun.adhoc.base import Job, Setting, Trail
from opsrun.adhoc.fetching import Fetch, Item
from opsrun.adhoc.meter import Meter
from opsrun.adhoc.outgoing import refuse
from opsrun.adhoc.put import backup_suffix
from opsrun.adhoc.survey import Survey
from opsrun.adhoc.transfer import SPECIAL_FILE, Finish, Rates, Tally, Transfer
from opsrun.errors import TransferFailed
from opsrun.events import Notice, Result
from opsrun.remote.files.host_files import HostFiles
from opsrun.remote.files.tools import Check, Tar
from opsrun.sinks.filenames import FileNames
from opsrun.trees.below import split
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.exclude import NOTHING, Excludes
from opsrun.trees.failures import PlaceError, shown
from opsrun.trees.got import Got, Rules
from opsrun.trees.merge import Placing
from opsrun.trees.modes import PERMISSIONS
from opsrun.trees.place import Stage, current_umask
from opsrun.trees.plan import Comparison, Plan, by_digest, candidates, compare
from opsrun.trees.present import digests_below, present, set_below

HOST = b"{host}"


@dataclass(frozen=True, slots=True)
class GetOptions:
    """How files are got."""

    flat: bool = False
    """No folder for each host."""
    finish: Finish = field(default_factory=Finish)
    rates: Rates = field(default_factory=Rates)
    exclude: Excludes = NOTHING
    unsafe_links: bool = False
    """Links that lead out of the tree are made too."""
    sftp: bool = False
    """Over SFTP, for hosts without a shell to use."""


@dataclass(frozen=True, slots=True)
class _Rules(Rules):
    """With modes that were asked for."""

    finish: Finish = field(default_factory=Finish)

    def mode(self, mode: int) -> int:
        """See `Rules.mode`."""
        usual = Rules.mode(self, mode)
        asked = self.finish.mode
        if asked is None:
            return usual
        bits = asked.applied(usual, directory=False, umask=self.umask)
        return bits if asked.is_special else bits & PERMISSIONS


class Get(Transfer):
    """Copies files from hosts.

    ``data`` of the result: see `Tally.data`; ``path`` is where they are now.

    Args:
        setting: what all workers of the run share.
        sources: paths on the hosts, with their wildcards.
        dest: path here.
        options: see `GetOptions`.
    """

    def __init__(
        self, setting: Setting, sources: Sequence[bytes], dest: bytes, options: GetOptions
    ) -> None:
        super().__init__(setting, options.rates, sftp=options.sftp, dry_run=True)
        self._sources = sources
        self._dest = dest
        self._options = options
        self._suffix = backup_suffix(options.finish, time.time()) or None
        self._names = FileNames()
        self._lock = setting.engine.lock()
        self._owners: dict[bytes, str] = {}
        finish = options.finish
        self._rules = _Rules(
            umask=current_umask(),
            preserve=finish.preserve,
            keep_setuid=finish.keep_setuid,
            unsafe_links=options.unsafe_links,
            finish=finish,
        )

    def carry(self, job: Job, trail: Trail, files: HostFiles, meter: Meter) -> Result:
        """See `Transfer.carry`."""
        base, name = self._place(job)
        survey = Survey(files, self._options.exclude)
        items = survey.find(self._sources, name)
        self._claim(job, base, items)
        tally = Tally("fetched", skipped=[])
        offload = self.setting.engine.offload
        existing = offload(present, base, [item.entry for item in items])
        plan = self._plan(survey, items, existing, base, tally)
        refuse(plan.conflicts, base)
        got = Got()
        if plan.new or plan.changed:
            got = self._fetch(job, files, survey, meter, base, items, plan, tally)
        if plan.attributes:
            offload(set_below, base, plan.attributes, self._rules)
        self._count(tally, plan, got)
        self.tell_left_out(tally.skipped, job.host)
        return tally.result(job, trail, meter)

    # -- where

    def _place(self, job: Job) -> tuple[bytes, bytes]:
        """The folder that everything goes into, and the name of a single file there."""
        with self._lock:
            host = os.fsencode(self._names[job.host])
        if not self._options.flat:
            return os.path.join(self._dest, host), b""
        dest = self._dest.replace(HOST, host)
        single = len(self._sources) == 1 and not dest.endswith(b"/")
        if single and not os.path.isdir(dest):
            above, name = os.path.split(dest)
            return above or b".", name
        return dest, b""

    def _claim(self, job: Job, base: bytes, items: Sequence[Item]) -> None:
        """No file of one host's in the place of another one's."""
        if not self._options.flat:
            return
        paths = [
            os.path.normpath(os.path.join(base, item.entry.path))
            for item in items
            if item.entry.kind is not Kind.DIRECTORY
        ]
        with self._lock:
            for path in paths:
                owner = self._owners.setdefault(path, job.host)
                if owner != job.host:
                    raise TransferFailed(
                        f"{shown(path)} is {owner}'s file already",
                        hint="leave --flat out, or have {host} in the destination",
                    )

    # -- what

    def _plan(
        self,
        survey: Survey,
        items: Sequence[Item],
        existing: Sequence[Entry],
        base: bytes,
        tally: Tally,
    ) -> Plan:
        source = [item.entry for item in items]
        pairs = candidates(source, existing)
        theirs: dict[bytes, str] = {}
        ours: dict[bytes, str] = {}
        if pairs and survey.tools.check is Check.SHA256:
            wanted = {pair.source.path for pair in pairs}
            theirs = survey.digests([item for item in items if item.entry.path in wanted])
            ours = self.setting.engine.offload(digests_below, base, sorted(wanted))
            tally.checksum = _single(theirs)
        finish = self._options.finish
        sets_modes = finish.preserve or finish.mode is not None
        comparison = Comparison(
            by_digest(theirs, ours),
            mode=self._mode if sets_modes else None,
            times=finish.preserve,
        )
        return compare(source, existing, comparison)

    def _mode(self, source: Entry, there: Entry) -> int:
        if source.kind is Kind.DIRECTORY and not self._options.finish.preserve:
            return there.mode
        return self._rules.mode(source.mode)

    def _fetch(
        self,
        job: Job,
        files: HostFiles,
        survey: Survey,
        meter: Meter,
        base: bytes,
        items: Sequence[Item],
        plan: Plan,
        tally: Tally,
    ) -> Got:
        engine = self.setting.engine
        tools = survey.tools
        if self._options.sftp:
            # There is none there, but archives are made here, of many files at once.
            tools = replace(tools, tar=Tar.OTHER)
        fetch = Fetch(engine, files, tools, meter, self._rules)
        needed = _needed(items, plan)
        finish = self._options.finish
        placing = Placing(self._suffix, keep_modes=not finish.preserve and finish.mode is None)
        with _here():
            stage = engine.offload(Stage, base)
            try:
                got = fetch.fetch(stage.fd, needed)
                placed = engine.offload(stage.place, got, placing)
            finally:
                engine.offload(stage.__exit__, None)
        tally.backups = [shown(path) for path in placed.backups]
        for path in fetch.grown:
            self._warn(
                job, f"{shown(path)} was written to meanwhile: of it came what it had before"
            )
        for path in fetch.unchecked:
            self._warn(job, f"{shown(path)} can't be checked: it is another one at each reading")
        return got

    def _count(self, tally: Tally, plan: Plan, got: Got) -> None:
        files = [e for e in (*plan.new, *(p.source for p in plan.changed)) if e.path in got.files]
        tally.files = len(files)
        tally.bytes = sum(got.files[entry.path].size for entry in files)
        made = [e for e in plan.new if e.path in got.links or e.kind is Kind.DIRECTORY]
        tally.others = len(made) + sum(pair.source.path in got.links for pair in plan.changed)
        tally.attributes = len(plan.attributes)
        tally.unchanged = sum(pair.source.kind is Kind.FILE for pair in plan.unchanged)
        if files:
            tally.checksum = _single({entry.path: got.files[entry.path].digest for entry in files})
        changed = [pair.source for pair in plan.changed]
        for entry in (*plan.new, *changed):
            is_directory = entry.kind is Kind.DIRECTORY
            if is_directory or entry.path in got.files or entry.path in got.links:
                tally.note(f"+ {shown(entry.path)}{'/' if is_directory else ''}")
        for pair in plan.attributes:
            tally.note(f". {shown(pair.source.path)}")
        tally.skipped = [f"{shown(e.path)}: {SPECIAL_FILE}" for e in plan.skipped]
        tally.skipped += [f"{shown(told.path)}: {told.why}" for told in got.told]

    def _warn(self, job: Job, words: str) -> None:
        self.setting.emit(Notice("warning", words, job.host))


@contextmanager
def _here() -> Iterator[None]:
    """Says of this machine's refusals that they are no host's."""
    try:
        yield
    except PlaceError as error:
        error.hint = error.hint or "that is on this machine"
        raise


def _single(digests: Mapping[bytes, str]) -> str | None:
    """The one that there is, if there is one."""
    return next(iter(digests.values())) if len(digests) == 1 else None


def _needed(items: Sequence[Item], plan: Plan) -> list[Item]:
    """What is to be fetched, with all directories above it."""
    wanted = {entry.path for entry in (*plan.new, *(pair.source for pair in plan.changed))}
    for path in list(wanted):
        above = split(path)[0]
        while above and above not in wanted:
            wanted.add(above)
            above = split(above)[0]
    return [item for item in items if item.entry.path in wanted]
