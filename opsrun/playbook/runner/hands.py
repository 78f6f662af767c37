"""A host's hands within a task: with a limit on the whole, and intent written down first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TypeVar

from opsrun.errors import Cancelled, CommandTimeout, ConnectionFailed, ConnectionLost
from opsrun.modules.driver import SessionHands
from opsrun.modules.requests import Converse, Fetch, Fetched, Pack, Reconnect, Run, Upload
from opsrun.playbook.actions.base import Pausing
from opsrun.playbook.interfaces import HostShell
from opsrun.playbook.prefetch.answers import Answers, Key, Question
from opsrun.playbook.prefetch.changes import Changes
from opsrun.remote.command import CommandResult
from opsrun.remote.conversing import Conversed
from opsrun.remote.files.delivery import Delivered
from opsrun.remote.ticket import Ticket

Limited = TypeVar("Limited", Run, Converse)
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Early:
    """What was, and can be, asked of a shell ahead of its tasks' turns."""

    answers: Answers
    questions: Callable[[set[Key]], Iterator[tuple[Key, Question]]]
    """See `Answers.fill`."""

    def answer(self, script: str, request: Run) -> CommandResult | None:
        """What came, if it may be used."""
        return self.answers.taken(Question(script, request.data, request.cap))

    def missed(self) -> None:
        """A question had to be asked at its turn."""
        self.answers.asked_in_turn()

    def ask(self, shell: HostShell, *, behind: bool = False) -> None:
        """Ask what comes next, as far as that is worth it; see `Answers.fill`."""
        self.answers.fill(shell, self.questions, behind=behind)


class TaskHands:
    """`opsrun.modules.driver.Hands` over a leased shell.

    Args:
        shell: the host.
        environment: exported to the user's own commands.
        pausing: waits.
        now: monotonic seconds.
        limit: seconds that the whole action may take; None for no limit.
        intent: called before anything that may change the host goes out.
        changes: told of it, too.
        early: answers to what was asked ahead, and what can be asked next; None: nothing is.
    """

    def __init__(
        self,
        shell: HostShell,
        environment: dict[str, str],
        pausing: Pausing,
        now: Callable[[], float],
        limit: float | None,
        intent: Callable[[], None],
        changes: Changes,
        early: Early | None = None,
    ) -> None:
        self._shell = shell
        self._pausing = pausing
        self._now = now
        self._ends = None if limit is None else now() + limit
        self.limit = limit
        self._intent = intent
        self._changes = changes
        self._early = early
        self._asked = self._hit = False
        self._below = SessionHands(shell, environment)
        self.elsewhere: TaskHands | None = None
        """The task's own host, where the task is delegated to another and is about both."""
        self.sent = False
        """Something that may have changed the host went out, or was about to."""
        self.changed = False
        """The host has answered to something that may have changed it."""

    @property
    def any_sent(self) -> bool:
        """See `sent`; also of the other host."""
        return self.sent or (self.elsewhere is not None and self.elsewhere.sent)

    @property
    def any_changed(self) -> bool:
        """See `changed`; also of the other host."""
        return self.changed or (self.elsewhere is not None and self.elsewhere.changed)

    def limit_to(self, seconds: float) -> None:
        """What is still to be done may take so long, counted from now."""
        ends = self._now() + seconds
        if self._ends is None or ends < self._ends:
            self._ends, self.limit = ends, seconds

    def run(self, request: Run) -> CommandResult:
        """See `Hands.run`."""
        if request.effect == "changes":
            work = lambda: self._below.run(self._limited(request))  # noqa: E731
            return self._changing(work, behind=not request.away)
        if request.take is not None or request.apart or request.away:
            self._settle()
            return self._below.run(self._limited(request))
        return self._told(request)

    def _told(self, request: Run) -> CommandResult:
        """What the host says to a script that only reads: maybe it was asked earlier."""
        early = self._early
        if early is None:
            return self._below.run(self._limited(request))
        if self._asked:
            # What a task asks for second depends on the first answer: it is never asked ahead.
            return self._waited(self._below.send(self._limited(request)), request)
        self._asked = True
        with self._untimed():
            answer = early.answer(self._below.script(request), request)
        limited = self._limited(request)
        if answer is not None and self._in_time(answer, limited):
            self._hit = True
            return answer
        ticket = self._below.send(limited)
        early.missed()
        early.ask(self._shell)
        return self._waited(ticket, request)

    def _in_time(self, answer: CommandResult, limited: Run) -> bool:
        """Whether it would have come within the task's limit, had it been asked at its turn."""
        return limited.timeout is None or answer.duration <= limited.timeout

    def _waited(self, ticket: Ticket, request: Run) -> CommandResult:
        """What a script that only reads says. It may stand behind what was asked ahead: should the
        session end with one of those, it is asked anew, for it never had its turn."""
        before, standing = self._now(), not ticket.begun
        try:
            answer = ticket.result()
        except ConnectionLost:
            if ticket.begun:
                raise
            self._settle()
            self._put_off(self._now() - before)
            return self._below.run(self._limited(request))
        if standing:
            self._put_off(max(0.0, self._now() - before - answer.duration))
        return answer

    def _put_off(self, seconds: float) -> None:
        """So long others were waited for: that is no time of this task's."""
        if self._ends is not None:
            self._ends += seconds

    @contextmanager
    def _untimed(self) -> Iterator[None]:
        """What was asked ahead is waited for within the block."""
        before = self._now()
        try:
            yield
        finally:
            self._put_off(self._now() - before)

    def raw(self, request: Run) -> CommandResult:
        """See `Hands.raw`."""
        if request.effect == "changes":
            return self._changing(lambda: self._below.raw(self._limited(request)))
        return self._below.raw(self._limited(request))

    def converse(self, request: Converse) -> Conversed:
        """See `Hands.converse`."""
        return self._changing(lambda: self._below.converse(self._limited(request)))

    def upload(self, request: Upload) -> Delivered:
        """See `Hands.upload`."""
        return self._changing(lambda: self._below.upload(request))

    def fetch(self, request: Fetch) -> Fetched:
        """See `Hands.fetch`."""
        self._settle()
        return self._below.fetch(request)

    def pack(self, request: Pack) -> Mapping[bytes, str]:
        """See `Hands.pack`."""
        self._settle()
        return self._below.pack(request)

    def sleep(self, seconds: float) -> None:
        """See `Hands.sleep`."""
        self._changes.touch()
        if self._pausing.wait(seconds):
            raise Cancelled("the run was ended", phase="run")

    def reconnect(self, request: Reconnect) -> None:
        """See `Hands.reconnect`: tried until a shell answers."""
        self._changes.touch()
        self._shell.forget()
        ends = self._now() + request.timeout
        self.sleep(request.delay)
        while True:
            try:
                self._shell.session.run(":", request.attempt_timeout)
                return
            except (ConnectionFailed, CommandTimeout) as error:
                self._shell.forget()
                if self._now() + request.interval >= ends:
                    raise ConnectionFailed(
                        f"did not come back within {request.timeout:g} s: {error}",
                        phase="open",
                    ) from error
            self.sleep(request.interval)

    def _changing(self, work: Callable[[], Answer], *, behind: bool = True) -> Answer:
        self._settle()
        self._intent()
        self.sent = True
        try:
            with self._changes.under_way(), self._asking_behind() if behind else nullcontext():
                answer = work()
        except ConnectionLost:
            # Nobody knows whether it goes on over there.
            self._changes.never_over()
            raise
        self.changed = True
        return answer

    def ended(self) -> None:
        """The task is done: if it had its answer early and changed nothing, there may be more to
        ask. Earlier it would have been too early, for a change makes all answers void."""
        if self._early is not None and self._hit and not self.sent:
            self._early.ask(self._shell)

    @contextmanager
    def _asking_behind(self) -> Iterator[None]:
        """The next tasks' inspections travel with our change, behind it."""
        early = self._early
        if early is None:
            yield
            return
        session = self._shell.session
        session.behind = lambda: early.ask(self._shell, behind=True)
        try:
            yield
        finally:
            session.behind = None

    def _settle(self) -> None:
        if self._early is not None:
            with self._untimed():
                self._early.answers.settle()

    def _limited(self, request: Limited) -> Limited:
        if self._ends is None:
            return request
        left = self._ends - self._now()
        if left <= 0:
            raise CommandTimeout(f"ran longer than {self.limit:g} s")
        if request.timeout is not None and request.timeout < left:
            return request
        return replace(request, timeout=left)
