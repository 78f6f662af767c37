"""Waiting on behalf of a run's hosts: gates of one host's own, and those that many wait at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from opsrun.adhoc.base import Job, Setting
from opsrun.adhoc.checks.base import Attempt, Check, Sight, placed
from opsrun.adhoc.checks.group import GroupCheck
from opsrun.adhoc.checks.log import LogCheck
from opsrun.adhoc.checks.login import LoginCheck
from opsrun.adhoc.lines import Shelf
from opsrun.adhoc.outlook import Outlook
from opsrun.adhoc.shared import SharedGates
from opsrun.adhoc.sight import HostSight
from opsrun.engine.dispatch import Slot
from opsrun.engine.enough import Enough
from opsrun.engine.gates import Gate, Progress
from opsrun.engine.prober import is_final
from opsrun.engine.stop import Stop
from opsrun.errors import WAITING, Cancelled, GateTimeout, HostError, UsageError
from opsrun.events import Waiting
from opsrun.remote.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is waited for.

    Raises:
        UsageError: nothing is, or more checks are to be enough than there are.
    """

    checks: tuple[Check, ...]
    timeout: float | None = 60.0
    """Seconds in all; None for no limit."""
    any_of: int | None = None
    """So many of the checks are enough, and all are tried at once; None for all of them, one
    after the other."""

    def __post_init__(self) -> None:
        if not self.checks:
            raise UsageError("there is nothing to wait for")
        if self.any_of is not None and not 1 <= self.any_of <= len(self.checks):
            known = "1 check" if len(self.checks) == 1 else f"{len(self.checks)} checks"
            raise UsageError(f"any {self.any_of} of {known} can't be waited for")

    def __str__(self) -> str:
        words = ", ".join(map(str, self.checks))
        return words if self.any_of is None else f"any {self.any_of} of: {words}"

    @property
    def needs_shell(self) -> bool:
        """Whether something is run on a host, as the user that commands run as."""
        inner = [one.check if isinstance(one, GroupCheck) else one for one in self.checks]
        return any(check.needs_shell for check in inner)

    @property
    def needs_own_shell(self) -> bool:
        """Whether the shell of the host that waits has a part in it."""
        return any(check.needs_shell or isinstance(check, LoginCheck) for check in self.checks)

    @property
    def groups(self) -> tuple[GroupCheck, ...]:
        """What looks at other hosts than the one that waits."""
        return tuple(check for check in self.checks if isinstance(check, GroupCheck))


class Lookout:
    """Waits until what is wanted holds. One for a run: what many hosts wait for is tried once.

    Args:
        setting: what all workers of the run share.
        outlook: see `Outlook`.
    """

    def __init__(self, setting: Setting, outlook: Outlook) -> None:
        self._setting = setting
        self._outlook = outlook
        self._shelf = Shelf(outlook.spare, setting.engine.lock())
        self._shared = SharedGates(setting)

    def wait(self, job: Job, slot: Slot, wanted: Wanted, data: dict[str, Any]) -> None:
        """Wait, and hold no place meanwhile; what is waited for is said every few seconds.

        Args:
            job, slot: of the host that waits.
            wanted: what it waits for.
            data: gets ``seconds`` and ``attempts`` of each check that held, by its words.

        Raises:
            GateTimeout: it did not hold in time, or never can.
            ConnectionFailed: the host let us not in, and another attempt would not end better.
            BecomeError: the same of the user to become.
            Cancelled: the run ended.
        """
        with self.watching(job, slot) as watch:
            watch.wait(wanted, data)

    @contextmanager
    def watching(self, job: Job, slot: Slot) -> Iterator[Watch]:
        """What waits on behalf of one host while the block runs, and may look before that."""
        sight = HostSight(self._setting, job, slot, self._outlook, self._shelf)
        try:
            yield Watch(self._setting, slot, sight, self._shared)
        finally:
            sight.close()


class Watch:
    """One host's wait."""

    def __init__(self, setting: Setting, slot: Slot, sight: Sight, shared: SharedGates) -> None:
        self._setting = setting
        self._slot = slot
        self._sight = sight
        self._shared = shared
        self._begun: dict[Check, Attempt] = {}

    def note(self, checks: Iterable[Check]) -> None:
        """Have checks that compare begin here: a line of a log counts from now on.

        Raises:
            HostError: phase wait; one can never hold.
            ConnectionFailed, BecomeError: as in `Lookout.wait`.
            Cancelled: the run ended.
        """
        for check in checks:
            if isinstance(check, LogCheck):
                self._begun[check] = attempt = check.attempts(self._sight)
                try:
                    attempt(self._setting.stop)
                except Cancelled:
                    raise
                except UsageError as error:
                    words, host = f"{check}: {error}", self._sight.host
                    raise HostError(words, host=host, phase=WAITING) from error
                except HostError as error:
                    if is_final(error):
                        raise

    def wait(self, wanted: Wanted, data: dict[str, Any]) -> None:
        """See `Lookout.wait`."""
        with self._slot.given_back():
            if wanted.any_of is None:
                self._in_turn(wanted, data)
            else:
                self._several(wanted, wanted.any_of, data)

    def _in_turn(self, wanted: Wanted, data: dict[str, Any]) -> None:
        """One check after the other, within one timeout."""
        deadline = Deadline(WAITING, wanted.timeout, self._setting.engine.now)
        for check in wanted.checks:
            with self._gate(check) as gate:
                progress = self._pass(gate, deadline, own=not check.is_shared)
            data[str(check)] = _figures(progress.elapsed, progress.attempt)

    def _several(self, wanted: Wanted, least: int, data: dict[str, Any]) -> None:
        """All checks at once, until so many hold."""
        engine = self._setting.engine
        deadline = Deadline(WAITING, wanted.timeout, engine.now)
        with ExitStack() as stack:
            gates = [stack.enter_context(self._gate(check)) for check in wanted.checks]
            enough = Enough(str(wanted), gates, least, engine, self._setting.stop)
            stack.callback(enough.leave)
            try:
                self._pass(enough, deadline, own=False)
            finally:
                for place, at in sorted(enough.opened.items()):
                    gate = gates[place]
                    data[gate.name] = _figures(at - deadline.started, gate.attempt)

    @contextmanager
    def _gate(self, check: Check) -> Iterator[Gate]:
        if check.is_shared:
            with self._shared.joined(check, self._sight) as gate:
                yield gate
            return
        # Of this gate alone: when its one waiter gives up, so does the attempt under way.
        stop = Stop(self._setting.engine)
        attempt = placed(check, self._sight, self._begun.get(check))
        gate = Gate(str(check), lambda: attempt(stop), self._setting.engine, stop)
        with self._setting.stop.closing(lambda: stop.cancel("the run ended")):
            gate.start()
            try:
                yield gate
            finally:
                stop.cancel("nobody waits any more")

    def _pass(self, gate: Gate, deadline: Deadline, *, own: bool) -> Progress:
        """Wait at a gate; ``own`` says that what its attempts end with is about this host."""
        try:
            return gate.wait_open(deadline.remaining(), partial(self._tell, gate.name, deadline))
        except GateTimeout as error:
            if self._setting.stop.cancelled:
                raise Cancelled(self._setting.stop.reason, host=self._sight.host) from error
            failure = gate.failure
            if own and isinstance(failure, HostError) and is_final(failure):
                raise failure from error
            raise

    def _tell(self, name: str, deadline: Deadline, progress: Progress) -> None:
        """Time is that of the whole wait, as its limit is."""
        self._setting.emit(
            Waiting(
                self._sight.host,
                name,
                progress.attempt,
                deadline.elapsed(),
                deadline.seconds,
                progress.last_error,
            )
        )


def _figures(seconds: float, attempts: int) -> dict[str, Any]:
    return {"seconds": round(seconds, 3), "attempts": attempts}
