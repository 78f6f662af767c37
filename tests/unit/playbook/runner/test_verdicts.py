"""What tasks come to: conditions, attempts, loops; the figures are those of ansible-core 2.18."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.playruns import Ran, run, tasks

FALSE = "command: 'false'"
TRUE = "command: 'true'"

ATTEMPTS: list[tuple[str, int | None, int, str]] = [
    # the task, what `attempts` says, how often it was done, its outcome
    (f"{FALSE}, until: r.rc == 0", 3, 4, "failed"),
    (f"{FALSE}, until: r.rc == 0, retries: 1", 1, 2, "failed"),
    (f"{FALSE}, until: r.rc == 0, retries: 0", None, 1, "failed"),
    (f"{TRUE}, until: r.rc == 1, retries: 0", None, 1, "changed"),
    (f"{FALSE}, until: r.rc == 0, retries: -1", None, 1, "failed"),
    (f"{FALSE}, retries: 2", 2, 3, "failed"),
    (f"{TRUE}, until: r.rc == 0, retries: 2", 1, 1, "changed"),
    (f"{TRUE}, until: r.rc == 1, retries: 2", 2, 3, "failed"),
    (f"{TRUE}, until: [r.rc == 0, 1 == 2], retries: 1", 1, 2, "failed"),
]


@pytest.mark.parametrize(("words", "attempts", "times", "outcome"), ATTEMPTS)
def test_attempts(
    tmp_path: Path, words: str, attempts: int | None, times: int, outcome: str
) -> None:
    line = f"{{name: a, {words}, delay: 0, register: r, ignore_errors: true}}"
    ran = run(tmp_path, tasks(line))
    assert ran.one("a").outcome == outcome
    assert ran.result("a").get("attempts") == attempts
    tried = [each for each in ran.events if getattr(each, "retries_left", None) is not None]
    assert len(tried) + 1 == times


@pytest.mark.parametrize("loop", ["", ", loop: [1, 2]"])
def test_failed_when_has_the_last_word_on_attempts(tmp_path: Path, loop: str) -> None:
    words = f"{FALSE}, until: r.rc == 0, retries: 1, delay: 0, failed_when: false, register: r"
    ran = run(tmp_path, tasks(f"{{name: a, {words}{loop}}}", "{name: b, debug: {var: r}}"))
    assert {each.outcome for each in ran.said("a", items=bool(loop))} == {"changed"}
    assert ran.one("a").outcome == "changed"
    assert ran.result("b")["r"]["failed"] is True


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("command: echo, when: false", "changed false_condition skip_reason skipped"),
        ("debug: , when: false, loop: [1, 2]", "changed msg results skipped"),
        ("debug: , loop: []", "changed results skipped skipped_reason"),
        ("debug: , loop: [1]", "changed msg results skipped"),
        ("fail: , loop: [1], ignore_errors: true", "changed failed msg results skipped"),
    ],
)
def test_failed_is_told_of_what_was_done(tmp_path: Path, words: str, keys: str) -> None:
    ran = run(tmp_path, tasks(f"{{name: a, {words}, register: r}}", "{name: b, debug: {var: r}}"))
    assert sorted(ran.result("b")["r"]) == keys.split()


def test_content_that_is_put_in_place_has_a_list_of_no_differences(tmp_path: Path) -> None:
    line = f"{{name: a, copy: {{content: x, dest: {tmp_path}/c}}}}"
    assert run(tmp_path, tasks(line)).result("a")["diff"] == []


MODULES = ["assert: {that: false}", "fail: ", "slurp: {src: /nope}", "copy: {src: no, dest: /no}"]


@pytest.mark.parametrize("words", MODULES)
def test_what_a_module_refuses_is_judged_like_any_result(tmp_path: Path, words: str) -> None:
    forgiven = f"{{name: a, {words}, failed_when: false, changed_when: true}}"
    retried = f"{{name: b, {words}, retries: 2, delay: 0, register: r, ignore_errors: true}}"
    ran = run(tmp_path, tasks(forgiven, retried))
    assert ran.one("a").outcome == "changed"
    assert ran.result("b")["attempts"] == 2


@pytest.mark.parametrize(
    "words",
    [
        "failed_when: true",
        "until: false, retries: 1, delay: 0",
        "loop: [1, 2], failed_when: item == 2",
    ],
)
def test_what_failed_sets_no_facts(tmp_path: Path, words: str) -> None:
    line = f"{{name: a, set_fact: {{x: 1}}, {words}, ignore_errors: true}}"
    assert run(tmp_path, tasks(line, "{name: b, debug: {var: x}}")).result("b")["x"] != 1


VERDICTS: list[tuple[str, str, dict[str, Any]]] = [
    (f"{TRUE}, failed_when: [r.rc == 0, false]", "changed", {"failed_when_result": False}),
    (f"{TRUE}, failed_when: r.rc == 0", "failed", {"failed_when_result": True, "changed": True}),
    (f"{FALSE}, failed_when: false", "changed", {"failed": False, "rc": 1}),
    (f"{TRUE}, changed_when: r.rc == 1", "ok", {"changed": False}),
    (f"{FALSE}, changed_when: false", "failed", {"changed": False}),
    ("debug: {msg: x}, changed_when: true", "changed", {"changed": True}),
    ("debug: {msg: x}, failed_when: \"'x' in r.msg\"", "failed", {"msg": "x"}),
    (f"{TRUE}, when: false", "skipped", {"false_condition": False}),
    (f"{TRUE}, when: [true, 1 == 2]", "skipped", {"false_condition": "1 == 2"}),
    ("debug: {verbosity: 1}", "skipped", {"skipped_reason": "Verbosity threshold not met."}),
    ("debug: , loop: []", "skipped", {"skipped_reason": "No items in the list", "results": []}),
    ("debug: , loop: '{{ nope }}', when: false", "skipped", {"false_condition": False}),
    ("debug: , loop: '{{ nope }}'", "failed", {}),
    ("debug: , loop: abc", "failed", {}),
    ("debug: , loop: {a: 1}", "failed", {}),
    ("debug: , loop: [1, 2], when: item == 2", "ok", {"skipped": False}),
    ("debug: , loop: [1, 2], when: item == 3", "skipped", {"msg": "All items skipped"}),
    ("fail: , loop: [1, 2]", "failed", {"msg": "One or more items failed"}),
    ("debug: , loop: [1], loop_control: {pause: '{{ nope }}'}", "failed", {}),
    ("debug: , loop: [1], loop_control: {pause: \"{{ 'x' }}\"}", "failed", {}),
    (f"{FALSE}, failed_when: nope.x", "failed", {"changed": True}),
    ("meta: refresh_inventory", "ok", {}),
]


@pytest.mark.parametrize(("words", "outcome", "holds"), VERDICTS)
def test_verdicts(tmp_path: Path, words: str, outcome: str, holds: dict[str, Any]) -> None:
    line = f"{{name: a, {words}, register: r, ignore_errors: true}}"
    if "meta" in words:
        line = f"{{name: a, {words}}}"
    ran = run(tmp_path, tasks(line))
    said = ran.one("a")
    assert said.outcome == outcome
    assert {key: said.result.get(key) for key in holds} == holds
    assert said.ignored is (outcome == "failed" and "meta" not in words)
    if outcome == "failed":
        assert said.result["msg"] or words.startswith(("command", "debug: {msg"))


def looped(tmp_path: Path, words: str) -> Ran:
    return run(tmp_path, tasks(f"{{name: a, {words}, register: r}}", "{name: b, debug: {var: r}}"))


def test_what_an_item_knows(tmp_path: Path) -> None:
    control = "loop_control: {extended: true, index_var: i, loop_var: x, label: 'L{{ x }}'}"
    ran = looped(tmp_path, f"debug: {{msg: '{{{{ ansible_loop }}}}'}}, loop: [a, b, c], {control}")
    items = ran.said("a", items=True)
    assert [each.item for each in items] == ["La", "Lb", "Lc"]
    assert [each.result["i"] for each in items] == [0, 1, 2]
    middle = {
        "index": 2,
        "index0": 1,
        "first": False,
        "last": False,
        "length": 3,
        "revindex": 2,
        "revindex0": 1,
        "allitems": ["a", "b", "c"],
        "nextitem": "c",
        "previtem": "a",
    }
    assert items[1].result["msg"] == middle
    assert items[1].result["ansible_loop"] == middle
    assert items[1].result["ansible_loop_var"] == "x"
    assert items[1].result["ansible_index_var"] == "i"
    assert "previtem" not in items[0].result["msg"]
    assert "nextitem" not in items[2].result["msg"]


def test_allitems_may_be_left_out(tmp_path: Path) -> None:
    control = "loop_control: {extended: true, extended_allitems: false}"
    ran = looped(tmp_path, f"debug: , loop: [1, 2], {control}")
    assert "allitems" not in ran.said("a", items=True)[0].result["ansible_loop"]


def test_a_loop_may_be_broken_off(tmp_path: Path) -> None:
    words = "debug: {msg: '{{ item }}'}, loop: [1, 2, 3], loop_control: {break_when: item == 2}"
    ran = looped(tmp_path, words)
    assert [each["item"] for each in ran.result("b")["r"]["results"]] == [1, 2]


def test_what_breaks_a_loop_off_may_be_wrong(tmp_path: Path) -> None:
    ran = looped(tmp_path, "debug: , loop: [1, 2], loop_control: {break_when: nope.x}")
    assert ran.one("a").outcome == "failed"
    assert "nope" in ran.said("a", items=True)[0].result["msg"]
    assert not any("a bug" in words for words in ran.notices)


def test_each_item_fails_by_itself_and_all_are_done(tmp_path: Path) -> None:
    words = "fail: {msg: no}, loop: [1, 2, 3], when: item != 2, ignore_errors: true"
    ran = looped(tmp_path, words)
    assert [each.outcome for each in ran.said("a", items=True)] == ["failed", "skipped", "failed"]
    assert ran.one("a").ignored
    assert ran.recap("h1") == {"ok": 2, "ignored": 1}


UNCLEAR = [
    "debug: {msg: '{{ item.x }}'}",
    "debug: , when: item.x == 1",
    "include_tasks: '{{ item.x }}.yml'",
]


@pytest.mark.parametrize("words", UNCLEAR)
def test_nothing_is_done_behind_an_item_that_is_unclear(tmp_path: Path, words: str) -> None:
    (tmp_path / "1.yml").write_text("- {name: inside, debug: }\n")
    ran = looped(tmp_path, f"{words}, loop: [{{x: 1}}, {{}}, {{x: 1}}], ignore_errors: true")
    assert len(ran.said("a", items=True)) == 2
    assert ran.one("a").outcome == "failed"
    assert [each["failed"] for each in ran.result("b")["r"]["results"]] == [False, True]
    assert not ran.said("inside")


RESCUE = """
- hosts: all
  gather_facts: false
  tasks:
  - block:
    - {name: falls, command: 'false', register: q}
    rescue:
    - {name: r, debug: {msg: '{{ [ansible_failed_task.name, ansible_failed_task.action, ansible_failed_result.rc] }}'}}
    always:
    - {name: z, debug: }
"""  # noqa: E501


def test_a_rescue_knows_what_failed(tmp_path: Path) -> None:
    ran = run(tmp_path, RESCUE)
    assert ran.msg("r") == ["falls", "command", 1]
    assert ran.recap("h1") == {"ok": 2, "rescued": 1}
    assert ran.status == 0


SERIAL = {
    "ansible_play_hosts": ["h1", "h2", "h3"],
    "ansible_play_hosts_all": ["h1", "h2", "h3"],
    "ansible_play_batch": ["h1", "h2"],
    "play_hosts": ["h1", "h2"],
    "inventory_hostname": "h1",
    "inventory_hostname_short": "h1",
    "group_names": ["ungrouped"],
    "inventory_file": "h1,h2,h3,",
    "inventory_dir": None,
    "ansible_play_name": "all",
    "role_names": [],
    "ansible_run_tags": ["all"],
    "ansible_skip_tags": [],
    "ansible_verbosity": 0,
    "ansible_check_mode": False,
    "ansible_diff_mode": False,
    "environment": [],
    "groups": {"all": ["h1", "h2", "h3"], "ungrouped": ["h1", "h2", "h3"]},
}


def test_magic_variables(tmp_path: Path) -> None:
    lines = [f"{{name: {name}, debug: {{msg: ['{{{{ {name} }}}}']}}}}" for name in SERIAL]
    lines.append("{name: where, debug: {msg: '{{ [playbook_dir, ansible_search_path] }}'}}")
    ran = run(tmp_path, tasks(*lines, head="serial: 2"), "h1,h2,h3,")
    assert {name: ran.msg(name, "h1")[0] for name in SERIAL} == SERIAL
    assert ran.msg("where", "h1") == [str(tmp_path), [str(tmp_path)]]


@pytest.mark.parametrize(
    ("loop", "kind"), [("with_list: {a: 1}", "a list"), ("with_dict: [3]", "a dict")]
)
def test_loops_over_what_they_are_not_for_name_what_they_expect(
    tmp_path: Path, loop: str, kind: str
) -> None:
    ran = run(tmp_path, tasks(f"{{name: a, debug: , {loop}, ignore_errors: true}}"))
    name = loop.partition(":")[0]
    assert f"{name} expects {kind}, " in ran.result("a")["msg"]


def test_tags_are_told_one_by_one(tmp_path: Path) -> None:
    words = "{name: a, tags: t, debug: {msg: '{{ [ansible_run_tags, ansible_skip_tags] }}'}}"
    ran = run(tmp_path, tasks(words), tags=("t,u", "v"), skip_tags=("w, x",))
    assert ran.msg("a") == [["t", "u", "v"], ["w", "x"]]


ORDERED = {
    "site.yml": """
- hosts: all
  gather_facts: false
  vars: {v: play}
  vars_files: [one.yml, '{{ inventory_hostname }}.yml', three.yml]
  roles: [r]
""",
    "one.yml": "{a: one, b: one, c: one, d: one}",
    "h1.yml": "{b: host, c: host, d: host}",
    "three.yml": "{c: three}",
    "roles/r/vars/main.yml": "{d: role}",
    "roles/r/tasks/main.yml": "- {name: see, debug: {msg: '{{ [a, b, c, d] }}'}}",
}


def test_files_of_hosts_keep_their_place_below_roles(tmp_path: Path) -> None:
    assert run(tmp_path, ORDERED).msg("see") == ["one", "host", "three", "role"]
