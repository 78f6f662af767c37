"""Children are spawned, never forked, whatever has become of `subprocess` in this process.

Python's own `subprocess` starts a child by ``vfork`` and ``exec`` in C: no Python runs in between,
and no lock that another thread holds is copied. gevent's, which ``monkey.patch_all()`` puts in its
place, forks and runs Python in the child, where another thread may hold any lock for ever.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from types import ModuleType
from typing import Any


def spawn(argv: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start a program.

    Args:
        argv: its name and words.
        options: see `subprocess.Popen`; ``preexec_fn``, for which Python has to fork, isn't among
            them.

    Raises:
        OSError: it can't be started.
    """
    assert "preexec_fn" not in options
    if subprocess.Popen.__module__ == "subprocess":
        return subprocess.Popen(argv, **options)
    process: subprocess.Popen[bytes] = _own_module().Popen(argv, **options)
    _watch(process.pid)
    return process


@cache
def _own_module() -> Any:
    """Python's own `subprocess`, loaded again: what is patched are the names in the first one."""
    spec = importlib.util.find_spec("subprocess")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # gevent's close() waits for its loop: the read behind it, which tells whether the program was
    # found, would wait for ever for the end of a pipe that we still hold open ourselves.
    own = ModuleType("os")
    vars(own).update(vars(os), close=_original_close())
    module.os = own
    for name in ("SubprocessError", "CalledProcessError", "TimeoutExpired"):
        # Whoever catches them knows those of the first one.
        setattr(module, name, getattr(subprocess, name))
    return module


def _original_close() -> Callable[[int], None]:
    monkey = sys.modules.get("gevent.monkey")
    return os.close if monkey is None else monkey.get_original("os", "close")


def _watch(pid: int) -> None:
    """Have gevent keep the child's status: its SIGCHLD handler reaps every child there is.

    Nothing has run in gevent's loop since the child was started, so none was reaped yet.
    """
    patched = sys.modules.get("gevent.os")
    if patched is None:
        return
    try:
        patched.fork_and_watch(fork=lambda: pid)
    except TypeError:
        # Only the main thread's loop watches children; in another one nobody reaps them, either.
        pass
