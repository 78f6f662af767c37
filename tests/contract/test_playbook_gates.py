"""Gates, plays side by side and canaries, whole, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.playruns import Ran, run, stage, watched

from opsrun.events import Event, Notice, TaskResult, Waiting

INVENTORY = """
[db]
d1
d2
[web]
w1
w2
[all:vars]
ansible_connection=local
"""
SIDE_BY_SIDE = """
- name: databases
  hosts: db
  gather_facts: false
  after: []
  strategy: free
  tasks:
    - name: up
      command: "test -e {{ playbook_dir }}/{{ inventory_hostname }}"
      register: up
      until: up is success
      retries: 2000
      delay: 0.05
      opens: "{{ inventory_hostname }}-up"
- name: web
  hosts: web
  gather_facts: false
  after: []
  strategy: free
  tasks:
    - name: use
      command: "true"
      awaits: "{{ inventory_hostname | replace('w', 'd') }}-up"
- name: last
  hosts: all
  gather_facts: false
  tasks:
    - {name: end, debug: }
"""


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Ran]:
    def carry_out(playbook: str, **more: Any) -> Ran:
        (tmp_path / "hosts").write_text(INVENTORY)
        return run(tmp_path, playbook, "hosts", **more)

    return carry_out


@pytest.mark.parametrize("forks", [1, 50])
def test_hosts_are_released_as_the_gates_of_others_open(tmp_path: Path, forks: int) -> None:
    (tmp_path / "hosts").write_text(INVENTORY)
    (tmp_path / "d2").touch()
    ready = stage(tmp_path, SIDE_BY_SIDE, "hosts", forks=forks if forks > 1 else 2)

    def watch(event: Event) -> None:
        # The first database comes up only once the second one's web server has been served.
        if isinstance(event, TaskResult) and event.name == "use" and event.host == "w2":
            (tmp_path / "d1").touch()

    ran = watched(ready, watch)
    assert ran.status == 0
    assert ran.done.index("use:w2") < ran.done.index("up:d1") < ran.done.index("use:w1")
    assert sorted(ran.done[4:]) == ["end:d1", "end:d2", "end:w1", "end:w2"]


def test_who_waits_takes_no_place(play: Callable[..., Ran]) -> None:
    ran = play(
        """
- hosts: web
  gather_facts: false
  tasks:
    - {name: wait, command: 'true', awaits: go, when: inventory_hostname == 'w1'}
    - {name: open, command: 'true', opens: go, when: inventory_hostname == 'w2'}
    - {name: both, debug: }
""",
        forks=1,
    )
    assert ran.status == 0
    assert ran.done.index("open:w2") < ran.done.index("wait:w1")
    assert ran.recap("w1") == {"ok": 2, "changed": 1, "skipped": 1}


def test_a_gate_that_will_not_open_can_be_rescued(play: Callable[..., Ran]) -> None:
    ran = play(
        """
- hosts: web
  gather_facts: false
  tasks:
    - block:
        - {name: wait, command: 'true', awaits: '{{ "nobody" }}'}
      rescue:
        - {name: why, debug: {msg: '{{ ansible_failed_result.msg }}'}}
    - {name: at all, command: 'true', awaits: '{{ "nobody" }}', ignore_errors: true}
"""
    )
    assert ran.status == 0
    assert ran.msg("why", "w1") == "gate 'nobody' can't open any more: no task opens it"
    assert ran.one("at all", "w1").ignored


def test_gates_of_a_play_are_checks_or_names(play: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "ready").touch()
    ran = play(
        f"""
- hosts: db
  gather_facts: false
  gates: [{{check: ["file:{tmp_path}/ready", "file:/nonexistent"], any: 1}}]
  tasks: [{{name: a, debug: , opens: [x]}}]
- hosts: web
  gather_facts: false
  gates:
    - x
    - check: file:{tmp_path}/never
      timeout: 0.2
  tasks: [{{name: b, debug: }}]
"""
    )
    assert {each.host for each in ran.said("a")} == {"d1", "d2"}
    assert not ran.said("b")
    assert ran.ends["w1"] == "failed"
    assert "was not ready after 0.2 s" in ran.error("w1")
    assert f"file:{tmp_path}/never" in ran.error("w1")


def test_what_a_check_is_is_known_at_the_hosts_turn(play: Callable[..., Ran]) -> None:
    ran = play(
        """
- hosts: w1
  gather_facts: false
  tasks:
    - {name: bad, command: 'true', awaits: '{{ "tpc" }}:80', ignore_errors: true}
    - {name: none, command: 'true', awaits: '{{ omit }}'}
    - {name: undefined, command: 'true', awaits: '{{ nosuch }}'}
"""
    )
    assert "did you mean 'tcp'?" in ran.msg("bad")
    assert ran.one("none").outcome.is_good
    assert "'nosuch' is undefined" in ran.msg("undefined")
    assert ran.status == 1


def test_no_log_hides_what_is_waited_for(play: Callable[..., Ran]) -> None:
    ran = play(
        """
- hosts: w1
  gather_facts: false
  tasks:
    - {name: hidden, command: 'true', awaits: '{{ "secret-gate" }}', no_log: true}
"""
    )
    assert ran.status == 1
    assert "secret-gate" not in repr(ran.events)


def test_a_canary_is_looked_at_when_its_batch_has_ended(
    play: Callable[..., Ran], tmp_path: Path
) -> None:
    ran = play(
        f"""
- hosts: all
  gather_facts: false
  canary: [1, 50%]
  health:
    check: cmd:test ! -e {tmp_path}/ill-{{{{ inventory_hostname }}}}
    timeout: 0.2
  tasks:
    - {{name: work, command: "touch {tmp_path}/ill-w1"}}
"""
    )
    assert ran.ends == {"d1": "changed", "d2": "changed", "w1": "failed", "w2": "cancelled"}
    assert "work:w2" not in ran.done
    assert ran.recap("w1") == {"ok": 1, "changed": 1, "failed": 1}
    assert "the canary stopped behind batch 2 of 3 (3 of 4 hosts): w1" in ran.error("w2")
    assert ran.status == 1


def test_a_run_that_is_stopped_leaves_nobody_at_a_gate(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(INVENTORY)
    text = """
- hosts: db
  gather_facts: false
  after: []
  tasks:
    - {name: first, debug: }
    - {name: long, command: sleep 1000, opens: g}
- hosts: web
  gather_facts: false
  after: []
  tasks: [{name: wait, command: 'true', awaits: g}]
"""
    ready = stage(tmp_path, text, "hosts")

    def watch(event: Event) -> None:
        if isinstance(event, TaskResult) and event.name == "first":
            ready.interrupt()

    ran = watched(ready, watch)
    assert set(ran.ends.values()) == {"cancelled"}
    assert not ran.said("wait")


def test_a_mistake_of_a_plays_own_ends_the_other_well(play: Callable[..., Ran]) -> None:
    ran = play(
        """
- hosts: db
  gather_facts: false
  after: []
  tasks: [{name: a, command: 'true'}]
- hosts: web
  after: []
  serial: '{{ nosuch }}'
  tasks: [{name: b, debug: }]
"""
    )
    assert ran.status != 0
    assert any("'nosuch' is undefined" in each for each in ran.notices)
    assert not ran.said("b")


def test_who_waits_long_is_told_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("opsrun.playbook.run.REPORT_EVERY", 0.0)
    monkeypatch.setattr("opsrun.playbook.run._TICK", 0.01)
    (tmp_path / "hosts").write_text(INVENTORY)
    text = """
- hosts: d1
  gather_facts: false
  after: []
  tasks:
    - name: slow
      command: "test -e {{ playbook_dir }}/go"
      register: found
      until: found is success
      retries: 5000
      delay: 0.02
      opens: g
- hosts: web
  gather_facts: false
  after: []
  tasks: [{name: wait, command: 'true', awaits: g}]
"""
    seen: list[Waiting] = []

    def watch(event: Event) -> None:
        if isinstance(event, Waiting) and not seen:
            seen.append(event)
            (tmp_path / "go").touch()

    ran = watched(stage(tmp_path, text, "hosts"), watch)
    assert ran.status == 0
    assert (seen[0].gate, seen[0].last_error) == ("g", "waiting for d1")
    assert not [each for each in ran.events if isinstance(each, Notice) and each.level == "error"]


def test_check_mode_opens_gates_and_looks_at_nothing(play: Callable[..., Ran]) -> None:
    text = """
- hosts: db
  gather_facts: false
  canary: 1
  health: {check: 'file:/nonexistent', timeout: 0.1}
  tasks:
    - {name: open, command: 'true', opens: g}
    - {name: left out, command: 'true', when: false, opens: h}
- hosts: web
  gather_facts: false
  gates: ['file:/nonexistent']
  tasks:
    - {name: use, debug: , awaits: g}
    - {name: not, debug: , awaits: h, ignore_errors: true}
"""
    ran = play(text, check=True)
    assert ran.status == 0
    assert [each.outcome.is_good for each in ran.said("use")] == [True, True]
    assert "no host opened it" in ran.msg("not", "w1")


def test_a_host_can_be_in_two_plays_at_once(play: Callable[..., Ran]) -> None:
    text = """
- hosts: d1
  gather_facts: false
  after: []
  tasks:
    - {name: first, command: 'true', awaits: g}
    - {name: then, command: 'true', opens: h}
- hosts: d1
  gather_facts: false
  after: []
  tasks:
    - {name: beside, command: 'true', opens: g}
    - {name: last, command: 'true', awaits: h}
"""
    ran = play(text)
    assert ran.done == ["beside:d1", "first:d1", "then:d1", "last:d1"]
    assert ran.recap("d1") == {"ok": 4, "changed": 4}


def test_a_host_that_is_away_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text(f"{INVENTORY}\n[away]\na1 ansible_connection=docker\n")
    text = """
- hosts: a1
  gather_facts: false
  after: []
  tasks: [{name: lost, command: 'true', opens: g}]
- hosts: w1
  gather_facts: false
  after: []
  tasks: [{name: wait, command: 'true', awaits: g}]
"""
    extra = {"ansible_docker_extra_args": "--nonsense"}
    ran = run(tmp_path, text, "hosts", extra=extra)
    assert "can't open any more: a1" in ran.msg("wait", "w1")
    assert ran.status != 0
