"""A run that is under way while its caller does something else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import closing
from contextvars import ContextVar
from typing import Any, Self

from opsrun.composition import arguments
from opsrun.composition.run import Run
from opsrun.errors import UsageError
from opsrun.events import Event, Result
from opsrun.report import Report

OnResult = Callable[[Result], object]
"""Called with each result as it comes. What it raises ends the run, and comes out there."""


_LONGEST = 1e9
"""Seconds, 31 years: locks count to not much more."""

_CARRIED: ContextVar[RunHandle | None] = ContextVar("carried", default=None)
"""Whose run the present task carries out."""


def telling(
    events: Generator[Event, None, None], on_result: OnResult | None
) -> Generator[Event, None, None]:
    """The same events; ``on_result`` is called with each result first."""
    with closing(events):
        for event in events:
            if on_result is not None and isinstance(event, Result):
                on_result(event)
            yield event


class RunHandle:
    """A run on a task of its own, a thread as a rule: what a `Fleet` gives for ``wait=False``.

    It can be asked and waited for from any thread. In a ``with`` (``async with``) block the run is
    cancelled if it is still going on at the end of the block, and waited for. In asyncio it can be
    awaited for its report, and iterated with ``async for``; cancelling who awaits it cancels the
    run. A script's end waits for nobody: a run that nobody waited for ends with the process.

    >>> handle = fleet.exec("uname -n", hosts="web", wait=False)
    >>> sorted(result.host for result in handle.results())
    ['web01', 'web02', 'web03']
    >>> handle.done, len(handle.report())
    (True, 3)
    """

    def __init__(
        self,
        run: Run,
        on_result: OnResult | None = None,
        on_end: Callable[[RunHandle], object] = lambda handle: None,
    ) -> None:
        self._run = run
        self._on_end = on_end
        self._report = Report()
        self._error: BaseException | None = None
        self._over = run.engine.event()
        self._lock = run.engine.lock()
        self._listeners: dict[object, Callable[[], None]] = {}
        self._event = run.engine.event
        run.engine.spawn(self._carry_out, on_result)

    def _carry_out(self, on_result: OnResult | None) -> None:
        _CARRIED.set(self)
        try:
            for event in telling(self._run.stream(), on_result):
                self._report.add(event)
                if isinstance(event, Result):
                    self._tell()
        except BaseException as error:
            # A task's body: whoever asks for the report gets it.
            self._error = error
        finally:
            self._over.set()
            self._on_end(self)
            self._tell()

    def _tell(self) -> None:
        with self._lock:
            listeners = list(self._listeners.values())
        for listener in listeners:
            listener()

    def _listen(self, listener: Callable[[], None]) -> object:
        key = object()
        with self._lock:
            self._listeners[key] = listener
        return key

    def _leave(self, key: object) -> None:
        with self._lock:
            self._listeners.pop(key, None)

    @property
    def done(self) -> bool:
        """Whether the run is over, and nothing of it is left."""
        return self._over.is_set()

    def cancel(self) -> None:
        """End the run: what is under way on the hosts is ended, every host gets its result.

        Returns at once; `report` waits for the end. A run that is over stays as it is.
        """
        self._run.stop.cancel("cancelled")

    def join(self) -> None:
        """Wait for the end of the run, whatever it was.

        Raises:
            UsageError: it is the run's own ``on_result`` that asks.
        """
        self._refuse_itself()
        self._over.wait()

    def _refuse_itself(self) -> None:
        if _CARRIED.get() is self and not self.done:
            raise UsageError("on_result can't wait for its own run, which waits for it")

    def report(self, timeout: float | None = None) -> Report:
        """Wait for the end of the run; what it came to.

        Args:
            timeout: seconds to wait at most; the run goes on behind it.

        Raises:
            TimeoutError: it was not over by then.
            UsageError: it is the run's own ``on_result`` that asks; or that is no timeout.
            Exception: what ``on_result`` raised.
        """
        # Of nothing: whether it is over now.
        seconds = arguments.seconds("timeout", timeout) if timeout != 0 else 0.0
        self._refuse_itself()
        if not self._over.wait(seconds if seconds is None else min(seconds, _LONGEST)):
            raise TimeoutError(f"the run was not over within {timeout:g} s")
        if self._error is not None:
            raise self._error
        return self._report

    def results(self) -> Iterator[Result]:
        """Each result as it comes, from the first on; ends with the run.

        Raises:
            UsageError: it is the run's own ``on_result`` that asks.
            Exception: what ``on_result`` raised, behind the last result.
        """
        self._refuse_itself()
        news, position = self._event(), 0
        key = self._listen(news.set)
        try:
            while True:
                news.clear()
                over = self.done
                while position < len(self._report.results):
                    position += 1
                    yield self._report.results[position - 1]
                if over:
                    self.report()
                    return
                news.wait()
        finally:
            self._leave(key)

    def __iter__(self) -> Iterator[Result]:
        return self.results()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.cancel()
        self.join()

    def __repr__(self) -> str:
        state = "over" if self.done else "under way"
        return f"<RunHandle {self._run.id}: {state}, {len(self._report)} results>"

    def __await__(self) -> Generator[Any, None, Report]:
        return self._awaited().__await__()

    async def _awaited(self) -> Report:
        await self._until_over(self.cancel)
        return self.report()

    async def _until_over(self, when_cancelled: Callable[[], None]) -> None:
        from opsrun.api.aside import from_elsewhere, shielded

        over, tell = from_elsewhere()
        key = self._listen(lambda: tell() if self.done else None)
        try:
            if not self.done:
                await shielded(over, when_cancelled)
        finally:
            self._leave(key)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.cancel()
        await self._until_over(self.cancel)

    async def __aiter__(self) -> AsyncIterator[Result]:
        from opsrun.api.aside import from_elsewhere

        position = 0
        while True:
            news, tell = from_elsewhere()
            key = self._listen(tell)
            try:
                over = self.done
                while position < len(self._report.results):
                    position += 1
                    yield self._report.results[position - 1]
                if over:
                    self.report()
                    return
                await news
            finally:
                self._leave(key)
