"""What hosts take of this machine, by the way to them: counted before the first is reached."""

from __future__ import annotations

from collections.abc import Iterable

from opsrun.composition.ways import Way
from opsrun.engine import tasks
from opsrun.engine.base import Engine
from opsrun.engine.limits import Needs, affordable_forks
from opsrun.transports.targets.target import LocalTarget, ProgramTarget

_OVER_SSH = Needs(files=2, threads=2, processes=0)
_THROUGH_COMMAND = Needs(files=4, threads=3, processes=2)
"""ProxyCommand: its pipes, the task that listens to its errors, itself and what it starts."""
_LOCAL = Needs(files=8, threads=1, processes=2)
"""The shell, and the command that it starts."""
_BECOME = 2
"""sudo or su, and the other user's shell."""
_MANY = 4096
"""Connections that nobody keeps more of."""
_PROGRAMS = {"ssh": 2}
_OVER_SSH_KINDS = ("ssh", "smart", "paramiko", "paramiko_ssh")
_PROGRAMS_BY_KIND = {"ssh_binary": 2}
_CONTAINER_PROGRAM = 12
"""They are written in Go: most of these are threads."""


def needs_of(ways: Iterable[Way]) -> Needs:
    """Enough for each of ``ways``, whichever of them run at the same time."""
    return _most([_OVER_SSH, *(_needs(way) for way in ways)])


def needs_by_kind(kinds: Iterable[str]) -> Needs:
    """Enough for hosts of every kind of connection, by its name; SSH is always among them."""
    every = [_OVER_SSH]
    for kind in kinds:
        bare = kind.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
        if bare in _OVER_SSH_KINDS:
            continue
        processes = _LOCAL.processes + _BECOME if bare == "local" else _PROGRAMS_BY_KIND.get(bare)
        every.append(Needs(_LOCAL.files, _LOCAL.threads, processes or _CONTAINER_PROGRAM))
    return _most(every)


def _most(every: Iterable[Needs]) -> Needs:
    """Enough for each of them."""
    known = tuple(every)
    return Needs(
        files=max(each.files for each in known),
        threads=max(each.threads for each in known),
        processes=max(each.processes for each in known),
    )


def room_beside(forks: int, needs: Needs, engine: Engine) -> int:
    """How many connections may stay open beside those of so many hosts at once; below 0 for none.

    Descriptors and threads are counted, as they are free now.
    """
    per_host = needs.threads * engine.threads_per_task + needs.processes
    by_tasks, _ = tasks.affordable(_MANY, per_host, engine.own_threads)
    return min(affordable_forks(_MANY, needs.files), by_tasks) - forks


def _needs(way: Way) -> Needs:
    target = way.target
    if isinstance(target, LocalTarget):
        processes = _LOCAL.processes + (_BECOME if way.become is not None else 0)
        return Needs(_LOCAL.files, _LOCAL.threads, processes)
    if isinstance(target, ProgramTarget):
        processes = _PROGRAMS.get(target.program, _CONTAINER_PROGRAM)
        return Needs(_LOCAL.files, _LOCAL.threads, processes)
    return _OVER_SSH if target.proxy_command is None else _THROUGH_COMMAND
