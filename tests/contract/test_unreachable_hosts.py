"""Hosts that can't be reached: tried again, rescued, or left out, as the playbook says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.downtime import Downtime
from support.playruns import FakeFleet, Ran, run, stage, tasks, watched

from opsrun.engine.base import Engine
from opsrun.errors import AuthenticationFailed, ConnectionFailed, HostKeyError
from opsrun.events import Event, Notice, TaskStarted
from opsrun.lab import Lab
from opsrun.modules.requests import Upload
from opsrun.playbook.runner import again
from opsrun.playbook.runner.hands import TaskHands
from opsrun.remote.files.delivery import Delivered
from opsrun.testing import FakeTransport, Lose

AGAIN = "another attempt in"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "FIRST", 0.01)


def attempts(ran: Ran) -> list[str]:
    return [words for words in ran.notices if AGAIN in words]


def on_notice(call: Callable[[], None]) -> Callable[[Event], None]:
    """Calls once, when the first further attempt is announced."""
    todo = [call]

    def watch(event: Event) -> None:
        if isinstance(event, Notice) and AGAIN in event.message and todo:
            todo.pop()()

    return watch


def play(folder: Path, lab: Lab, text: str, watch: Any = None, **more: Any) -> Ran:
    ready = stage(folder, text, str(lab.inventory), extra={}, **more)
    return watched(ready, watch or (lambda event: None))


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_a_host_that_comes_back(sshd: Callable[..., Lab], tmp_path: Path, strategy: str) -> None:
    lab = sshd(hosts=2)
    down = Downtime(lab, "web01")
    head = f"strategy: {strategy}\nretries_unreachable: 500"
    text = tasks("{name: a, command: echo here}", "{name: b, command: echo there}", head=head)
    ran = play(tmp_path, lab, text, on_notice(down.over))
    assert ran.ends == {"web01": "changed", "db01": "changed"}, ran.notices
    result = ran.result("a", "web01")
    assert (result["stdout"], result["attempts"] > 1) == ("here", True)
    assert "attempts" not in ran.result("b", "web01")
    assert "attempts" not in ran.result("a", "db01")
    assert "connection refused" in attempts(ran)[0]
    assert ran.status == 0


def test_a_connection_that_breaks_between_tasks(sshd: Callable[..., Lab], tmp_path: Path) -> None:
    lab = sshd(hosts=1)
    text = tasks(
        "{name: a, raw: 'kill -9 $PPID', ignore_unreachable: true}",
        "{name: b, command: echo there, retries_unreachable: 2}",
    )
    ran = play(tmp_path, lab, text)
    assert ran.result("b")["stdout"] == "there"
    assert ran.recap("web01")["ok"] == 2


def test_a_host_that_goes_away_behind_a_change_is_lost(
    sshd: Callable[..., Lab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = sshd(hosts=1)
    usual = TaskHands.upload

    def upload(self: TaskHands, request: Upload) -> Delivered:
        delivered = usual(self, request)
        Downtime(lab, "web01")
        self._shell.forget()
        return delivered

    monkeypatch.setattr(TaskHands, "upload", upload)
    made = tmp_path / "made"
    text = tasks(f"{{name: a, copy: {{content: x, dest: {made}}}, retries_unreachable: 2}}")
    ran = play(tmp_path, lab, text)
    assert made.read_text() == "x"
    assert ran.one("a").outcome == "lost"
    assert (ran.ends, ran.status, attempts(ran)) == ({"web01": "lost"}, 4, [])


def test_attempts_run_out(sshd: Callable[..., Lab], tmp_path: Path) -> None:
    lab = sshd(hosts=2)
    down = Downtime(lab, "web01")
    ran = play(tmp_path, lab, tasks("{name: a, ping: , retries_unreachable: '{{ 1 + 1 }}'}"))
    assert down.refuses()
    assert len(attempts(ran)) == 2
    assert ran.result("a", "web01")["attempts"] == 3
    assert ran.ends == {"web01": "unreachable", "db01": "ok"}
    assert ran.status == 3


def test_a_refused_login_is_final(sshd: Callable[..., Lab], tmp_path: Path) -> None:
    lab = sshd(hosts=1)
    text = tasks("{name: a, ping: }", head="retries_unreachable: 5\nremote_user: nosuchuser")
    ran = run(tmp_path, text, str(lab.inventory), extra={"ansible_user": "nosuchuser"})
    assert ran.ends == {"web01": "unreachable"}
    assert attempts(ran) == []


class Doors:
    """Hosts in memory whose logins end as they are told to."""

    def __init__(self, *ends: ConnectionFailed | None, scripts: Any = None) -> None:
        self.ends = list(ends)
        self.scripts = scripts or {}
        self.logins = 0

    def __call__(self, engine: Engine) -> FakeFleet:
        doors = self

        class Door(FakeTransport):
            def connect(self) -> Any:
                doors.logins += 1
                end = doors.ends.pop(0) if doors.ends else None
                if end is not None:
                    raise end
                return super().connect()

        return FakeFleet(engine, lambda host: Door(engine, doors.scripts, host=host))


@pytest.mark.parametrize(
    "error",
    [
        HostKeyError("the key has changed", host="h1", phase="hostkey"),
        AuthenticationFailed("refused", host="h1", phase="auth"),
    ],
)
def test_answers_that_stay_the_same_are_final(tmp_path: Path, error: ConnectionFailed) -> None:
    doors = Doors(error)
    text = tasks("{name: a, command: x, retries_unreachable: 5}")
    ran = run(tmp_path, text, fleet=doors, extra={})
    assert (doors.logins, attempts(ran)) == (1, [])
    assert ran.ends == {"h1": "unreachable"}


def test_what_was_under_way_is_never_done_twice(tmp_path: Path) -> None:
    doors = Doors(scripts=lambda script: [Lose()])
    text = tasks("{name: a, raw: x, retries_unreachable: 5}")
    ran = run(tmp_path, text, fleet=doors, extra={})
    assert ran.ends == {"h1": "lost"}
    assert doors.logins == 1
    assert ran.status == 4


@pytest.mark.parametrize("wrong", ["-1", "many"])
def test_a_number_that_is_none(tmp_path: Path, wrong: str) -> None:
    text = tasks("{name: a, ping: , retries_unreachable: '{{ wrong }}'}")
    ran = run(tmp_path, text, extra={"ansible_connection": "local", "wrong": wrong})
    assert "retries_unreachable: " in ran.error("h1")
    assert ran.ends == {"h1": "failed"}


RESCUE = """
- hosts: all
  gather_facts: false
  strategy: {strategy}
  tasks:
  - block:
    - {{name: a, command: echo here, notify: h}}
    - {{name: b, command: echo b}}
    rescue:
    - name: r
      debug:
        msg: "{{{{ ansible_failed_task.name }}}} {{{{ ansible_failed_result.unreachable }}}}"
      delegate_to: localhost
    rescue_unreachable: true
    always:
    - {{name: w, debug: }}
  - {{name: z, command: echo back, retries_unreachable: "{{{{ patience | default(0) }}}}"}}
  handlers:
  - {{name: h, debug: }}
"""


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_a_rescued_host_goes_on(sshd: Callable[..., Lab], tmp_path: Path, strategy: str) -> None:
    lab = sshd(hosts=2)
    down = Downtime(lab, "web01")

    def watch(event: Event) -> None:
        if isinstance(event, TaskStarted) and event.name == "r":
            down.over()

    ready = stage(
        tmp_path, RESCUE.format(strategy=strategy), str(lab.inventory), extra={"patience": 500}
    )
    ran = watched(ready, watch)
    assert ran.msg("r", "web01") == "a True"
    assert ran.one("a", "web01").rescued
    mine = [each.split(":")[0] for each in ran.done if each.endswith("web01")]
    assert mine == ["a", "r", "w", "z"]
    assert ran.recap("web01")["rescued"] == 1
    assert "unreachable" not in ran.recap("web01")
    assert ran.recap("db01")["ok"] == 5
    assert ran.status == 0


def test_a_rescued_host_that_stays_away(sshd: Callable[..., Lab], tmp_path: Path) -> None:
    lab = sshd(hosts=1)
    down = Downtime(lab, "web01")
    ran = play(tmp_path, lab, RESCUE.format(strategy="linear"))
    assert down.refuses()
    assert ran.recap("web01") == {"ok": 2, "unreachable": 1, "rescued": 1}
    assert ran.ends == {"web01": "unreachable"}
    assert ran.status == 3


def test_a_rescue_part_that_fails(sshd: Callable[..., Lab], tmp_path: Path) -> None:
    lab = sshd(hosts=1)
    Downtime(lab, "web01")
    text = tasks(
        "{block: [{name: a, ping: }], rescue: [{name: r, fail: }], rescue_unreachable: true}",
        "{name: z, debug: }",
    )
    ran = play(tmp_path, lab, text)
    assert ran.recap("web01") == {"failed": 1, "rescued": 1}
    assert ran.status == 1


def test_an_included_task_is_rescued_too(sshd: Callable[..., Lab], tmp_path: Path) -> None:
    lab = sshd(hosts=1)
    Downtime(lab, "web01")
    files = {
        "site.yml": tasks(
            "{block: [include_tasks: more.yml], rescue: [debug: ], rescue_unreachable: true}"
        ),
        "more.yml": "- {name: a, ping: }\n",
    }
    ran = run(tmp_path, files, str(lab.inventory), extra={})
    assert ran.one("a").rescued
    assert ran.recap("web01") == {"ok": 2, "rescued": 1}
    assert ran.status == 0
