"""The hosts of a group check: looked at side by side, as many as it takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsrun.adhoc.checks.base import Attempt, Sight
from opsrun.engine.base import Engine, Task
from opsrun.engine.prober import is_final
from opsrun.engine.stop import Stop
from opsrun.errors import HostError, OpsrunError

if TYPE_CHECKING:
    from opsrun.adhoc.checks.group import GroupCheck

_SIDE_BY_SIDE = 32
"""Members that are looked at at the same time, at most."""


@dataclass(slots=True)
class _Member:
    sight: Sight
    attempt: Attempt
    failure: OpsrunError | None = None
    """What the latest look ended with."""

    @property
    def is_lost(self) -> bool:
        """It is not looked at again: a wrong password that is tried on and on locks accounts."""
        return self.failure is not None and is_final(self.failure)


class Members:
    """Looks at a group's hosts, all in one go: what held a minute ago may hold no more.

    Args:
        check: what has to hold on how many.
        sights: the hosts.
        engine: runs the looks.

    Raises:
        UsageError: there are fewer hosts than it has to hold on.
    """

    def __init__(self, check: GroupCheck, sights: Sequence[Sight], engine: Engine) -> None:
        self._check = check
        self._members = [_Member(sight, check.check.attempts(sight)) for sight in sights]
        self._needed = check.needed(len(sights))
        self._engine = engine

    def look(self, stop: Stop) -> None:
        """See `Attempt`.

        Raises:
            HostError: it does not hold on enough of them; of one that can't any more, if too many
                can't.
        """
        left = [member for member in self._members if not member.is_lost]
        if len(left) >= self._needed:
            # Those that decide come first: who failed decides against all, who passed for some.
            strict = self._check.least is None
            left.sort(key=lambda member: (member.failure is None) is strict)
            if self._round(left, stop):
                return
        raise self._failure()

    def _round(self, members: Sequence[_Member], stop: Stop) -> bool:
        one = _Round(members, self._needed, self._engine)
        with stop.closing(lambda: one.stop.cancel(stop.reason)):
            return one.run()

    def _failure(self) -> OpsrunError:
        failed = [(member.sight.host, member.failure) for member in self._members if member.failure]
        lost = [failure for _, failure in failed if failure and is_final(failure)]
        if len(self._members) - len(lost) < self._needed:
            return lost[-1]
        if not failed:
            return HostError(f"looked at fewer than {self._needed}")
        host, failure = failed[0]
        words = failure.message if isinstance(failure, HostError) else str(failure)
        more = f", and {len(failed) - 1} more hosts" if len(failed) > 1 else ""
        return HostError(f"{host}: {words}{more}")


class _Round:
    """One look at each of some members, ended as soon as it is decided."""

    def __init__(self, members: Sequence[_Member], needed: int, engine: Engine) -> None:
        self.stop = Stop(engine)
        self._rest = deque(members)
        self._needed = needed
        self._may_fail = len(members) - needed
        self._engine = engine
        self._lock = engine.lock()
        self._passed = 0
        self._bug: BaseException | None = None

    def run(self) -> bool:
        """Whether it holds on enough of them."""
        tasks: list[Task] = []
        try:
            self._spawn(tasks, min(_SIDE_BY_SIDE, len(self._rest)) - 1)
            self._work()
        finally:
            for task in tasks:
                task.join()
        if self._bug is not None:
            raise self._bug
        return self._passed >= self._needed

    def _spawn(self, tasks: list[Task], number: int) -> None:
        for _ in range(number):
            try:
                tasks.append(self._engine.spawn(self._work))
            except RuntimeError:
                # No further thread is to be had: fewer look, and all are looked at.
                return

    def _work(self) -> None:
        while (member := self._next()) is not None:
            try:
                self._look(member)
            except BaseException as error:
                self._bug = error
                self.stop.cancel("a look broke")

    def _next(self) -> _Member | None:
        with self._lock:
            decided = self._passed >= self._needed or self._may_fail < 0 or self.stop.cancelled
            return None if decided or not self._rest else self._rest.popleft()

    def _look(self, member: _Member) -> None:
        try:
            with member.sight.place():
                member.attempt(self.stop)
        except OpsrunError as error:
            # One that was ended says nothing of its host.
            if not self.stop.cancelled:
                self._count(member, error)
        else:
            self._count(member, None)

    def _count(self, member: _Member, failure: OpsrunError | None) -> None:
        with self._lock:
            member.failure = failure
            self._passed += failure is None
            self._may_fail -= failure is not None
            won = self._passed >= self._needed
        if won:
            # Those that still look needn't; where it is decided the other way they may end, so
            # that their connections stay good for the next look.
            self.stop.cancel("enough of them passed")
