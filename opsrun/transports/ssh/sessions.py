"""Session channels of one connection, in claim: servers allow so many at once (MaxSessions).

OpenSSH allows ten by default, tells nobody, and refuses the next one in words that could mean
anything (sshd_config(5); RFC 4254 section 5.1). So the number is learnt from refusals.
"""

from __future__ import annotations

from bisect import insort
from itertools import count

from opsrun.engine.base import Engine
from opsrun.remote.deadline import Deadline


class Claim:
    """To a session channel; made by `Sessions.claim`."""

    def __init__(self, number: int, engine: Engine) -> None:
        self.number = number
        self.granted = False
        """The server may be asked."""
        self.event = engine.event()
        self.closed_before = 0
        """Closes that had gone out when the server was asked."""
        self.settled_before = 0
        """Closes of which it was known then that the server had acted on them."""


class Sessions:
    """Who has a session channel of a connection, and who waits for one, in the order of coming.

    The link's thread tells of answers, the users' tasks of everything else. An answer proves that
    the server has acted on all that was sent before the question, but not that it had when it
    answered: OpenSSH frees a closed channel's place only once it has read all that has arrived. So
    a refusal says no more than that the open channels and those closed lately were too many.

    No more questions are under way than the channels that were open at once so far: the limit is
    met with few refusals, and costs none that was to be expected.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = engine.lock()
        self._numbers = count()
        self._queue: list[Claim] = []
        self._asked: dict[int, Claim] = {}
        self._left: dict[int, Claim] = {}
        """Asked for, and given up before the answer."""
        self._open: set[int] = set()
        self._granted = 0
        """Claims that may ask, and have not yet."""
        self._most = 1
        self._closed = 0
        self._settled = 0
        self.limit: int | None = None
        """Channels that the server allows at once, as far as its refusals tell."""
        self.over = False

    # -- asked by the users

    def claim(self) -> Claim:
        """A claim, queued behind those that wait."""
        with self._lock:
            claim = Claim(next(self._numbers), self._engine)
            self._queue.append(claim)
            self._grant()
        return claim

    def wait(self, claim: Claim, deadline: Deadline) -> bool:
        """Wait for a grant; False, and the claim is gone, once it is too late.

        That is at the deadline, or at the connection's end.
        """
        try:
            while not claim.granted and not self.over:
                if not claim.event.wait(deadline.remaining()):
                    break
                claim.event.clear()
        except BaseException:
            self.withdraw(claim)
            raise
        if claim.granted and not self.over:
            return True
        # A grant in this very moment is passed on to the next one.
        self.withdraw(claim)
        return False

    def withdraw(self, claim: Claim) -> None:
        """Drop a claim that has not asked."""
        with self._lock:
            if claim.granted:
                claim.granted = False
                self._granted -= 1
            elif claim in self._queue:
                self._queue.remove(claim)
            self._grant()

    def ask(self, claim: Claim, chanid: int) -> None:
        """The server is about to be asked for channel ``chanid``, for a claim that was granted."""
        with self._lock:
            claim.granted = False
            self._granted -= 1
            claim.closed_before, claim.settled_before = self._closed, self._settled
            self._asked[chanid] = claim

    def close(self, chanid: int) -> None:
        """The server was told that ``chanid`` is closed; unknown channels are nobody's concern."""
        with self._lock:
            if chanid in self._open:
                self._open.discard(chanid)
                self._closed += 1
                self._grant()

    def leave(self, chanid: int) -> None:
        """Nobody waits for the answer about ``chanid`` any more."""
        with self._lock:
            claim = self._asked.pop(chanid, None)
            if claim is not None:
                self._left[chanid] = claim
                self._grant()

    @property
    def open(self) -> int:
        """Channels that are open."""
        return len(self._open)

    # -- told by the link's thread

    def opened(self, chanid: int) -> None:
        """The server opened ``chanid``."""
        with self._lock:
            claim = self._asked.pop(chanid, None) or self._left.pop(chanid, None)
            if claim is None:
                return
            self._open.add(chanid)
            self._settled = max(self._settled, claim.closed_before)
            self._most = max(self._most, len(self._open))
            if self.limit is not None:
                self.limit = max(self.limit, len(self._open))
            self._grant()

    def refused(self, chanid: int) -> bool:
        """The server refused ``chanid``; whether the claim is queued again.

        It is unless nothing of this connection's could have been in its way.
        """
        with self._lock:
            asked = self._asked.pop(chanid, None)
            claim = asked or self._left.pop(chanid, None)
            if claim is None:
                return False
            at_most = len(self._open) + self._closed - claim.settled_before
            self._settled = max(self._settled, claim.closed_before)
            if self._open:
                self.limit = min(self.limit or at_most, at_most)
            again = asked is not None and at_most > 0
            if again:
                insort(self._queue, claim, key=lambda each: each.number)
            self._grant()
            return again

    def end(self) -> None:
        """The connection is over; whoever waits is told."""
        with self._lock:
            self.over = True
            waiting = list(self._queue)
        for claim in waiting:
            claim.event.set()

    # -- with the lock held

    def _grant(self) -> None:
        while self._queue and self._has_room():
            claim = self._queue.pop(0)
            claim.granted = True
            self._granted += 1
            claim.event.set()

    def _has_room(self) -> bool:
        under_way = len(self._asked) + self._granted
        if under_way >= self._most:
            return False
        return self.limit is None or len(self._open) + under_way < self.limit
