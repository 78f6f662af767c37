"""A local command beside a lab: ``opsrun lab run``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.background import finished, opsrun_started
from support.processes import mentioning, wait_gone

from opsrun.lab import Lab

ON_A_TERMINAL = """
import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""

COUNTS_INTERRUPTS = """
import os, signal, sys
wanted = {signal.SIGINT, signal.SIGTERM}
signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
print("ready", flush=True)
interrupts = 0
while signal.sigwait(wanted) == signal.SIGINT:
    interrupts += 1
    # What is passed on keeps its order: this comes back after any second interrupt.
    os.kill(os.getppid(), signal.SIGTERM)
sys.exit(40 + interrupts)
"""


@pytest.mark.sshd
@pytest.mark.parametrize(("script", "status"), [("exit 7", 7), ("kill -9 $$", 137)])
def test_run_passes_on_how_the_command_ended(tmp_path: Path, script: str, status: int) -> None:
    command = ("sh", "-c", f'cat "$OPSRUN_INVENTORY" && {script}')
    running = opsrun_started(
        "lab", "run", "--hosts", "1", "--", *command, cwd=tmp_path, TMPDIR=str(tmp_path)
    )
    ended, out, err = finished(running)
    assert (ended, err) == (status, "")
    assert "ansible_host: 127." in out
    assert list(tmp_path.iterdir()) == []
    assert mentioning(tmp_path / "opsrun-lab-") == []


@pytest.mark.sshd
def test_run_uses_a_lab_that_is_up_and_leaves_it_up(tmp_path: Path) -> None:
    with Lab(tmp_path / "lab", hosts=2) as made:
        words = ("lab", "run", "--dir", "lab", "--hosts", "2", "--", "printenv", "OPSRUN_INVENTORY")
        assert finished(opsrun_started(*words, cwd=tmp_path)) == (0, f"{made.inventory}\n", "")
        assert all(row.up for row in made.status())


@pytest.mark.sshd
def test_run_passes_signals_on_and_ends_the_lab(tmp_path: Path) -> None:
    script = "trap 'echo caught; exit 5' TERM; echo $$; while :; do sleep 0.01; done"
    words = ("lab", "run", "--dir", "lab", "--hosts", "1", "--", "sh", "-c", script)
    running = opsrun_started(*words, cwd=tmp_path)
    assert running.stdout is not None
    running.stdout.readline()
    running.terminate()
    assert finished(running) == (5, "caught\n", "")
    assert list(tmp_path.iterdir()) == []
    assert mentioning(tmp_path / "lab") == []


@pytest.mark.sshd
def test_servers_of_a_run_die_with_it(tmp_path: Path) -> None:
    words = ("lab", "run", "--dir", "lab", "--hosts", "2", "--", "sh", "-c", "echo; read x; :")
    running = opsrun_started(*words, cwd=tmp_path)
    assert running.stdout is not None
    running.stdout.readline()
    document = json.loads((tmp_path / "lab" / "lab.json").read_text())
    pids = [server["process"]["pid"] for server in document["servers"]]
    running.kill()
    finished(running)
    assert len(pids) == 2
    assert all(wait_gone(pid) for pid in pids)
    assert Lab(tmp_path / "lab").down()


@pytest.mark.sshd
def test_interrupt_from_the_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    words = ("-m", "opsrun", "lab", "run", "--dir", "lab", "--hosts", "1", "--")
    command = [sys.executable, *words, sys.executable, "-c", COUNTS_INTERRUPTS]
    running = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, *command],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert running.stdin is not None
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\r\n"
    running.stdin.write(b"\x03")
    running.stdin.flush()
    assert running.wait(timeout=60) == 41
    running.communicate()
    assert list(tmp_path.iterdir()) == []
