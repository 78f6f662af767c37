"""Small commands of our own, asked over a connection that is there."""

from __future__ import annotations

from opsrun.adhoc.base import Job, Setting
from opsrun.remote.boot import ASK, Boot
from opsrun.remote.capture import Capture
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.connection import Connection
from opsrun.remote.running import Running

PATIENCE = 15.0
"""Seconds that such a command may take."""

_KEEP = 4096
_BOOT = Command(ASK, timeout=PATIENCE)


def ask(setting: Setting, job: Job, connection: Connection, command: Command) -> CommandResult:
    """Run ``command`` to its end; of each stream the first 4 KiB are kept.

    Raises:
        HostError: see `Running.run`.
    """
    stdout, stderr = (Capture(_KEEP, setting.budget) for _ in range(2))
    running = Running(command, stdout, stderr, setting.engine.now)
    with setting.stop.closing(running.interrupt):
        return running.run(connection, setting.stop, job.host)


def ask_boot(setting: Setting, job: Job, connection: Connection) -> Boot | None:
    """What the host shows of its latest start; None where it shows nothing.

    Raises:
        HostError: it could not be asked, or did not answer in time.
    """
    answer = ask(setting, job, connection, _BOOT)
    return Boot.parse(answer.stdout.decode(errors="replace"))
