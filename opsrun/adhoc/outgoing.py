"""One host's share of a put or a sync: what differs is compared, sent, set and removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from opsrun.adhoc.base import Job, Setting, Trail
from opsrun.adhoc.local import LocalFiles
from opsrun.adhoc.meter import Meter
from opsrun.adhoc.sending import Shipment, Wanted
from opsrun.adhoc.transfer import SPECIAL_FILE, Tally, intend
from opsrun.errors import ConnectionLost, TransferFailed
from opsrun.events import Result
from opsrun.remote.files.delivery import Attributes
from opsrun.remote.files.host_files import HostFiles
from opsrun.remote.files.looking import Look
from opsrun.remote.files.tools import Check
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.failures import shown
from opsrun.trees.plan import Conflict, Pair, Plan
from opsrun.trees.sources import Found

Digests = Mapping[bytes, str]


@dataclass(slots=True)
class Outgoing:
    """What is known of one host, and of what it is to get.

    Args:
        setting, job, trail: see `Worker`.
        files: of the host.
        meter: counts what goes there.
        tally: counts what is done.
        look: what the host has.
        directory: on the host, absolute; everything goes below it.
        found: the sources, by their paths below it.
        wanted: modes and owners.
        local: reads the sources.
        suffix: of backups; empty for none.
    """

    setting: Setting
    job: Job
    trail: Trail
    files: HostFiles
    meter: Meter
    tally: Tally
    look: Look
    directory: bytes
    found: Mapping[bytes, Found]
    wanted: Wanted
    local: LocalFiles
    suffix: bytes = b""

    def digests(self, pairs: Sequence[Pair]) -> tuple[Digests, Digests]:
        """Checksums here and there of files that may be the same; none where a host can't tell."""
        if not pairs or self.look.tools.check is not Check.SHA256:
            return {}, {}
        theirs = self.files.digests(self.directory, [pair.there for pair in pairs])
        ours = self.local.digests([self.found[pair.source.path] for pair in pairs])
        if len(pairs) == 1:
            # Of whatever is sent the checksum takes this one's place.
            self.tally.checksum = ours.get(pairs[0].source.path)
        return ours, theirs

    def carry_out(self, plan: Plan, removed: Sequence[Entry] = ()) -> Result:
        """Do it, or only say what would be done; ``removed`` goes last.

        Raises:
            TransferFailed: something is in the way; nothing was sent.
            HostError: see `HostFiles`.
        """
        refuse(plan.conflicts, self.directory)
        shipment = Shipment(
            plan,
            self.found,
            self.directory,
            self.look,
            self.wanted,
            self.local,
            self.suffix,
            int(self.meter.wall * 1e9),
        )
        owned = [pair for pair in self._unchanged(plan) if self.wanted.owners.differ(pair.there)]
        self._count(plan, shipment, owned, removed)
        if self.tally.changed and not self.tally.dry_run:
            self._send(plan, shipment, owned, removed)
        return self.tally.result(self.job, self.trail, self.meter)

    # -- doing it

    def _send(
        self, plan: Plan, shipment: Shipment, owned: Sequence[Pair], removed: Sequence[Entry]
    ) -> None:
        self.local.prepare(shipment.files())
        intend(self.setting, self.job, self.trail)
        if plan.in_the_way:
            self.files.remove(self.directory, [entry.path for entry in plan.in_the_way])
        if plan.new or plan.changed:
            self._deliver(shipment)
        changes = [*self._attributes(plan, owned), *self._times_again(plan, removed)]
        if removed:
            self.files.remove(self.directory, [entry.path for entry in removed])
        if changes:
            self.files.set_attributes(self.directory, changes)

    def _deliver(self, shipment: Shipment) -> None:
        delivery = shipment.delivery()
        self.meter.expect(delivery.size)
        all_went = False

        def chunks() -> Iterator[bytes]:
            nonlocal all_went
            yield from self.meter.outgoing(self.local.pulled(shipment.chunks()))
            all_went = True

        try:
            delivered = self.files.deliver(delivery, chunks(), lambda: shipment.sums)
        except ConnectionLost as error:
            if all_went or shipment.plan.in_the_way:
                raise
            # Before its last byte is there, nothing is ever put in place.
            hint = "it broke before everything was sent: nothing was put in place"
            # Behind what is not known there may stand what is: that a stage was left there.
            left = error.hint.partition("; ")[2]
            raise TransferFailed(
                error.message,
                host=self.job.host,
                phase=error.phase,
                hint=f"{hint}; {left}" if left else hint,
            ) from error
        self.tally.backups = [shown(each.kept) for each in delivered.backups]
        single = len(shipment.sums) == 1 and self.look.tools.check is Check.SHA256
        self.tally.checksum = next(iter(shipment.sums.values())) if single else None

    def _attributes(self, plan: Plan, owned: Sequence[Pair]) -> list[Attributes]:
        """What is set of entries that stay."""
        changes = []
        for pair in plan.attributes:
            mode = self.wanted.changed_mode(pair.source, pair.there)
            mtime = pair.source.mtime if self.wanted.finish.preserve else None
            changes.append(
                Attributes(
                    (pair.source.path,), mode if mode != pair.there.mode else None, mtime=mtime
                )
            )
        owners = self.wanted.owners
        if owned:
            names = tuple(pair.source.path for pair in owned)
            changes.insert(0, Attributes(names, owner=owners.user, group=owners.group))
        return _grouped(changes)

    def _times_again(self, plan: Plan, removed: Sequence[Entry]) -> list[Attributes]:
        """Times of directories that were there, and that renames and removals have changed."""
        if not self.wanted.finish.preserve:
            return []
        touched = {
            entry.path.rpartition(b"/")[0]
            for entry in (*plan.new, *(pair.source for pair in plan.changed), *removed)
        }
        made = {entry.path for entry in plan.new}
        found = (self.found.get(path) for path in sorted(touched - made, reverse=True) if path)
        return [
            Attributes((one.entry.path,), mtime=one.entry.mtime)
            for one in found
            if one is not None and one.entry.kind is Kind.DIRECTORY
        ]

    # -- saying it

    def _unchanged(self, plan: Plan) -> list[Pair]:
        """Entries whose bytes stay: those of which an owner may have to be set."""
        if not self.wanted.owners.given:
            return []
        return [*plan.attributes, *plan.unchanged]

    def _count(
        self, plan: Plan, shipment: Shipment, owned: Sequence[Pair], removed: Sequence[Entry]
    ) -> None:
        tally = self.tally
        tally.files = len(shipment.files())
        tally.bytes = sum(one.entry.size for one in shipment.files())
        tally.others = len(plan.new) + len(plan.changed) - tally.files
        attributes = {pair.source.path for pair in (*plan.attributes, *owned)}
        tally.attributes = len(attributes)
        tally.deleted = len(removed) + len(plan.in_the_way)
        tally.unchanged = sum(pair.source.kind is Kind.FILE for pair in plan.unchanged)
        tally.skipped = [f"{shown(e.path)}: {SPECIAL_FILE}" for e in plan.skipped]
        for mark, entries in (
            ("+", plan.new),
            (">", [pair.source for pair in plan.changed]),
            (".", [self.found[path].entry for path in sorted(attributes)]),
            ("-", [*plan.in_the_way, *removed]),
        ):
            for entry in entries:
                tail = "/" if entry.kind is Kind.DIRECTORY else ""
                tally.note(f"{mark} {shown(entry.path)}{tail}")


def refuse(conflicts: Sequence[Conflict], directory: bytes) -> None:
    """Nothing is sent where something is in the way.

    Raises:
        TransferFailed: naming the first of them.
    """
    if not conflicts:
        return
    first = conflicts[0]
    place = directory.rstrip(b"/") + b"/" + first.source.path
    more = f" (and {len(conflicts) - 1} more like it)" if len(conflicts) > 1 else ""
    hint = "name what the link leads to, or remove it" if first.there.kind is Kind.LINK else ""
    raise TransferFailed(f"{shown(place)} {first.why}{more}", hint=hint)


def _grouped(changes: Iterable[Attributes]) -> list[Attributes]:
    """Equal changes of many names become one."""
    groups: dict[tuple[object, ...], list[bytes]] = defaultdict(list)
    kept: dict[tuple[object, ...], Attributes] = {}
    for each in changes:
        key = (each.owner, each.group, each.mode, each.mtime)
        groups[key] += each.names
        kept[key] = each
    return [
        Attributes(tuple(names), kept[key].mode, kept[key].owner, kept[key].group, kept[key].mtime)
        for key, names in groups.items()
    ]
