"""Whether hosts can be reached, and are who they say: `ping`, `wait` and `trust` of a `Fleet`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

from opsrun.api.begin import Beginning
from opsrun.api.core import Pattern
from opsrun.api.fleet_options import PathLike
from opsrun.api.handle import RunHandle
from opsrun.composition import arguments
from opsrun.composition.actions import TrustAction
from opsrun.engine.dispatch import Plan
from opsrun.report import Report


class Readiness(Beginning):
    """Methods that run nothing on the hosts."""

    @overload
    def ping(
        self,
        hosts: Pattern | None = None,
        *,
        count: int = 1,
        patience: float | None = None,
        wait: Literal[True] = True,
    ) -> Report: ...

    @overload
    def ping(
        self,
        hosts: Pattern | None = None,
        *,
        count: int = 1,
        patience: float | None = None,
        wait: Literal[False],
    ) -> RunHandle: ...

    def ping(
        self,
        hosts: Pattern | None = None,
        *,
        count: int = 1,
        patience: float | None = None,
        wait: bool = True,
    ) -> Report | RunHandle:
        """Log in to every host and measure the round trip; see `opsrun.adhoc.ping.Ping`.

        >>> fleet.ping("db01")["db01"].data["round_trip"] > 0
        True

        Args:
            hosts: as for `Fleet.exec`.
            count: round trips over the one login of each host.
            patience: seconds to keep trying; None tries once.
            wait: as for `Fleet.exec`.
        """
        _no_seconds(wait)
        return self._carry_out(lambda: self._begin_ping(hosts, count, patience), {}, wait)

    @overload
    def wait(
        self,
        conditions: str | Sequence[str],
        hosts: Pattern | None = None,
        *,
        timeout: float | None = 60.0,
        any_of: int | None = None,
        wait: Literal[True] = True,
    ) -> Report: ...

    @overload
    def wait(
        self,
        conditions: str | Sequence[str],
        hosts: Pattern | None = None,
        *,
        timeout: float | None = 60.0,
        any_of: int | None = None,
        wait: Literal[False],
    ) -> RunHandle: ...

    def wait(
        self,
        conditions: str | Sequence[str],
        hosts: Pattern | None = None,
        *,
        timeout: float | None = 60.0,
        any_of: int | None = None,
        wait: bool = True,
    ) -> Report | RunHandle:
        """Wait until every host meets every condition: ``"ssh"``, ``"tcp:5432"``; docs/gates.md.

        >>> fleet.wait("ssh", hosts="web", timeout=60).exit_status()
        0
        >>> up = fleet.wait("ssh", hosts="db01", wait=False)  # and do something else meanwhile
        >>> up.report(timeout=60).exit_status()
        0

        Args:
            conditions: one, or several that are waited for one after the other.
            hosts: as for `Fleet.exec`.
            timeout: seconds in all; None waits for ever.
            any_of: so many of the conditions are enough, and all are tried at once.
            wait: False returns at once, with a `RunHandle` that has the hosts as they are ready.

        Raises:
            UsageError: a condition can't be understood.
            PatternError: a condition looks at hosts that there are not.
        """
        return self._carry_out(
            lambda: self._begin_wait(conditions, hosts, timeout, any_of), {}, wait
        )

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


def _no_seconds(wait: object) -> None:
    """As `opsrun ping` spells the option, seconds would be what is meant."""
    if not isinstance(wait, bool):
        raise arguments.wrong("wait", "True or False (patience takes seconds)", wait)
