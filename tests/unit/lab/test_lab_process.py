"""Processes: recognised by more than their number, and ended with all that they started."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from opsrun.errors import LabError
from opsrun.lab.process import TAG, Marks, ProcessId, end, find, identify, reap, spawn

NOTHING = re.compile(rb"(?!)")


@contextmanager
def waiting(script: str = "read line", **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A shell that says "ready" once ``script`` comes to its last command."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], **env},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def line_of(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def known(pid: int) -> ProcessId:
    found = identify(pid)
    assert found is not None
    return found


def test_a_process_is_itself_and_nobody_else() -> None:
    us = known(os.getpid())
    assert us.running
    assert not replace(us, started=us.started - 1).running
    assert not replace(us, boot="another").running
    assert not replace(us, pid=2**22 + 1).running


def test_a_name_with_parentheses_does_not_confuse() -> None:
    # PR_SET_NAME is 15: see prctl(2).
    script = (
        "import ctypes; ctypes.CDLL(None).prctl(15, b') Z 1 (', 0, 0, 0);"
        "print(1, flush=True); input()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        line_of(process)
        assert known(process.pid).running
        process.kill()


def test_a_zombie_does_not_run(tmp_path: Path) -> None:
    started = spawn(("/bin/true",), {}, tmp_path / "log")
    os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
    assert not started.running
    assert identify(started.pid) is None
    assert reap(started.pid)
    assert not reap(started.pid)


def test_what_a_server_says_goes_to_its_log(tmp_path: Path) -> None:
    argv = ("/bin/sh", "-c", "echo out; echo err >&2; cat; echo $X; umask")
    started = spawn(argv, {"X": "y"}, tmp_path / "log")
    os.waitpid(started.pid, 0)
    assert (tmp_path / "log").read_text().split()[:3] == ["out", "err", "y"]
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600


def test_a_program_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="can't start /no/sshd: No such file"):
        spawn(("/no/sshd",), {}, tmp_path / "log")


def test_found_by_descent() -> None:
    with waiting("sh -c 'sh -c \"echo \\$\\$; read x; :\"; :'; :") as shell:
        grandchild = int(line_of(shell))
        found = {process.pid for process in find(Marks((known(shell.pid),), NOTHING, "-"))}
        assert {shell.pid, grandchild} <= found
        assert os.getpid() not in found


def test_found_by_environment_after_leaving_the_family() -> None:
    with waiting(
        "exec 3<&0; setsid sh -c 'echo $$; read x <&3; :' & wait", **{TAG: "mine"}
    ) as shell:
        orphan = known(int(line_of(shell)))
        assert orphan in find(Marks((), NOTHING, "mine"))
        assert orphan not in find(Marks((), NOTHING, "min"))
        assert orphan not in find(Marks((), NOTHING, "mine2"))


def test_found_by_command_line() -> None:
    with waiting("exec sh -c 'echo; read x; :' a.conf b") as shell:
        line_of(shell)
        assert known(shell.pid) in find(Marks((), re.compile(rb"\0a\.conf\0"), "-"))
        assert known(shell.pid) not in find(Marks((), re.compile(rb"\0x\.conf\0"), "-"))


def test_a_number_that_was_given_out_again_is_left_alone() -> None:
    with waiting("echo; read x") as bystander:
        line_of(bystander)
        stale = replace(known(bystander.pid), started=1)
        marks = Marks((stale,), NOTHING, "-")
        assert find(marks) == set()
        assert end(marks) == set()
        assert bystander.poll() is None


def test_everything_ends_however_stubborn() -> None:
    script = (
        "exec 3<&0; trap '' TERM INT HUP; setsid sh -c 'trap \"\" TERM; echo $$; read x <&3; :' & "
        "echo $$; read x; wait; :"
    )
    with waiting(script, **{TAG: "stubborn"}) as shell, waiting("echo; read x") as bystander:
        line_of(bystander)
        pids = {int(line_of(shell)), int(line_of(shell))}
        everyone = {known(pid) for pid in pids}
        assert end(Marks((known(shell.pid),), NOTHING, "stubborn")) == set()
        assert not any(process.running for process in everyone)
        assert bystander.poll() is None


def test_we_never_end_ourselves(monkeypatch: pytest.MonkeyPatch) -> None:
    us = known(os.getpid())
    assert end(Marks((us,), NOTHING, "-")) == set()
    assert us.running
