"""What a run needs of asyncio, whose loop must never be held up. Imported inside a loop only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def from_elsewhere() -> tuple[asyncio.Future[None], Callable[[], None]]:
    """A future of the loop that is running, and what sets it from any other thread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        try:
            loop.call_soon_threadsafe(_set, future)
        except RuntimeError:
            pass  # The loop is closed: nobody waits in it any more.

    return future, tell


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def shielded(future: asyncio.Future[T], cancel: Callable[[], None]) -> T:
    """Await ``future``; when we are cancelled call ``cancel``, and still await it.

    Who awaited a run, and was cancelled, finds nothing of it left.

    Raises:
        asyncio.CancelledError: we were cancelled; ``future`` is done by then.
    """
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if future.cancelled():
            raise
        cancel()
        while not future.done():
            try:
                await asyncio.shield(future)
            except asyncio.CancelledError:
                continue
            except Exception:
                break
        raise


async def off_the_loop(
    spawn: Callable[[Callable[[], None]], object],
    call: Callable[[], T],
    undo: Callable[[T], Awaitable[object]],
) -> T:
    """Make a call that blocks on another thread.

    Args:
        spawn: starts the thread.
        call: what is called there.
        undo: awaited with what the call gave, if we are cancelled meanwhile.

    Raises:
        asyncio.CancelledError: we were cancelled; the call has ended by then.
        Exception: what the call raised.
    """
    given: list[T] = []
    errors: list[BaseException] = []
    over, tell = from_elsewhere()

    def make() -> None:
        try:
            given.append(call())
        except BaseException as error:
            errors.append(error)
        finally:
            tell()

    spawn(make)
    try:
        await shielded(over, lambda: None)
    except asyncio.CancelledError:
        for each in given:
            await undo(each)
        raise
    if errors:
        raise errors[0]
    return given[0]
