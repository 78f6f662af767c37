"""Answers to inspections that were sent ahead to one shell of a host, and how far ahead it is worth
to look.

An answer is given out once, to a question that is the same byte for byte, as the same user, as long
as it is young, nothing has changed anywhere since it was asked for, and the shell is still the one
that was asked. All others are thrown away: that costs a round trip, and never a wrong result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from opsrun.errors import HostError
from opsrun.playbook.interfaces import HostShell
from opsrun.playbook.prefetch.changes import Changes
from opsrun.remote.command import CommandResult
from opsrun.remote.session import Ticket

AGE = 3.0
"""Seconds after which an answer is too old."""
SLOW = 1.0
"""Seconds; where an inspection takes longer, no more of them go ahead: they'd be in the way."""
PATIENCE = 5.0
"""Seconds that an inspection may take that nobody waits for; past them its shell is given up."""
CAP = 1 << 20
"""Bytes of each of its streams; what is longer is asked for again at the task's turn."""
MOST = 32
"""Inspections that are ahead of a host's task."""
FIRST = 16
"""The same when a run begins, and nothing is known of it yet."""
PROOF = 8
"""Answers that have to be of use, one after the other, until more are asked again."""
LONGEST = 256 * 1024
"""Bytes of scripts that go ahead in one write."""

Key = tuple[str, int]
"""A task's id, and which item of its loop."""


@dataclass(frozen=True, slots=True)
class Question:
    """A script as the host is to run it."""

    script: str
    data: bytes | None = None
    cap: int | None = None


class Pace:
    """How many inspections may be ahead: more of them while answers are used, fewer after some had
    to be thrown away. One for the run: what changes on one host is likely to change on others."""

    def __init__(self) -> None:
        self.depth = FIRST
        self._in_a_row = 0
        """Uses since the last waste."""
        self._needed = 1
        """So many of them double the depth: where something changes more is likely to."""

    def used(self) -> None:
        """An answer was of use, or would have been."""
        self._in_a_row += 1
        if self._in_a_row >= self._needed:
            self._in_a_row = 0
            self.depth = min(MOST, max(1, 2 * self.depth))

    def wasted(self) -> None:
        """Answers were thrown away."""
        self.depth = min(self.depth // 2, self._in_a_row + 1)
        self._in_a_row = 0
        self._needed = PROOF


@dataclass(frozen=True, slots=True)
class _Asked:
    key: Key
    ticket: Ticket
    token: int
    at: float


class Answers:
    """What was asked ahead of one shell. Used by one task at a time, as the shell is.

    Args:
        changes: of the run.
        pace: of the run.
        now: monotonic seconds.
    """

    def __init__(self, changes: Changes, pace: Pace, now: Callable[[], float]) -> None:
        self._changes = changes
        self._pace = pace
        self._now = now
        self._asked: dict[Question, _Asked] = {}
        self._unread: list[Ticket] = []
        """Tickets whose frames may not have ended."""
        self._calm: int | None = None
        """What had to hold still since the last question that had to be asked at its turn."""
        self._all_asked = False
        """There was nothing more to ask when it was tried last."""
        self._given_up = False
        """An inspection hung, or its shell broke: no task is to wait for another one like it."""

    def taken(self, question: Question) -> CommandResult | None:
        """The answer to a question whose turn has come; None where it has to be asked."""
        self._throw_away()
        asked = self._asked.pop(question, None)
        if asked is None:
            return None
        answer = self._ended(asked.ticket)
        if answer is None:
            return None
        # It may have come while something else began.
        if answer.truncated or not self._fits(asked):
            return None
        self._pace.used()
        return answer

    def asked_in_turn(self) -> None:
        """A question had to be asked: had it been worth it to ask it earlier?"""
        if self._calm is not None and self._changes.holds(self._calm):
            self._pace.used()
        self._calm = self._changes.token()
        self._all_asked = False

    def _room(self, behind: bool) -> int:
        """How many more may be asked; none before half of them have been used. Behind a change one
        is: the next task is likely to need it, and it costs no trip of its own."""
        depth, ahead = max(self._pace.depth, int(behind)), len(self._asked)
        return 0 if self._stops or 2 * ahead > depth else depth - ahead

    @property
    def _stops(self) -> bool:
        return self._all_asked or self._given_up

    def fill(
        self,
        shell: HostShell,
        questions: Callable[[set[Key]], Iterator[tuple[Key, Question]]],
        *,
        behind: bool = False,
    ) -> None:
        """Ask as far ahead as is worth it; waits for nothing.

        Args:
            shell: whose answers these are; it is open.
            questions: told whose answers are there or on their way, gives the others in the order
                of their turns. Nothing is worked out that is not asked.
            behind: they go out behind a change that this shell is still to make.
        """
        self._throw_away()
        token, room, left = self._changes.token(behind=behind), self._room(behind), LONGEST
        if token is None or room <= 0:
            return
        for key, question in questions({asked.key for asked in self._asked.values()}):
            left -= len(question.script) + len(question.data or b"")
            if question in self._asked:
                continue
            if left < 0 or not self._ask(shell, key, question, token):
                return
            room -= 1
            if room <= 0:
                return
        self._all_asked = True

    def _ask(self, shell: HostShell, key: Key, question: Question, token: int) -> bool:
        cap = CAP if question.cap is None else min(CAP, question.cap)
        try:
            ticket = shell.session.send(
                question.script, timeout=PATIENCE, data=question.data, cap=cap, idle=True
            )
        except HostError:
            return False
        self._asked[question] = _Asked(key, ticket, token, self._now())
        self._unread.append(ticket)
        return True

    def settle(self) -> None:
        """Wait until all that was asked has been answered, one way or the other.

        Before anything else goes out: an inspection that hangs must not hold up, or take along,
        what is meant to change the host.
        """
        unread, self._unread = self._unread, []
        for ticket in unread:
            self._ended(ticket)

    def _ended(self, ticket: Ticket) -> CommandResult | None:
        """What came of a question; None if that was an error.

        Whatever it is: it shows again, to the task whose business it is.
        """
        try:
            answer = ticket.result()
        except HostError:
            self._given_up = True
            return None
        self._given_up = self._given_up or answer.duration > SLOW
        return answer

    def _fits(self, asked: _Asked) -> bool:
        young = self._now() - asked.at <= AGE
        return young and self._changes.holds(asked.token) and not asked.ticket.orphaned

    def _throw_away(self) -> None:
        stale = [question for question, asked in self._asked.items() if not self._fits(asked)]
        for question in stale:
            del self._asked[question]
        if stale:
            self._pace.wasted()
            self._all_asked = False
        self._unread = [ticket for ticket in self._unread if not ticket.done]


class Prefetch:
    """What a run has asked ahead, by shell.

    Args:
        changes: of the run.
        now: monotonic seconds.
    """

    def __init__(self, changes: Changes, now: Callable[[], float]) -> None:
        self._changes = changes
        self._now = now
        self._pace = Pace()
        self._of: WeakKeyDictionary[HostShell, Answers] = WeakKeyDictionary()

    def of(self, shell: HostShell) -> Answers:
        """What was asked of a shell, by whoever leases it."""
        found = self._of.get(shell)
        if found is None:
            found = self._of[shell] = Answers(self._changes, self._pace, self._now)
        return found
