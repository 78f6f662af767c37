"""Playbooks from their first play to their last, side by side where nobody ordered them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from opsrun.errors import OpsrunError
from opsrun.events import Waiting
from opsrun.playbook.coordinator import BatchRun, Floor, Office, Step
from opsrun.playbook.gating.board import GateBoard, Look, Release, Seat
from opsrun.playbook.gating.lineup import Lineup
from opsrun.playbook.gating.openings import Openings
from opsrun.playbook.messages import RunTask
from opsrun.playbook.model.nodes import Play
from opsrun.playbook.play_run import Desk, PlayRun

_TICK = 1.0
"""Seconds after which a wait without news is looked at: for stops, and for time that is up."""
REPORT_EVERY = 5.0
"""Seconds between two words about one wait at a gate."""


class _Turn:
    """A play under way: what it is at, and what comes then."""

    def __init__(self, play: Play, steps: Generator[Step, Any, str]) -> None:
        self.play = play
        self._steps = steps
        self.step: Step | None = None
        self.left: str | None = None
        """Why no other play is to follow, once it has ended."""

    def go_on(self, came_to: Any = None) -> None:
        """The next step; or the end."""
        try:
            self.step = self._steps.send(came_to)
        except StopIteration as end:
            self.step, self.left = None, end.value


class PlaybookRun:
    """Carries plays out.

    Args:
        office: what the loop of messages works with.
        desk: see `Desk`.
    """

    def __init__(self, office: Office, desk: Desk) -> None:
        self._office = office
        self._desk = desk
        self._gone: dict[str, None] = {}
        """Hosts that failed or were unreachable: later plays leave them out."""

    def run(self, plays: Sequence[Play]) -> str:
        """Carry out ``plays``, until one of them ends all.

        Returns:
            Why something was left undone; empty if all plays came to their ends.

        Raises:
            PlaybookError, UsageError: a play's own keywords can't be used.
        """
        return _Conductor(self._office, self._desk, self._gone, plays).run()


class _Conductor:
    """The loop of one playbook: begins plays, hears answers, opens gates."""

    def __init__(
        self, office: Office, desk: Desk, gone: dict[str, None], plays: Sequence[Play]
    ) -> None:
        self._office = office
        self._desk = desk
        self._gone = gone
        self._lineup = Lineup(plays)
        self._names = {play.index: str(play.name or play.hosts) for play in plays}
        openings = Openings(self._names)
        for play in plays:
            openings.learn(play.index, (*play.blocks, *play.handlers))
        self._board = GateBoard(openings, office.engine.now)
        self._floor = Floor(office, self._board)
        self._turns: dict[int, _Turn] = {}
        self._left = ""
        self._error: OpsrunError | None = None
        self._reported = 0.0

    def run(self) -> str:
        """See `PlaybookRun.run`."""
        try:
            self._loop()
        finally:
            self._floor.close()
        if self._error is not None:
            raise self._error
        return self._left

    def _loop(self) -> None:
        while not self._lineup.is_over:
            if self._office.stop.draining:
                self._give_up()
            if self._begin() or self._advance() or self._move():
                continue
            for turn in self._in_turn():
                if turn.step is not None:
                    turn.step.fill()
            if self._floor.busy or self._board.is_looking:
                self._floor.hear(_TICK)
                self._report()
            elif self._board:
                self._unblock()

    def _give_up(self) -> None:
        reason = self._office.stop.reason or "the run was ended"
        if self._lineup.give_up():
            self._left = self._left or reason

    def _in_turn(self) -> list[_Turn]:
        """The plays under way, each time another one first: they share the floor."""
        turns = list(self._turns.values())
        if len(turns) > 1:
            first = next(iter(self._turns))
            self._turns[first] = self._turns.pop(first)
        return turns

    def _begin(self) -> bool:
        """Begin the plays that may; whether there was one."""
        ready = self._lineup.ready()
        for play in ready:
            beside = bool(self._turns) or len(ready) > 1
            run = PlayRun(self._floor, self._desk, play, self._gone, beside=beside)
            turn = self._turns[play.index] = _Turn(play, run.steps())
            self._go_on(turn)
        return bool(ready)

    def _go_on(self, turn: _Turn, came_to: Any = None) -> None:
        try:
            turn.go_on(came_to)
        except OpsrunError as error:
            # What is under way elsewhere comes to its end first.
            self._error = self._error or error
            turn.step, turn.left = None, str(error)
            self._office.stop.drain(str(error))
        if turn.step is None:
            self._end(turn)

    def _end(self, turn: _Turn) -> None:
        del self._turns[turn.play.index]
        self._board.openings.end(turn.play.index, turn.left or "")
        for play, why in self._lineup.end(turn.play, turn.left or ""):
            self._board.openings.end(play.index, why)
        self._left = self._left or turn.left or ""

    def _advance(self) -> bool:
        """Take every step as far as it goes; whether one of them is over."""
        moved = False
        for turn in list(self._turns.values()):
            step = turn.step
            assert step is not None
            step.advance()
            if step.over is not None:
                moved = True
                self._go_on(turn, step.over)
        return moved

    def _move(self) -> bool:
        """Release those whose wait is over; whether there was anybody."""
        if not self._board:
            return False
        moves = self._board.moves()
        for move in moves:
            if isinstance(move, Look):
                self._office.engine.spawn(self._look, move)
            else:
                self._release(move)
        return any(isinstance(move, Release) for move in moves)

    def _release(self, release: Release) -> None:
        turn = self._turns.get(release.seat.play)
        if turn is not None and isinstance(turn.step, BatchRun):
            turn.step.release(release)

    def _look(self, look: Look) -> None:
        parked = look.seat.parked
        order = RunTask(parked.host, parked.task, parked.turn)
        refused = self._office.runner.look(order, look.wait)
        self._floor.answer(self._looked, (look.seat, refused))

    def _looked(self, message: tuple[Seat, str]) -> None:
        seat, refused = message
        release = self._board.looked(seat, refused)
        if release is not None:
            self._release(release)

    def _unblock(self) -> None:
        """Nothing is under way, and all wait: nobody will ever open what they wait for."""
        for release in self._board.stuck(self._names, self._lineup.behind()):
            self._release(release)

    def _report(self) -> None:
        """Say, every few seconds, what is waited for at gates; checks say so themselves."""
        now = self._office.engine.now()
        if not self._board or now - self._reported < REPORT_EVERY:
            return
        self._reported = now
        for seat in self._board:
            if seat.looking or now - seat.began < REPORT_EVERY:
                continue
            gate = "something" if seat.parked.hidden else ", ".join(seat.wait.what)
            last = "" if seat.parked.hidden else self._board.last_words(seat)
            elapsed = now - seat.began
            self._office.emit(Waiting(seat.host, gate, 0, elapsed, seat.wait.timeout, last))
