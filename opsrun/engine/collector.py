"""The one consumer of the result queue: numbers the events, feeds the sinks, counts the ends."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from opsrun.engine.base import Engine, Queue
from opsrun.engine.stop import Stop
from opsrun.errors import QUEUED, JournalError, SinkClosed
from opsrun.events import (
    ErrorInfo,
    Event,
    HostStarted,
    Journal,
    NoJournal,
    Notice,
    Outcome,
    Output,
    Progress,
    Result,
    Sink,
    WorkId,
)

QUEUE_SIZE = 1024
"""Events that may wait. An output event holds at most one SSH packet, so this is about 32 MiB."""

TICK = 0.2
"""Seconds of silence after which the sinks, and whoever waits for Ctrl-C, get their turn."""

HELD = 64
"""Events that may wait for the journal, however many follow them: what comes live is shown live."""

_NO_RESULT = ErrorInfo("run", "the worker ended without a result", "this is a bug in opsrun")
_NOT_AWAITED = ErrorInfo("run", "its end was not waited for", "what it did is not known")
_NEVER_STARTED = "never started"


class _Finished:
    """Put into the queue behind the last event."""


class Collector:
    """Takes events from any task, in one place hands them on.

    Every `WorkId` that was announced by `expect` comes out with exactly one `Result`, the last of
    its events: what comes behind it is dropped with a notice, a missing one is made up when the
    stream ends.

    With a journal, no sink and no reader has an event before it is durable there. One that fails is
    left out from there on, the run is drained, and every result is handed on all the same.

    A signal's exception may strike in a sink, or between two of them. The others are given that
    event all the same before it goes on its way, and the next call of `stream` begins with it.

    Args:
        engine: gives the queue.
        sinks: fed in this order. One that raises is dropped and the others are told.
        stop: cancelled when a sink's reader has gone away.
        on_tick: called between events; may raise to end the run.
        journal: has every event first.
    """

    def __init__(
        self,
        engine: Engine,
        sinks: Sequence[Sink],
        stop: Stop,
        on_tick: Callable[[], None] = lambda: None,
        journal: Journal | None = None,
    ) -> None:
        self._journal: Journal = NoJournal() if journal is None else journal
        self._held: deque[tuple[int, Event, bool]] = deque()
        """Numbered, not yet handed on, and whether the stream's reader is to have it."""
        self._queue: Queue[Event | _Finished] = engine.queue(QUEUE_SIZE)
        self._now = engine.now
        self._sinks = list(sinks)
        self._stop = stop
        self._on_tick = on_tick
        self._pending: dict[WorkId, bool] = {}
        self._all_put = False
        self._ending = False
        self._finished = False
        self._seq = 0
        self._unread: deque[Event] = deque()
        """Handed to the sinks, and struck before the reader of the stream had it."""
        self._late: set[WorkId] = set()
        """Work of which something came behind its result, and that was told."""
        self._dropped: list[tuple[Sink, BaseException]] = []
        self._struck: BaseException | None = None
        """What no sink's call may end with, while the other sinks have their turn."""
        self._last_tick = 0.0
        self.closed: SinkClosed | None = None
        """Set once a sink's reader had gone away."""
        self.failures: list[str] = []
        """One line for each sink that failed for another reason."""
        self.untold: list[str] = []
        """Those of them that failed at the last event or behind it, so that no sink could tell."""

    @property
    def wants_output(self) -> bool:
        """Whether anybody reads `Output` events; without a reader they need not be made."""
        return any(sink.wants_output for sink in self._sinks)

    @property
    def reads_results(self) -> bool:
        """Whether a sink may look for output in the results; one that says so doesn't."""
        return any(getattr(sink, "reads_results", True) for sink in self._sinks)

    def expect(self, works: Sequence[WorkId]) -> None:
        """Announce work, before any of its events is emitted."""
        self._pending.update(dict.fromkeys(works, False))

    def emit(self, event: Event) -> None:
        """Queue an event; waits while the queue is full."""
        self._queue.put(event)

    def finish(self) -> None:
        """No event will be emitted any more."""
        self._queue.put(_Finished())
        self._all_put = True

    def stream(self) -> Iterator[Event]:
        """Every event up to `finish`, after the sinks have had it.

        If its reader breaks off, another call goes on where the first one stopped.
        """
        yield from self._settled()
        while not self._finished:
            # Before the queue is asked: what it gives must not be lost to an error of a tick.
            self._tick()
            event = self._queue.get(TICK)
            if event is None:
                # The mark itself is lost if a signal's exception strikes as it is taken.
                self._finished = self._all_put and self._queue.empty()
            elif isinstance(event, _Finished):
                self._finished = True
            elif self._admit(event):
                self._hold(event, read=True)
            # One commit for what has come meanwhile.
            if not self._journal.keeps or len(self._held) >= HELD or self._queue.empty():
                yield from self._settled()
            if self._queue.empty():
                self.flush()
        while self._pending:
            self._hold(self._made_up(*self._pending.popitem()), read=True)
            yield from self._settled()

    def rest(self) -> list[Event]:
        """What is still owed once `stream` is not called again, without waiting for any of it."""
        while self._pending:
            self._hold(self._made_up(*self._pending.popitem()), read=True)
        while self._held:
            try:
                self._settle()
            except BaseException:
                # What broke the stream off is on its way up already.
                pass
        events = list(self._unread)
        self._unread.clear()
        return events

    def _hold(self, event: Event, *, read: bool) -> None:
        self._seq += 1
        self._held.append((self._seq, event, read))
        self._journal.record(self._seq, event)

    def _settled(self) -> Iterator[Event]:
        """Hand on what is held, and give what the stream's reader is to have."""
        self._settle()
        while self._unread:
            yield self._unread.popleft()

    def _settle(self) -> None:
        if self._held and self._journal.keeps:
            self._commit()
        while self._held:
            seq, event, read = self._held.popleft()
            if read:
                self._unread.append(event)
            self._each(lambda sink: sink.handle(seq, event))  # noqa: B023

    def _commit(self) -> None:
        try:
            self._journal.commit(self.pause)
        except JournalError as error:
            journal, self._journal = self._journal, NoJournal()
            self._stop.drain(str(error))
            self.failures.append(str(error))
            self._hold(Notice("error", f"{error}; nothing more is begun"), read=True)
            journal.close()

    def _tick(self) -> None:
        now = self._now()
        if now - self._last_tick < TICK:
            return
        self._last_tick = now
        self._each(lambda sink: sink.tick(now))
        self.pause()

    def pause(self) -> bool:
        """Give whoever waits for Ctrl-C its turn; whether the run is to end."""
        try:
            self._on_tick()
        except BaseException:
            # It has ended the run; what winds the run up must come through.
            self._on_tick = lambda: None
            raise
        return self._stop.cancelled

    def _admit(self, event: Event) -> bool:
        if isinstance(event, Result):
            if self._pending.pop(event.work, None) is not None:
                return True
            self.hand_out(Notice("error", f"a second result for {event.work} was dropped"))
            return False
        if not isinstance(event, (Output, HostStarted, Progress)):
            return True
        if event.work not in self._pending:
            self._tell_late(event.work)
            return False
        if isinstance(event, HostStarted):
            self._pending[event.work] = True
        return True

    def _tell_late(self, work: WorkId) -> None:
        if work not in self._late:
            self._late.add(work)
            self.hand_out(Notice("error", f"what came of {work} behind its result was dropped"))

    def hand_out(self, event: Event) -> None:
        """Number an event and hand it to every sink."""
        self._hold(event, read=False)
        self._settle()

    def flush(self) -> None:
        """Let the sinks write what they have rendered."""
        self._each(lambda sink: sink.flush())

    def leave(self) -> None:
        """Close the sinks of a run that never began: there is nothing to be told."""
        while self._sinks:
            self._drop(self._sinks[0])
        self._journal.close()
        self._go_on()

    def close(self, last: Event) -> None:
        """Hand out the last event of all, flush and close the sinks.

        A sink that fails from here on is told nobody but `untold`.
        """
        self._ending = True
        try:
            self.hand_out(last)
            self.flush()
        finally:
            while self._sinks:
                self._drop(self._sinks[0])
            self._report_dropped()
            self._journal.close()
            self._go_on()

    def _each(self, act: Callable[[Sink], None]) -> None:
        for sink in tuple(self._sinks):
            try:
                act(sink)
            except SinkClosed as error:
                self._drop(sink)
                self.closed = error
                self._stop.cancel("the reader of the output went away")
            except Exception as error:
                self._drop(sink, error)
            except KeyboardInterrupt as error:
                # Not the sink's: it struck while the sink had its turn.
                self._struck = self._struck or error
            except BaseException as error:
                self._drop(sink, error)
                self._struck = self._struck or error
        # Not inside the loop: the other sinks are owed this event before the next number.
        self._report_dropped()
        self._go_on()

    def _go_on(self) -> None:
        struck, self._struck = self._struck, None
        if struck is not None:
            raise struck

    def _drop(self, sink: Sink, known: BaseException | None = None) -> None:
        # By identity: sinks may compare equal.
        self._sinks = [other for other in self._sinks if other is not sink]
        try:
            sink.close()
        except SinkClosed as error:
            self.closed = error
        except Exception as error:
            known = known or error
        except BaseException as error:
            self._struck = self._struck or error
        if known is not None:
            self._dropped.append((sink, known))

    def _report_dropped(self) -> None:
        while self._dropped:
            sink, error = self._dropped.pop(0)
            name = type(sink).__name__
            self.failures.append(f"output {name}: {error}")
            if self._ending:
                self.untold.append(self.failures[-1])
            else:
                self.hand_out(Notice("error", f"output {name} was dropped: {_in_full(error)}"))

    def _made_up(self, work: WorkId, started: bool) -> Result:
        if started:
            why = _NO_RESULT if self._finished else _NOT_AWAITED
            return Result(work.host, work, Outcome.LOST, error=why)
        error = _NO_RESULT
        if self._stop.draining:
            error = ErrorInfo(QUEUED, self._stop.reason, _NEVER_STARTED)
        return Result(work.host, work, Outcome.CANCELLED, error=error)


def _in_full(error: BaseException) -> str:
    if isinstance(error, OSError):
        return str(error)
    detail = "".join(traceback.format_exception(error)).rstrip()
    return f"{error}\n{detail}"
