"""Whole playbooks, from their first event to the summary, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.playruns import Ran, fakes, run, stage, tasks, watched

from opsrun.composition.playbooks.options import PlaybookOptions
from opsrun.engine.base import Engine
from opsrun.events import Event, TaskResult, TaskStarted
from opsrun.modules.base import ModuleResult, Steps
from opsrun.testing import Data, FakeTransport, Hold, Lose, Step, ends

THREE = "h1,h2,h3,"


@pytest.fixture(params=["json", "as it is"], autouse=True)
def json(request: pytest.FixtureRequest) -> bool:
    """Whether messages go through JSON."""
    return bool(request.param == "json")


@pytest.fixture
def play(tmp_path: Path, json: bool) -> Callable[..., Ran]:
    def carry_out(playbook: Any, hosts: str = THREE, **more: Any) -> Ran:
        return run(tmp_path, playbook, hosts, json=json, **more)

    return carry_out


def test_linear_ends_a_task_everywhere_before_the_next(play: Callable[..., Ran]) -> None:
    ran = play(tasks("{name: a, command: 'true'}", "{name: b, debug: }"))
    assert sorted(ran.done[:3]) == ["a:h1", "a:h2", "a:h3"]
    assert ran.ends == {"h1": "changed", "h2": "changed", "h3": "changed"}
    assert ran.recap("h1") == {"ok": 2, "changed": 1}
    assert ran.status == 0


def test_free_lets_hosts_go_ahead(play: Callable[..., Ran]) -> None:
    lines = ["{name: a, debug: }", "{name: b, debug: }", "{name: c, debug: }"]
    ran = play(tasks(*lines, head="strategy: free"), forks=1)
    assert [line for line in ran.done if line.endswith("h1")] == ["a:h1", "b:h1", "c:h1"]
    assert len(ran.done) == 9


def test_serial_takes_batch_after_batch(play: Callable[..., Ran]) -> None:
    ran = play(tasks("{name: a, debug: }", "{name: b, debug: }", head="serial: 2"))
    assert set(ran.done[:2]) == {"a:h1", "a:h2"}
    assert ran.done[4:] == ["a:h3", "b:h3"]


def test_a_batch_that_failed_leaves_the_next_cancelled(play: Callable[..., Ran]) -> None:
    ran = play(tasks("{name: a, fail: , when: inventory_hostname == 'h1'}", head="serial: 1"))
    assert ran.ends == {"h1": "failed", "h2": "cancelled", "h3": "cancelled"}
    assert ran.done == ["a:h1"]
    assert "all hosts of the batch" in ran.error("h3")
    assert ran.status == 1


HANDLERS = """
- hosts: all
  gather_facts: false
  tasks:
  - {name: a, command: 'true', notify: [restart, topic]}
  - {name: b, command: 'true', notify: restart}
  - {name: c, fail: , when: fails | default(false)}
  handlers:
  - {name: restart, debug: }
  - {name: listens, debug: , listen: topic}
  - {name: never, debug: }
"""


def test_handlers_run_once_and_in_their_order(play: Callable[..., Ran]) -> None:
    ran = play(HANDLERS, "h1,")
    assert ran.done == ["a:h1", "b:h1", "c:h1", "restart:h1", "listens:h1"]


def test_handlers_of_a_failed_host_are_listed(play: Callable[..., Ran]) -> None:
    ran = play(HANDLERS, "h1,", extra={"ansible_connection": "local", "fails": True})
    assert ran.pending == {"h1": ("restart", "listens")}
    assert ran.status == 1


def test_includes_come_with_their_items(play: Callable[..., Ran]) -> None:
    files = {
        "site.yml": tasks(
            "{name: inc, include_tasks: more.yml, loop: [x, y]}", "{name: z, debug: }"
        ),
        "more.yml": "- {name: in, debug: {msg: '{{ item }}'}}\n",
    }
    ran = play(files, "h1,h2,")
    assert [each.result["msg"] for each in ran.said("in", "h1")] == ["x", "y"]
    assert ran.done[-2:][0].startswith("z:")


def test_an_include_that_is_not_there_fails_its_hosts(play: Callable[..., Ran]) -> None:
    ran = play(tasks("{name: inc, include_tasks: nowhere.yml}"), "h1,")
    assert ran.ends == {"h1": "failed"}
    assert "nowhere.yml" in ran.error("h1")
    assert ran.recap("h1") == {"failed": 1}


def test_run_once_is_done_once_and_known_to_all(play: Callable[..., Ran]) -> None:
    ran = play(
        tasks(
            "{name: a, command: echo x, run_once: true, register: r}",
            "{name: b, debug: {msg: '{{ r.stdout }}'}}",
        )
    )
    assert [each for each in ran.done if each.startswith("a:")] == ["a:h1"]
    assert [each.result["msg"] for each in ran.said("b")] == ["x", "x", "x"]


def test_add_host_is_done_once_and_its_hosts_are_in_the_next_play(
    play: Callable[..., Ran],
) -> None:
    text = (
        tasks(
            "{name: add, add_host: {name: '{{ item }}', groups: new, colour: '{{ item }}x'}, "
            "loop: [n1, n2], register: added}",
            "{name: who, debug: {msg: '{{ added is defined }}'}}",
        )
        + "- {hosts: new, gather_facts: false, tasks: [{name: b, debug: {msg: '{{ colour }}'}}]}\n"
    )
    ran = play(text)
    assert [each.host for each in ran.said("add")] == ["h1"]
    assert sorted((each.host, each.result["msg"]) for each in ran.said("b")) == [
        ("n1", "n1x"),
        ("n2", "n2x"),
    ]
    # As Ansible 2.18: only the host that did it has registered it.
    assert ran.msg("who", "h1") is True
    assert ran.msg("who", "h2") is False


def test_group_by_makes_groups_for_the_next_task_and_play(play: Callable[..., Ran]) -> None:
    text = (
        tasks(
            "{name: g, group_by: {key: \"is_{{ inventory_hostname != 'h2' }}\", parents: up}}",
            "{name: see, debug: {msg: '{{ groups.is_True | sort }} {{ group_names }}'}}",
        )
        + "- {hosts: is_True, gather_facts: false, tasks: [{name: b, debug: }]}\n"
    )
    ran = play(text)
    assert ran.msg("see", "h2") == "['h1', 'h3'] ['is_False', 'up']"
    assert sorted(each.host for each in ran.said("b")) == ["h1", "h3"]
    assert all(each.outcome == "changed" for each in ran.said("g"))


def test_a_group_in_a_circle_fails_the_task_and_not_the_run(play: Callable[..., Ran]) -> None:
    ran = play(
        tasks(
            "{name: a, group_by: {key: one, parents: two}}",
            "{name: b, group_by: {key: two, parents: one}}",
        ),
        "h1,",
    )
    assert ran.ends == {"h1": "failed"}
    assert "two" in ran.error("h1")


def test_facts_of_a_delegated_task_go_where_they_belong(play: Callable[..., Ran]) -> None:
    ran = play(
        tasks(
            "{name: a, command: 'echo {{ inventory_hostname }}', delegate_to: h1, register: r}",
            "{name: b, debug: {msg: '{{ r.stdout }}'}}",
        )
    )
    assert {each.delegate for each in ran.said("a")} == {"", "h1"}
    assert {each.host: each.result["msg"] for each in ran.said("b")} == {
        "h1": "h1",
        "h2": "h2",
        "h3": "h3",
    }


def test_step_leaves_out_what_the_operator_says(play: Callable[..., Ran]) -> None:
    answers = {"a": "y", "b": "n", "c": "c"}
    asked: list[str] = []

    def confirm(name: str) -> str:
        asked.append(name)
        return answers[name]

    lines = [f"{{name: {name}, debug: }}" for name in "abcd"]
    ran = play(tasks(*lines), options=PlaybookOptions(confirm=confirm), step=True)
    assert asked == ["a", "b", "c"]
    assert {line.split(":")[0] for line in ran.done} == {"a", "c", "d"}


# -- hosts that go away


def going(events: dict[str, tuple[Step, ...]]) -> Callable[[str], tuple[Step, ...]]:
    """Scripts for `raw`; a word that is not listed ends well."""

    def script(text: str) -> tuple[Step, ...]:
        found = next((steps for word, steps in events.items() if word in text), None)
        return found if found is not None else (Data("stdout", b"hi\n"), *ends(0))

    return script


RAW = tasks("{name: a, raw: first}", "{name: b, raw: second}", "{name: c, raw: third}")


def test_a_connection_that_breaks_under_a_task_is_lost(play: Callable[..., Ran]) -> None:
    ran = play(RAW, "h1,", fleet=fakes(going({"second": (Lose("gone"),)})), extra={})
    assert ran.ends == {"h1": "lost"}
    assert ran.one("b").outcome == "lost"
    assert ran.recap("h1") == {"ok": 1, "changed": 1, "unreachable": 1, "lost": 1}
    assert ran.status == 4


def test_a_lost_connection_is_opened_anew_for_the_next_task(play: Callable[..., Ran]) -> None:
    text = tasks(
        "{name: a, raw: first}",
        "{name: b, raw: second, ignore_unreachable: true}",
        "{name: c, raw: third}",
    )
    ran = play(text, "h1,", fleet=fakes(going({"second": (Lose("gone"),)})), extra={})
    assert ran.one("c").outcome == "changed"
    fleet = ran.stage._fleetway
    assert [host for host, _ in fleet.made] == ["h1"]  # type: ignore[attr-defined]
    assert ran.recap("h1") == {"ok": 3, "changed": 2, "ignored": 1}
    assert ran.status == 0


def test_a_rescue_does_not_take_hosts_that_went_away(play: Callable[..., Ran]) -> None:
    text = """
- hosts: all
  gather_facts: false
  tasks:
  - block:
    - {name: a, raw: second}
    rescue:
    - {name: r, debug: }
"""
    ran = play(text, "h1,", fleet=fakes(going({"second": (Lose("gone"),)})), extra={})
    assert ran.done == ["a:h1"]
    assert ran.ends == {"h1": "lost"}


def test_one_login_however_many_tasks(play: Callable[..., Ran]) -> None:
    ran = play(RAW, THREE, fleet=fakes(going({})), extra={})
    made = ran.stage._fleetway.made  # type: ignore[attr-defined]
    assert sorted(host for host, _ in made) == ["h1", "h2", "h3"]
    assert [transport.connects for _, transport in made] == [1, 1, 1]
    assert all(transport.closed for _, transport in made)


def test_five_hundred_hosts(play: Callable[..., Ran]) -> None:
    names = [f"h{number}" for number in range(500)]
    ran = play(RAW, ",".join(names), fleet=fakes(going({})), extra={}, forks=20)
    assert ran.ends == dict.fromkeys(names, "changed")
    assert len(ran.done) == 1500


# -- the end of a run before its own


def interrupting(ready: Any, when: Callable[[Event], bool]) -> Ran:
    """Carry out; at the first event that ``when`` holds for, as on Ctrl-C."""
    asked: list[Event] = []

    def watch(event: Event) -> None:
        if when(event) and not asked:
            asked.append(event)
            ready.interrupt()

    ran = watched(ready, watch)
    assert asked, "it never came to that"
    return ran


def first_result(event: Event) -> bool:
    return isinstance(event, TaskResult)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("pause", "{name: b, pause: {minutes: 10}}"),
        ("until", "{name: b, raw: second, until: false, retries: 5, delay: 600}"),
        ("loop", "{name: b, debug: , loop: [1, 2], loop_control: {pause: 600}}"),
        ("task", "{name: b, raw: hangs}"),
    ],
)
@pytest.mark.parametrize("forks", [1, 5])
def test_an_interrupt_ends_whatever_is_waited_for(
    tmp_path: Path, json: bool, name: str, line: str, forks: int
) -> None:
    ready = stage(
        tmp_path,
        tasks(line, "{name: c, debug: }"),
        THREE,
        json=json,
        fleet=fakes(going({"hangs": ()})),
        extra={},
        forks=forks,
    )
    ran = interrupting(ready, lambda event: isinstance(event, TaskStarted))
    assert ran.ends == {"h1": "cancelled", "h2": "cancelled", "h3": "cancelled"}
    assert not [line for line in ran.done if line.startswith("c:")]
    assert ran.status == 130


def test_an_interrupt_between_plays_leaves_nobody_well(tmp_path: Path, json: bool) -> None:
    text = (
        tasks("{name: a, debug: }")
        + "- {hosts: all, gather_facts: false, tasks: [{name: b, pause: {minutes: 5}}]}\n"
    )
    ready = stage(tmp_path, text, THREE, json=json)
    seen: list[Event] = []

    def second(event: Event) -> bool:
        seen.append(event)
        return isinstance(event, TaskStarted) and event.name == "b"

    ran = interrupting(ready, second)
    assert set(ran.ends.values()) == {"cancelled"}
    assert ran.recap("h1") == {"ok": 1, "cancelled": 1}
    assert ran.status == 130


def test_a_mistake_in_a_later_play_ends_the_run_and_is_a_failure(play: Callable[..., Ran]) -> None:
    second = "- {hosts: all, serial: '{{ nope }}', gather_facts: false, tasks: []}\n"
    text = tasks("{name: a, debug: }") + second
    ran = play(text)
    assert ran.status != 0
    assert any("nope" in words for words in ran.notices)


def test_a_mistake_in_the_first_play_is_a_failure_too(play: Callable[..., Ran]) -> None:
    ran = play("- {hosts: '{{ nope }}', gather_facts: false, tasks: []}\n")
    assert ran.status != 0
    assert any("nope" in words for words in ran.notices)


def test_a_bug_in_a_module_fails_its_host_and_is_told(
    play: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    from opsrun.modules.ping import Ping

    def broken(self: Ping, context: Any) -> Steps:
        raise ZeroDivisionError("a bug")
        yield ModuleResult()

    monkeypatch.setattr(Ping, "steps", broken)
    ran = play(tasks("{name: a, ping: }", "{name: b, debug: }"), "h1,h2,")
    assert ran.ends == {"h1": "failed", "h2": "failed"}
    assert any("a bug in opsrun" in words and "ZeroDivisionError" in words for words in ran.notices)


def test_a_result_that_is_no_data_fails_its_task_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opsrun.modules.ping import Ping

    def odd(self: Ping, context: Any) -> Steps:
        return ModuleResult(data={"engine": object()})
        yield

    monkeypatch.setattr(Ping, "steps", odd)
    ran = run(tmp_path, tasks("{name: a, ping: , register: r}"), "h1,", json=True)
    assert ran.ends == {"h1": "failed"}
    assert ran.status == 1


def test_playbooks_follow_each_other_until_one_fails(play: Callable[..., Ran]) -> None:
    files = {
        "one.yml": tasks("{name: a, debug: }"),
        "two.yml": tasks("{name: b, fail: , when: inventory_hostname == 'h1'}"),
        "three.yml": tasks("{name: c, debug: }"),
    }
    ran = play(files, main=("one.yml", "two.yml", "three.yml"))
    assert {line.split(":")[0] for line in ran.done} == {"a", "b"}


def test_imported_playbooks_keep_their_places(play: Callable[..., Ran]) -> None:
    files = {
        "site.yml": "- import_playbook: other.yml\n"
        + tasks("{name: mid, debug: }")
        + "- import_playbook: other.yml\n",
        "other.yml": tasks("{name: o, fail: , when: inventory_hostname == 'h1'}"),
    }
    ran = play(files, "h1,h2,")
    assert [line.split(":")[0] for line in ran.done if line.endswith("h2")] == ["o", "mid", "o"]


def test_hold_is_released_for_nobody(engine: Engine) -> None:
    # The fakes' own promise that the tests above stand on: a held login ends with its transport.
    hold = Hold(engine)
    transport = FakeTransport(engine, {}, login=[hold])
    errors: list[BaseException] = []

    def connect() -> None:
        try:
            transport.connect()
        except BaseException as error:
            errors.append(error)

    task = engine.spawn(connect)
    assert hold.reached.wait(10.0)
    transport.close()
    assert task.join(10.0)
    assert [type(error).__name__ for error in errors] == ["Cancelled"]


PROMPTS = """
- hosts: all
  gather_facts: false
  vars_prompt:
  - {name: pw, prompt: Password, confirm: true}
  - {name: colour, private: false, default: red}
  - {name: given}
  tasks:
  - {name: a, debug: {msg: '{{ [pw, colour, given] }}'}}
"""


def test_the_operator_is_asked_until_both_answers_agree(play: Callable[..., Ran]) -> None:
    answers = iter(["one", "two", "same", "same", ""])
    asked: list[tuple[str, bool]] = []

    def prompt(words: str, echo: bool) -> str:
        asked.append((words, echo))
        return next(answers)

    extra = {"ansible_connection": "local", "given": "so"}
    ran = play(PROMPTS, "h1,", options=PlaybookOptions(prompt=prompt), extra=extra)
    assert ran.msg("a") == ["same", "red", "so"]
    password = [("Password: ", False), ("confirm Password: ", False)]
    assert asked == [*password, *password, ("colour [red]: ", True)]


def test_with_nobody_to_ask_the_run_says_what_to_give(play: Callable[..., Ran]) -> None:
    ran = play(PROMPTS, "h1,")
    assert ran.status == 1
    assert any("-e pw=" in words for words in ran.notices)
