"""What was asked ahead is not to be noticed where it hangs, is slow, or finds plugins and files
that do things of their own: each of these once differed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.playruns import Ran, run

from opsrun.events import Notice, TaskResult, TaskStarted
from opsrun.playbook.prefetch import answers
from opsrun.playbook.prefetch.changes import Changes

Both = Callable[..., tuple[Ran, Ran]]
NOTED = """
LOG = {log!r}
def note(words):
    with open(LOG, "a") as log:
        log.write(words + "\\n")
note("loaded")
"""
FILTER = """
class FilterModule:
    def filters(self):
        return {"touched": touched}
def touched(path):
    with open(path, "w") as file:
        file.write("much more than before")
    return path
"""
LOOKUP = """
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **options):
        note("called with %s" % terms)
        return list(terms)
"""


def play(*tasks: dict[str, Any]) -> str:
    named = [{"name": f"t{number}", **task} for number, task in enumerate(tasks)]
    return yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": named}])


@pytest.fixture
def both(tmp_path: Path) -> Both:
    """Runs a playbook on this machine without prefetch, and with it."""

    def carried_out(text: str, files: dict[str, str] | None = None) -> tuple[Ran, Ran]:
        (tmp_path / "hangs").write_text("")
        extra = {"ansible_connection": "local", "d": str(tmp_path)}
        ran = []
        for prefetch in (False, True):
            (tmp_path / "log").write_text("")
            (tmp_path / "a").write_text("a")
            for made in ("new", "b"):
                (tmp_path / made).unlink(missing_ok=True)
            written = {"site.yml": text, **(files or {})}
            ran.append(run(tmp_path, written, extra=extra, json=False, prefetch=prefetch))
            (tmp_path / f"log{int(prefetch)}").write_text((tmp_path / "log").read_text())
        return ran[0], ran[1]

    return carried_out


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``stat`` asks file(1) of a path ``hangs`` is never answered."""
    monkeypatch.setattr(answers, "PATIENCE", 0.2)
    os.mkfifo(tmp_path / "never")
    program = tmp_path / "bin" / "file"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ncase "$*" in *hangs) read x <{tmp_path}/never;; esac\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def story(ran: Ran) -> list[tuple[str, ...]]:
    """What began, what was said and what ended, in order."""
    found: list[tuple[str, ...]] = []
    for event in ran.events:
        if isinstance(event, TaskResult):
            found.append(("ended", event.name, str(event.outcome)))
        elif isinstance(event, TaskStarted):
            found.append(("began", event.name))
        elif isinstance(event, Notice):
            found.append(("said", event.message))
    return found


ASKED_IN_TURN = {"slurp": {"src": "{{ d }}/{{ lookup('pipe', 'echo a') }}"}}


@pytest.mark.usefixtures("hanging")
@pytest.mark.parametrize(
    "middle",
    [
        ASKED_IN_TURN,
        {"copy": {"dest": "{{ d }}/new", "content": "x"}, "timeout": 20},
        {"command": "true", "timeout": 20},
        {"copy": {"src": "{{ d }}/a", "dest": "{{ d }}/b", "remote_src": True}},
    ],
    ids=["a-question", "an-upload", "a-command", "several-questions"],
)
def test_a_question_that_hangs_takes_nobody_along(both: Both, middle: dict[str, Any]) -> None:
    hangs = {"stat": {"path": "{{ d }}/hangs"}, "timeout": 1, "ignore_errors": True}
    without, ahead = both(play({"ping": {}}, middle, hangs, {"ping": {}}))
    assert story(ahead) == story(without)
    assert without.ends["h1"] in ("ok", "changed")


@pytest.mark.usefixtures("hanging")
def test_waiting_for_others_is_no_time_of_a_task(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PATIENCE", 1.5)
    change = {"copy": {"dest": "{{ d }}/new", "content": "x"}, "timeout": 1}
    hangs = {"stat": {"path": "{{ d }}/hangs"}, "timeout": 1, "ignore_errors": True}
    without, ahead = both(play({"ping": {}}, change, hangs))
    assert story(ahead) == story(without)


def test_plugins_are_loaded_when_a_task_needs_them(both: Both, tmp_path: Path) -> None:
    log = NOTED.format(log=str(tmp_path / "log"))
    files = {
        "filter_plugins/own.py": log + FILTER,
        "filter_plugins/wrong.py": "raise ValueError('at once')\n",
    }
    needs = {"stat": {"path": "{{ d | default('/') }}/a"}}
    without, ahead = both(play({"ping": {}}, {"slurp": {"src": "{{ d }}/a"}}, needs), files)
    assert story(ahead) == story(without)
    assert any("at once" in words for words in ahead.notices)


def test_a_lookup_of_ones_own_is_called_as_often(both: Both, tmp_path: Path) -> None:
    files = {"lookup_plugins/items.py": NOTED.format(log=str(tmp_path / "log")) + LOOKUP}
    uses = {"stat": {"path": "{{ d }}/{{ item }}"}, "with_items": ["a"]}
    more = {"stat": {"path": "{{ d }}/{{ lookup('items', 'a') }}"}}
    both(play({"ping": {}}, uses, more, {"ping": {}}), files)
    calls = (tmp_path / "log0").read_text()
    assert "called" in calls
    assert (tmp_path / "log1").read_text() == calls


def test_what_a_filter_of_ones_own_changes_is_seen(both: Both, tmp_path: Path) -> None:
    files = {"filter_plugins/own.py": FILTER}
    changes = {"debug": {"msg": "{{ (d ~ '/a') | touched }}"}}
    looks = {"stat": {"path": "{{ d }}/a"}}
    without, ahead = both(play({"ping": {}}, changes, looks), files)
    assert without.result("t2")["stat"]["size"] == len("much more than before")
    assert ahead.result("t2")["stat"]["size"] == without.result("t2")["stat"]["size"]


def test_a_modules_broken_file_is_the_business_of_its_task(both: Both) -> None:
    tasks = yaml.safe_dump([{"name": "t8", "ping": {}}, {"name": "t9", "stat": {"path": "/"}}])
    files = {"more.yml": tasks, "roles/r/library/stat": "#!/bin/sh\n# opsrun: [\n"}
    role = {"include_role": {"name": "r"}}
    files["roles/r/tasks/main.yml"] = tasks
    without, ahead = both(play({"ping": {}}, role, {"ping": {}}), files)
    assert story(ahead) == story(without)


def test_keys_are_fetched_at_their_tasks_turn(both: Both, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "curl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho fetched >>{tmp_path}/log\nexit 7\n")
    program.chmod(0o755)
    (tmp_path / "bin" / "wget").symlink_to("curl")
    keys = {
        "authorized_key": {"user": "root", "key": "http://127.0.0.1:9/k"},
        "environment": {"PATH": f"{program.parent}:/usr/bin:/bin"},
        "ignore_errors": True,
    }
    both(play({"ping": {}}, {"assert": {"that": "false"}}, keys))
    assert (tmp_path / "log1").read_text() == (tmp_path / "log0").read_text() == ""
    both(play({"ping": {}}, {"assert": {"that": "true"}}, keys))
    assert (tmp_path / "log1").read_text() == (tmp_path / "log0").read_text() != ""


@pytest.mark.parametrize(
    ("check", "really", "goes_on"), [(False, None, True), (True, False, True), (True, None, False)]
)
def test_a_job_that_goes_on_by_itself_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool, really: bool | None, goes_on: bool
) -> None:
    """Also one that is started for real within a run that only checks."""
    told: list[None] = []
    monkeypatch.setattr(Changes, "never_over", lambda self: told.append(None))
    job: dict[str, Any] = {"command": "true", "async": 20, "poll": 0}
    if really is not None:
        job["check_mode"] = really
    extra = {"ansible_connection": "local", "ansible_async_dir": str(tmp_path / "jobs")}
    ran = run(tmp_path, play(job), extra=extra, json=False, check=check)
    assert ran.status == 0
    assert bool(told) is goes_on
