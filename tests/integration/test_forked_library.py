"""A process that is forked while a fleet keeps its connections open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from opsrun.lab import Lab

SCRIPT = """
import os, sys
from opsrun import Fleet, UsageError

def child():
    try:
        fleet.exec("true", "web01")
    except UsageError as error:
        print("child:", error, flush=True)
    own = Fleet(sys.argv[1]).exec("echo own", "web01")
    print("child:", own["web01"].out, end="", flush=True)
    fleet.__exit__(None, None, None)

with Fleet(sys.argv[1]) as fleet:
    print(fleet.exec("echo $PPID", "web01")["web01"].out, end="", flush=True)
    pid = os.fork()
    if not pid:
        child()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    print(fleet.exec("echo $PPID", "web01")["web01"].out, end="")
"""


def test_a_forked_process_keeps_off_the_connections(few_hosts: Lab, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, str(script), str(few_hosts.inventory)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    before, refused, own, status, after = ended.stdout.splitlines()
    assert refused.startswith("child: this Fleet's connections belong to the process that this")
    assert (own, status) == ("child: own", "0")
    assert after == before, "over the same connection, which the child didn't close"
