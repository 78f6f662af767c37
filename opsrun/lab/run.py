"""Run a local command beside a lab, and end the lab whatever happens to the command or to us."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from opsrun.errors import UsageError
from opsrun.lab.lab import Lab
from opsrun.lab.signals import ENDING


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A folder for one lab, removed after it if the lab has not done so itself."""
    path = Path(tempfile.mkdtemp(prefix="opsrun-lab-"))
    try:
        yield path
    finally:
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def run_beside(lab: Lab, command: Sequence[str]) -> int:
    """Have ``command`` run with ``OPSRUN_INVENTORY`` set to the lab's inventory.

    A lab that is up already is used, and left as it was; any other is up for that time only.

    Args:
        lab: the lab.
        command: a program, looked up on PATH and then beside our own, and its arguments.

    Returns:
        The command's exit status, as a shell would tell it: 128 + N for signal N.

    Raises:
        UsageError: there is no such program.
        LabError: the lab could not be started or ended.
    """
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([env.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    program = shutil.which(command[0], path=env["PATH"])
    if program is None:
        raise UsageError(f"no such command: {command[0]}")
    env["OPSRUN_INVENTORY"] = str(lab.inventory)
    started = False
    try:
        started = lab.up(tied=True)
        return _status_of(program, command, env)
    finally:
        if started:
            lab.down()


def _status_of(program: str, command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run it in the foreground; signals that only we get are passed on to it.

    The terminal sends its signals to the whole foreground group, the command included: those
    have come from the kernel, and a second one could cut the command's own clean-up short.
    """
    watched = {*ENDING, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    try:
        pid = os.posix_spawn(
            program, list(command), env, setsigmask=before, setsigdef=(signal.SIGPIPE,)
        )
        while True:
            told = signal.sigwaitinfo(watched)
            if told.si_signo == signal.SIGCHLD:
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    code = os.waitstatus_to_exitcode(status)
                    return code if code >= 0 else 128 - code
            elif told.si_code <= 0:  # SI_USER and its kin: another process sent it
                os.kill(pid, told.si_signo)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
