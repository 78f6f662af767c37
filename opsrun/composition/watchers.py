"""Waiting for checks on behalf of a playbook's hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from opsrun.adhoc.base import Job, Setting
from opsrun.composition.fleetway import Fleetway
from opsrun.composition.probes import Probes
from opsrun.composition.ways import Way
from opsrun.engine.dispatch import Slot
from opsrun.errors import PatternError, UsageError
from opsrun.events import WorkId
from opsrun.playbook.interfaces import Wish
from opsrun.playbook.messages import Wait

if TYPE_CHECKING:
    from opsrun.adhoc.lookout import Lookout


class Watchers:
    """Waits for checks; one for a run, so that what many hosts wait for is tried once.

    Args:
        setting: what all waits of the run share.
        fleetway: that has the ways to hosts.
        at_once: hosts that are looked at at the same time; who waits for the next look is not.
        spare: connections that may stay open between two looks.
        wishes: how the hosts of a pattern are reached, whether the play is for them or not.
            PatternError.
    """

    def __init__(
        self,
        setting: Setting,
        fleetway: Fleetway,
        at_once: int,
        spare: int,
        wishes: Callable[[str], Sequence[Wish]],
    ) -> None:
        self._fleetway = fleetway
        self._places = setting.engine.semaphore(at_once)
        self._wishes = wishes
        probes = Probes(fleetway)
        self.spare = spare
        self.probe_tcp = probes.probe_tcp
        self.address = probes.address
        self.dial = probes.dial
        self._way: Callable[[Wish], Way] | None = None
        self._setting = setting
        self._lock = setting.engine.lock()
        self._lookout: Lookout | None = None

    def watch(self, way: Way, wait: Wait, way_of: Callable[[Wish], Way]) -> None:
        """See `opsrun.playbook.interfaces.Reach.watch`.

        Args:
            way: to the host that waits.
            wait: for what.
            way_of: makes ways to other hosts.
        """
        from opsrun.adhoc.checks import parse_all
        from opsrun.adhoc.lookout import Wanted

        self._way = way_of
        wanted = Wanted(parse_all(wait.what), wait.timeout, wait.any_of)
        for group in wanted.groups:
            try:
                group.needed(len(self._wishes(group.pattern)))
            except PatternError as error:
                raise UsageError(f"{group}: {error}") from error
        data: dict[str, Any] = {}
        slot = Slot(self._places)
        with slot.taken():
            self._looking_out().wait(self._job(way), slot, wanted, data)

    def _looking_out(self) -> Lookout:
        """The one of the run; few runs wait for anything."""
        from opsrun.adhoc.lookout import Lookout

        with self._lock:
            if self._lookout is None:
                self._lookout = Lookout(self._setting, self)
            return self._lookout

    def _job(self, way: Way) -> Job:
        return self._fleetway.job(way, WorkId(way.host, ("playbook", "wait"), ""))

    def jobs_of(self, pattern: str) -> Sequence[Job]:
        """See `opsrun.adhoc.outlook.Outlook.jobs_of`."""
        assert self._way is not None
        return [self._job(self._way(wish)) for wish in self._wishes(pattern)]
