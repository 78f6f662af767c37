"""Jobs on real sshd: they go on when the connection, the run and the program have ended."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support.background import finished, opsrun_started
from support.cli import Ran, opsrun

from opsrun.lab import Lab

FIRE = """
- hosts: web01
  gather_facts: false
  tasks:
    - name: connection
      raw: echo $PPID >{{ folder }}/sshd
    - name: fire
      shell: "read x <{{ folder }}/go; echo got $x; exit 3"
      async: {{ limit }}
      poll: {{ poll }}
""".replace("{{ limit }}", "@limit@").replace("{{ poll }}", "@poll@")
LOOK = """
- hosts: web01
  gather_facts: false
  tasks:
    - name: look
      async_status: {jid: "{{ jid }}"}
      register: r
      until: r is finished
      retries: 200
      delay: 0.1
      ignore_errors: true
    - name: clean
      async_status: {jid: "{{ jid }}", mode: cleanup}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "go")
    (tmp_path / "look.yml").write_text(LOOK)
    return tmp_path


def words(lab: Lab, folder: Path, name: str, *more: str) -> list[str]:
    jobs = f"ansible_async_dir={folder}/jobs"
    known = ["-i", str(lab.inventory), "-e", f"folder={folder}", "-e", jobs, "-o", "jsonl"]
    return ["playbook", *known, *more, str(folder / name)]


def play(lab: Lab, folder: Path, name: str, *more: str) -> Ran:
    return opsrun(*words(lab, folder, name, *more), cwd=folder)


def results(ran: Ran, name: str) -> list[dict[str, Any]]:
    return [
        line["result"]
        for line in ran.lines
        if line["type"] == "task_result" and line["name"] == name
    ]


def fire(folder: Path, limit: int, poll: int) -> None:
    text = FIRE.replace("@limit@", str(limit)).replace("@poll@", str(poll))
    (folder / "fire.yml").write_text(text)


def test_a_job_outlives_the_run_that_left_it(few_hosts: Lab, folder: Path) -> None:
    fire(folder, 600, 0)
    [started] = results(play(few_hosts, folder, "fire.yml"), "fire")
    assert (started["started"], started["finished"]) == (1, 0)
    (folder / "go").write_text("it\n")
    ran = play(few_hosts, folder, "look.yml", "-e", f"jid={started['ansible_job_id']}")
    found = results(ran, "look")[-1]
    assert (found["stdout"], found["rc"], found["failed"]) == ("got it", 3, True)
    assert results(ran, "clean")[0]["erased"] == started["results_file"]
    assert list((folder / "jobs").iterdir()) == []


def test_a_job_outlives_the_end_of_the_program_that_waits(few_hosts: Lab, folder: Path) -> None:
    fire(folder, 600, 1)
    running = opsrun_started(*words(few_hosts, folder, "fire.yml"), cwd=folder)
    jobs = folder / "jobs"
    while not list(jobs.glob("*/child")):
        assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    finished(running)
    (folder / "go").write_text("it\n")
    [job] = jobs.iterdir()
    ran = play(few_hosts, folder, "look.yml", "-e", f"jid={job.name}")
    assert results(ran, "look")[-1]["stdout"] == "got it"


def test_whoever_waits_logs_in_again(few_hosts: Lab, folder: Path) -> None:
    fire(folder, 600, 1)
    running = opsrun_started(*words(few_hosts, folder, "fire.yml"), cwd=folder)
    assert running.stdout is not None
    # Not before the first look at the job was answered: then it is known to have begun.
    waits = next(line for line in map(json.loads, running.stdout) if line["type"] == "waiting")
    assert (waits["host"], waits["gate"], waits["timeout"]) == ("web01", "its job", 600)
    # sshd's process of this login, and of no other one.
    os.kill(int((folder / "sshd").read_text()), signal.SIGKILL)
    (folder / "go").write_text("it\n")
    status, out, _ = finished(running)
    [found] = [line["result"] for line in map(json.loads, out.splitlines()) if is_end(line)]
    assert (found["stdout"], found["rc"]) == ("got it", 3)
    assert status == 1


def is_end(line: dict[str, Any]) -> bool:
    return bool(line["type"] == "task_result" and line["name"] == "fire")
