"""Tasks with async, on both engines: left to their hosts, looked at, waited for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.playruns import HERE, Ran, run, tasks

from opsrun.modules.background.job import marks


@pytest.fixture
def extra(tmp_path: Path) -> dict[str, Any]:
    return {**HERE, "ansible_async_dir": str(tmp_path / "jobs"), "here": str(tmp_path)}


def play(tmp_path: Path, extra: dict[str, Any], *lines: str, **more: Any) -> Ran:
    return run(tmp_path, tasks(*lines), "h1,h2,", extra=extra, **more)


FIRE = "{name: fire, shell: 'echo done {{ item }}; exit {{ item }}', async: 60, poll: 0, %s}"
LOOK = (
    "{name: look, async_status: {jid: '{{ item.ansible_job_id }}'}, loop: '{{ r.results }}',"
    " register: s, until: s is finished, retries: 100, delay: 0.1, ignore_errors: true}"
)


def test_jobs_of_a_loop_are_looked_at_one_by_one(tmp_path: Path, extra: dict[str, Any]) -> None:
    lines = FIRE % "register: r, loop: [0, 3]", LOOK
    ran = play(tmp_path, extra, *lines)
    for host in ("h1", "h2"):
        first, second = ran.result("look", host)["results"]
        assert (first["rc"], first["stdout"], first["changed"]) == (0, "done 0", True)
        assert (second["rc"], second["stdout"], second["failed"]) == (3, "done 3", True)
        assert first["item"]["started"] == 1
        assert first["item"]["finished"] == 0


def test_a_later_run_reads_it(tmp_path: Path, extra: dict[str, Any]) -> None:
    ran = play(tmp_path, extra, "{name: fire, command: echo hi, async: 60, poll: 0}")
    jid = ran.result("fire", "h2")["ansible_job_id"]
    look = f"{{name: look, async_status: {{jid: {jid}}}, register: s, until: s.finished, delay: 0}}"
    later = play(tmp_path, extra, look, limit="h2")
    assert later.result("look", "h2")["stdout"] == "hi"
    assert later.status == 0


def test_poll_waits_and_leaves_nothing_behind(tmp_path: Path, extra: dict[str, Any]) -> None:
    words = "register: r, failed_when: r.rc == 3"
    line = f"{{name: a, shell: 'echo out; exit 2', async: 60, poll: 1, {words}}}"
    found = play(tmp_path, extra, line).result("a", "h1")
    assert (found["rc"], found["stdout"], found["finished"]) == (2, "out", 1)
    assert found["failed"] is False
    assert list((tmp_path / "jobs").iterdir()) == []


def test_the_limit_ends_a_job_that_is_waited_for(tmp_path: Path, extra: dict[str, Any]) -> None:
    found = play(tmp_path, extra, "{name: a, command: sleep 600, async: 1, poll: 1}")
    assert "within 1 s" in found.msg("a", "h1")
    assert found.ends == {"h1": "failed", "h2": "failed"}


def test_modules_that_stay_with_us_have_async_for_a_limit(
    tmp_path: Path, extra: dict[str, Any]
) -> None:
    ran = play(
        tmp_path,
        extra,
        "{name: a, copy: {content: x, dest: '{{ here }}/a'}, async: 60, poll: 1}",
        "{name: b, copy: {content: x, dest: '{{ here }}/b'}, async: 60, poll: 0}",
    )
    assert (tmp_path / "a").exists()
    assert "can't be left to the host alone" in ran.msg("b", "h1")
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    "action", ["debug: ", "set_fact: {x: 1}", "assert: {that: true}", "add_host: {name: x}"]
)
def test_what_is_done_here_is_never_left(
    tmp_path: Path, extra: dict[str, Any], action: str
) -> None:
    found = play(tmp_path, extra, f"{{name: a, {action}, async: 10, poll: 0}}")
    assert "async can't be had" in found.msg("a", "h1")


def test_check_mode_starts_nothing_and_status_works(tmp_path: Path, extra: dict[str, Any]) -> None:
    lines = (
        "{name: fire, shell: 'touch {{ here }}/made', async: 60, poll: 0, register: r}",
        "{name: look, async_status: {jid: '{{ r.ansible_job_id }}'}, register: s,"
        " until: s.finished, delay: 0}",
        "{name: wait, command: 'true', async: 60, poll: 1}",
    )
    ran = play(tmp_path, extra, *lines, check=True)
    assert ran.result("fire", "h1")["started"] == 1
    assert ran.one("look", "h1").outcome == "skipped"
    assert ran.result("wait", "h1")["finished"] == 1
    assert not (tmp_path / "made").exists()
    assert not (tmp_path / "jobs").exists()


def test_a_jid_that_nobody_knows(tmp_path: Path, extra: dict[str, Any]) -> None:
    found = play(tmp_path, extra, "{name: a, async_status: {jid: nosuch.1}}").result("a", "h1")
    assert (found["finished"], found["failed"]) == (1, True)


def test_no_log_hides_what_is_kept_and_said(tmp_path: Path, extra: dict[str, Any]) -> None:
    lines = (
        "{name: a, shell: 'echo canary', async: 60, poll: 1, no_log: true, register: r}",
        "{name: b, debug: {msg: '{{ r.stdout | length }}'}}",
    )
    ran = play(tmp_path, extra, *lines)
    assert "canary" not in str(ran.result("a", "h1"))
    assert ran.msg("b", "h1") == "6" or ran.msg("b", "h1") == 6


def test_the_folder_may_come_from_the_environment(tmp_path: Path) -> None:
    line = (
        f"{{name: a, command: 'true', async: 9, poll: 0, "
        f"environment: {{ANSIBLE_ASYNC_DIR: {tmp_path}/env}}}}"
    )
    found = run(tmp_path, tasks(line), "h1,").result("a", "h1")
    assert found["results_file"].startswith(f"{tmp_path}/env/")


@pytest.mark.parametrize("value", ["-1", "soon"])
def test_limits_that_are_none(tmp_path: Path, extra: dict[str, Any], value: str) -> None:
    found = play(tmp_path, extra, f"{{name: a, command: 'true', async: \"{{{{ '{value}' }}}}\"}}")
    assert "async: " in found.msg("a", "h1")


def test_zero_is_no_job(tmp_path: Path, extra: dict[str, Any]) -> None:
    found = play(tmp_path, extra, "{name: a, command: 'true', async: 0, poll: 0}").result("a", "h1")
    assert "ansible_job_id" not in found
    assert found["rc"] == 0


def test_marks_are_numbers() -> None:
    assert marks("j1", "/x", finished=True) == {
        "ansible_job_id": "j1",
        "results_file": "/x",
        "started": 1,
        "finished": 1,
    }
