"""Whether hosts can be reached, and are who they say: `ping`, `wait` and `trust` of a `Fleet`."""

from __future__ import annotations

from collections.abc import Sequence

from opsrun.api.begin import Beginning
from opsrun.api.core import Pattern
from opsrun.api.fleet_options import PathLike
from opsrun.api.wanted import wanted_of
from opsrun.composition import arguments
from opsrun.composition.actions import PingAction, TrustAction, WaitAction
from opsrun.engine.dispatch import Plan
from opsrun.report import Report


class Readiness(Beginning):
    """Methods that run nothing on the hosts."""

    def ping(
        self, hosts: Pattern | None = None, *, count: int = 1, wait: float | None = None
    ) -> Report:
        """Log in to every host and measure the round trip; see `opsrun.adhoc.ping.Ping`.

        >>> fleet.ping("db01")["db01"].data["round_trip"] > 0
        True

        Args:
            hosts: a pattern.
            count: round trips over the one login of each host.
            wait: seconds to keep trying; None tries once.
        """
        patience = arguments.seconds("wait", wait)
        action = PingAction(patience, arguments.whole("count", count, least=1))
        selected = self._select(hosts)
        return Report(self.begin(action, selected, Plan(self.options.forks)).stream())

    def wait(
        self,
        conditions: str | Sequence[str],
        hosts: Pattern | None = None,
        *,
        timeout: float | None = 60.0,
        any_of: int | None = None,
    ) -> Report:
        """Wait until every host meets every condition: ``"ssh"``, ``"tcp:5432"``; docs/gates.md.

        >>> fleet.wait("ssh", hosts="web", timeout=60).exit_status()
        0

        Args:
            conditions: one, or several that are waited for one after the other.
            hosts: a pattern.
            timeout: seconds in all; None waits for ever.
            any_of: so many of the conditions are enough, and all are tried at once.

        Raises:
            UsageError: a condition can't be understood.
            PatternError: a condition looks at hosts that there are not.
        """
        wanted = wanted_of("conditions", conditions, timeout, any_of)
        selected = self._select(hosts)
        action = WaitAction(wanted)
        return Report(self.begin(action, selected, Plan(self.options.forks)).stream())

    def trust(self, hosts: Pattern | None = None, *, expect: PathLike) -> Report:
        """Ask hosts for their keys, and record those that a list has; see `Trust`.

        >>> fleet.trust("web", expect="keys.txt").counts()  # what was known before is ok
        Counter({<Outcome.OK: 'ok'>: 3})

        Args:
            hosts: a pattern.
            expect: a file with known_hosts lines or fingerprints, see `Expectations`.

        Raises:
            ConfigError: the file can't be read or understood.
            RunFailed: the keys can't be recorded.
        """
        from opsrun.transports.hostkeys.expect import Expectations
        from opsrun.transports.hostkeys.trust import record

        action = TrustAction(Expectations.read(*arguments.paths("expect", expect)))
        selected = self._select(hosts)
        report = Report(self.begin(action, selected, Plan(self.options.forks)).stream())
        record(action.accepted(host.name for host in selected))
        return report
