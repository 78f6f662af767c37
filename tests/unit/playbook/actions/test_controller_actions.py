"""Tasks that the controller does: what each takes, says and exports, as ansible-core 2.18 does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.playruns import Ran, run, tasks

from opsrun.composition.playbooks.options import PlaybookOptions

FILES = {
    "one.yml": "one: '{{ 1 + 1 }}'\n",
    "d/a.yml": "a: 1\nh: {x: 1}\n",
    "d/sub/b.yaml": "b: 2\nh: {y: 2}\n",
    "d/sub/deep/c.json": '{"c": 3}',
    "d/d.txt": "d: 4\n",
}


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Ran]:
    def carry_out(*lines: str, **more: Any) -> Ran:
        head = "vars: {b: x, six: '6', m: {z: 0}, prefix: p}"
        return run(tmp_path, {**FILES, "site.yml": tasks(*lines, head=head)}, **more)

    return carry_out


INCLUDED: list[tuple[str, dict[str, Any]]] = [
    ("{file: one.yml}", {"one": 2}),
    ("one.yml", {"one": 2}),
    ('"one.yml\\n"', {"one": 2}),
    ("{dir: d, extensions: [yml, yaml, json, txt]}", {"a": 1, "b": 2, "c": 3, "d": 4}),
    ("{dir: d, ignore_unknown_extensions: true}", {"a": 1, "b": 2, "c": 3, "h": {"y": 2}}),
    ("{dir: d, depth: 1, ignore_files: [d.txt], name: n}", {"n": {"a": 1, "h": {"x": 1}}}),
    ("{dir: d, depth: 2, ignore_files: [d.txt, a.yml]}", {"b": 2, "h": {"y": 2}}),
    ("{dir: d, files_matching: '^[ab]\\.'}", {"a": 1, "b": 2, "h": {"y": 2}}),
    (
        "{dir: d, ignore_unknown_extensions: true, hash_behaviour: merge}",
        {"a": 1, "b": 2, "c": 3, "h": {"y": 2}},
    ),
    ("{file: d/a.yml, hash_behaviour: merge, name: m}", {"m": {"z": 0, "a": 1, "h": {"x": 1}}}),
    ("{file: one.yml, name: n}", {"n": {"one": 2}}),
]


@pytest.mark.parametrize(("args", "facts"), INCLUDED)
def test_include_vars(play: Callable[..., Ran], args: str, facts: dict[str, Any]) -> None:
    names = "[" + ", ".join(facts) + "]"
    ran = play(
        f"{{name: a, include_vars: {args}}}", f"{{name: b, debug: {{msg: '{{{{ {names} }}}}'}}}}"
    )
    found = ran.result("a")["ansible_facts"]
    assert {name: found[name] for name in facts} == facts
    assert ran.msg("b") == list(facts.values())


BOOLEANS = """{a: 'false', b: 'Yes', c: 'on', d: ['no'], e: "{{ 'No' }}", f: 'TRUE'}"""


@pytest.mark.parametrize("args", [BOOLEANS, "a='false' b='Yes' c='on' d={{ ['no'] }} e=No f=TRUE"])
def test_set_fact_takes_words_for_booleans(play: Callable[..., Ran], args: str) -> None:
    ran = play(f"set_fact: {args}", "{name: b, debug: {msg: '{{ [a, b, c, d, e, f] }}'}}")
    assert ran.msg("b") == [False, True, "on", ["no"], False, True]


WRONG = [
    "include_vars: {dir: d}",
    "include_vars: nofile.yml",
    "include_vars: {dir: nodir}",
    "include_vars: {dir: d, file: one.yml}",
    "include_vars: {dir: d, files_matching: '['}",
    "include_vars: {dir: d, ignore_files: ['*']}",
    "include_vars: {fil: one.yml}",
    "set_fact: {cacheable: true}",
    "set_fact: {'1x': 1}",
    "set_fact: {x: 1, cacheable: maybe}",
    "debug: {msg: x, var: b}",
    "add_host: {groups: g}",
    "group_by: {}",
    "assert: {fail_msg: x}",
    "pause: {minutes: 1, seconds: 1}",
    "pause: {seconds: soon}",
]


@pytest.mark.parametrize("words", WRONG)
def test_what_is_wrong_is_said_and_no_bug(play: Callable[..., Ran], words: str) -> None:
    ran = play(f"{{name: a, {words}}}")
    assert ran.one("a").outcome == "failed"
    assert ran.msg("a")
    assert not any("a bug" in words for words in ran.notices)


SAID: list[tuple[str, dict[str, Any]]] = [
    ("{}", {"msg": "Hello world!"}),
    ("{msg: [1, '{{ b }}']}", {"msg": [1, "x"]}),
    ("{var: b}", {"b": "x"}),
    ("{var: \"b ~ 'y'\"}", {"b ~ 'y'": "xy"}),
    ("{var: m.z}", {"m.z": 0}),
    ("{var: nope}", {"nope": "VARIABLE IS NOT DEFINED!"}),
    ("{var: m.nope}", {"m.nope": "VARIABLE IS NOT DEFINED!"}),
    ("{var: \"{{ 'b' }}\"}", {"b": "x"}),
]


@pytest.mark.parametrize(("args", "holds"), SAID)
def test_debug(play: Callable[..., Ran], args: str, holds: dict[str, Any]) -> None:
    result = play(f"{{name: a, debug: {args}}}").result("a")
    assert {key: result.get(key) for key in holds} == holds


ASSERTED: list[tuple[str, bool, dict[str, Any]]] = [
    ("{that: six == '6'}", True, {"msg": "All assertions passed"}),
    ("{that: [six is defined, \"b == 'x'\"], success_msg: 'yes {{ b }}'}", True, {"msg": "yes x"}),
    ("{that: [true, six == 7], fail_msg: 'no {{ b }}'}", False, {"msg": "no x"}),
    ("{that: [six == 7], msg: [a, '{{ b }}']}", False, {"msg": ["a", "x"]}),
    ("{that: six == 7}", False, {"assertion": "six == 7", "evaluated_to": False}),
    ("{that: six == 7, quiet: true}", False, {"msg": "Assertion failed"}),
    ("{that: '{{ six }} == 6'}", True, {}),
    ("{that: ['{{ six }} == 6', '1 == 1']}", True, {}),
    ("{that: '{{ [true, false] }}'}", False, {}),
    ("{that: \"{{ ['1 == 1'] }}\"}", False, {}),
    ("{that: nope}", False, {}),
]


@pytest.mark.parametrize(("args", "holds", "said"), ASSERTED)
def test_assert(play: Callable[..., Ran], args: str, holds: bool, said: dict[str, Any]) -> None:
    ran = play(f"{{name: a, assert: {args}}}")
    assert ran.one("a").outcome == ("ok" if holds else "failed")
    assert {key: ran.result("a").get(key) for key in said} == said


def test_names_of_facts_may_be_templates(play: Callable[..., Ran]) -> None:
    ran = play(
        "{name: a, set_fact: {'{{ prefix }}_x': '{{ [1] }}', y: 2}}",
        "{name: b, debug: {msg: '{{ [p_x, y] }}'}}",
    )
    assert ran.result("a")["ansible_facts"] == {"p_x": [1], "y": 2}
    assert ran.msg("b") == [[1], 2]


def test_clear_facts_leaves_what_was_set(play: Callable[..., Ran]) -> None:
    ran = play(
        "{set_fact: {kept: 1}}",
        "{set_fact: {both: 1, cacheable: true}}",
        "{name: before, debug: {msg: '{{ ansible_facts.both }}'}}",
        "{meta: clear_facts}",
        "{name: after, debug: {msg: \"{{ [ansible_facts.both | default('-'), kept, both] }}\"}}",
    )
    assert ran.msg("before") == 1
    assert ran.msg("after") == ["-", 1, 1]


def test_a_pause_asks_the_operator_once(play: Callable[..., Ran]) -> None:
    asked: list[tuple[str, bool]] = []

    def prompt(words: str, echo: bool) -> str:
        asked.append((words, echo))
        return "typed"

    ran = play(
        "{name: a, pause: {prompt: sure, echo: false}}",
        hosts="h1,h2,",
        options=PlaybookOptions(prompt=prompt),
    )
    assert asked == [("sure: ", False)]
    assert [each.result["user_input"] for each in ran.said("a")] == ["typed"]


def test_with_nobody_to_ask_a_pause_is_over(play: Callable[..., Ran]) -> None:
    assert play("{name: a, pause: }").one("a").outcome == "ok"


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_end_host_ends_one(tmp_path: Path, strategy: str) -> None:
    lines = [
        "{meta: end_host, when: inventory_hostname == 'h1'}",
        "{name: b, debug: }",
    ]
    ran = run(tmp_path, tasks(*lines, head=f"strategy: {strategy}"), "h1,h2,")
    assert [each.host for each in ran.said("b")] == ["h2"]
    assert ran.status == 0


def test_a_host_added_again_with_nothing_new_is_no_change(play: Callable[..., Ran]) -> None:
    ran = play(
        "{name: a, add_host: {name: x, groups: g, v: 1}}",
        "{name: b, add_host: {name: x, groups: g, v: 1}}",
        "{name: c, add_host: {name: x, groups: g, v: 2}}",
        "{name: d, add_host: {name: 'y{{ item }}', groups: g}, loop: [1, 1, 2]}",
        "{name: e, add_host: \"{{ {'hostname': 'z', 'v': 3} }}\"}",
        "{name: f, debug: {msg: '{{ [groups.g, hostvars.z.v] }}'}}",
    )
    assert [ran.one(name).outcome for name in "abc"] == ["changed", "ok", "changed"]
    items = [each.outcome for each in ran.said("d", items=True)]
    assert items == ["changed", "ok", "changed"]
    assert ran.msg("f") == [["x", "y1", "y2"], 3]


def test_include_vars_that_fails_says_so_as_ansible_names_it(play: Callable[..., Ran]) -> None:
    result = play("{name: a, include_vars: {dir: d}}").result("a")
    assert (
        result["message"]
        == result["msg"]
        == "d.txt does not have a valid extension: " + ("yaml, yml, json")
    )
    assert result["ansible_included_var_files"] == []


def test_include_vars_follows_links_and_comes_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x.yml").write_text("x: 1")
    (tmp_path / "there" / "back").symlink_to(tmp_path / "there")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "to").symlink_to(tmp_path / "there")
    line = f"{{name: a, include_vars: {{dir: {tmp_path}/linked}}}}"
    found = run(tmp_path / "play", tasks(line)).result("a")["ansible_included_var_files"]
    assert found == [f"{tmp_path}/linked/to/x.yml"]


def test_a_directory_to_run_in_is_the_physical_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    line = f"{{name: a, shell: 'echo $PWD', args: {{chdir: {tmp_path}/link}}}}"
    assert run(tmp_path, tasks(line)).result("a")["stdout"] == f"{tmp_path}/real"


def test_the_hosts_of_a_play_are_told_in_the_inventorys_order(tmp_path: Path) -> None:
    lines = ["{name: a, debug: {msg: '{{ ansible_play_hosts }}'}}"]
    ran = run(tmp_path, tasks(*lines, head="order: reverse_inventory"), "h1,h3,h2,")
    assert [each.result["msg"] for each in ran.said("a")] == [["h1", "h3", "h2"]] * 3
