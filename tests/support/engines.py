"""Which engine this process can have."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from opsrun.engine.base import Engine


def is_gevent() -> bool:
    """Whether tests/tools/pytest_gevent.py patched this process."""
    if "gevent.monkey" not in sys.modules:
        return False
    from opsrun.engine.greenlets import is_patched

    return is_patched()


def make_engine() -> Engine:
    """Greenlets in a patched process, else threads."""
    if is_gevent():
        from opsrun.engine.greenlets import GreenletEngine

        return GreenletEngine()
    from opsrun.engine.threads import ThreadEngine

    return ThreadEngine()


def native_threads() -> int:
    """Threads of this process as the kernel counts them, greenlets not among them."""
    import os

    return len(os.listdir("/proc/self/task"))


def until(engine: Engine, condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Let other tasks run until ``condition`` holds; only a broken one takes so long."""
    # Not the engine's clock, which tests put forward.
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        engine.event().wait(0.001)
