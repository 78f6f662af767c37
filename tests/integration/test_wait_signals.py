"""Ctrl-C and SIGTERM while hosts wait: everybody is released, and nothing is left on the hosts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.cli import LIMIT, command
from support.processes import wait_gone

HOSTS = "one ansible_connection=local\ntwo ansible_connection=local\n"


def attempts(marks: Path) -> list[int]:
    """The checks that have begun on the hosts, by process."""
    return [int(mark.name) for mark in marks.iterdir() if mark.name.isdigit()]


@pytest.mark.parametrize("engine", ["gevent", "threads"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("kind", ["wait", "any", "ready"])
def test_a_signal_releases_all_who_wait(
    tmp_path: Path, kind: str, number: signal.Signals, status: int, engine: str
) -> None:
    (tmp_path / "hosts.ini").write_text(HOSTS)
    marks = tmp_path / "marks"
    marks.mkdir()
    check = f"cmd:touch {marks}/$$; exec sleep 600"
    words = {
        "wait": ("wait", "--for", check, "--timeout", "600"),
        "any": ("wait", "--for", check, "--for", "file:/nonexistent", "--any", "1"),
        "ready": ("exec", "--when-ready", check, "--", f"touch {tmp_path}/ran"),
    }[kind]
    at = words.index("--") if "--" in words else len(words)
    shared = ("-i", "hosts.ini", "-w", "all", "--engine", engine, "-o", "json")
    process = subprocess.Popen(
        command(*words[:at], *shared, *words[at:]),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    end = time.monotonic() + LIMIT
    while len(attempts(marks)) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "no attempt was made"
        time.sleep(0.01)
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == status, err
    assert b"Traceback" not in err
    results = json.loads(out)["results"]
    assert {each["host"]: each["outcome"] for each in results} == {
        "one": "cancelled",
        "two": "cancelled",
    }
    assert not (tmp_path / "ran").exists()
    assert all(wait_gone(pid) for pid in attempts(marks)), "no check is left on a host"
