"""What checks may look at in a run: its hosts, others of the inventory, and any address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsrun.adhoc.base import Job
from opsrun.inventory import Host, Inventory

if TYPE_CHECKING:
    from opsrun.adhoc.checks.group import GroupCheck
    from opsrun.composition.probes import Probes


@dataclass(frozen=True, slots=True)
class Groups:
    """Hosts that checks look at, whether they are the run's or not."""

    members: Mapping[str, tuple[str, ...]]
    """Names, by pattern."""
    beside: tuple[Host, ...] = ()
    """Those that are none of the run's, each once."""

    @classmethod
    def of(
        cls, checks: Iterable[GroupCheck], inventory: Inventory, hosts: Iterable[Host]
    ) -> Groups:
        """Look the patterns up; what the run is limited to doesn't hold for them.

        Raises:
            PatternError: a pattern is malformed, or selects no host.
            UsageError: it selects fewer than the check is to hold on.
        """
        members: dict[str, tuple[str, ...]] = {}
        found: dict[str, Host] = {}
        for check in checks:
            selected = inventory.select(check.pattern)
            check.needed(len(selected))
            members[check.pattern] = tuple(host.name for host in selected)
            found |= {host.name: host for host in selected}
        for host in hosts:
            found.pop(host.name, None)
        return cls(members, tuple(found.values()))


class Prospect:
    """The means of one run: see `Means` and `Outlook`.

    Args:
        probes: look at hosts from here.
        jobs: of all hosts, the run's own and those that are looked at.
        groups: who belongs to which pattern.
        spare: see `Outlook`.
    """

    def __init__(self, probes: Probes, jobs: Sequence[Job], groups: Groups, spare: int) -> None:
        self._jobs = jobs
        self._groups = groups
        self.spare = spare
        self.probe_tcp = probes.probe_tcp
        self.scan_keys = probes.scan_keys
        self.address = probes.address
        self.dial = probes.dial

    def jobs_of(self, pattern: str) -> Sequence[Job]:
        """See `Outlook.jobs_of`."""
        by_name = {job.host: job for job in self._jobs}
        return [by_name[name] for name in self._groups.members[pattern]]
