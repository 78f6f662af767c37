"""Rendering before a task's turn, to ask its host early.

It may come to nothing, and is done again at the turn; so it must not be noticed: nothing is run,
read from afar, warned of or left to chance. Who would, says so here, and the rendering ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opsrun.errors import OpsrunError

_AHEAD: ContextVar[bool] = ContextVar("_AHEAD", default=False)


class NotAhead(OpsrunError):
    """This can be told at a task's own turn alone."""


@contextmanager
def rendering_ahead() -> Iterator[None]:
    """What this thread, or greenlet, renders within the block is rendered before its turn."""
    token = _AHEAD.set(True)
    try:
        yield
    finally:
        _AHEAD.reset(token)


def not_ahead(what: str) -> None:
    """Raises `NotAhead` if ``what`` would be done before its turn."""
    if _AHEAD.get():
        raise NotAhead(f"{what}: not before the task's turn")
