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
    watch = _watcher()
    process: subprocess.Popen[bytes] = _own_module().Popen(argv, **options)
    watch(process.pid)
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


def _watcher() -> Callable[[int], object]:
    """To be called with a child's pid, at once: has gevent keep the child's status.

    gevent's SIGCHLD handler reaps every child there is, in its loop. It has to be there before the
    child is, and nothing may run in the loop until the child is known.
    """
    gevent = sys.modules.get("gevent")
    patched = sys.modules.get("gevent.os")
    if gevent is None or patched is None or not gevent.get_hub().loop.default:
        # Only the main thread's loop watches children.
        return lambda pid: None
    gevent.get_hub().loop.install_sigchld()
    return lambda pid: patched.fork_and_watch(fork=lambda: pid)
