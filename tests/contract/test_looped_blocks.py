"""``loop`` on a block: every host does the block's tasks once for each of its items."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.playruns import Ran, run

from opsrun.composition.playbooks.options import PlaybookOptions
from opsrun.events import TaskStarted

TWO = "h1,h2,"


@pytest.fixture
def play(tmp_path: Path) -> Callable[..., Ran]:
    def carry_out(text: str, hosts: str = "h1,", **more: Any) -> Ran:
        return run(tmp_path, text, hosts, **more)

    return carry_out


def book(tasks: str, head: str = "", tail: str = "") -> str:
    return f"- hosts: all\n  gather_facts: false\n{head}  tasks:\n{tasks}{tail}"


def msgs(ran: Ran, name: str, host: str = "h1") -> list[Any]:
    return [each.result["msg"] for each in ran.said(name, host)]


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_items_follow_each_other(play: Callable[..., Ran], strategy: str) -> None:
    text = book(
        """
  - set_fact: {found: "{{ ['x', 'y'] if inventory_hostname == 'h1' else ['y'] }}", item: weak}
  - loop: "{{ found }}"
    loop_control: {index_var: n, extended: true}
    block:
    - {name: a, debug: {msg: "{{ item }}{{ n }}{{ ansible_loop.last }}"}, register: r}
    - {name: b, debug: {msg: "{{ r.msg }}"}}
  - {name: z, debug: {msg: "{{ item }} {{ r.msg }} {{ n is defined }}"}}
""",
        f"  strategy: {strategy}\n",
    )
    ran = play(text, TWO)
    assert [each for each in ran.done if each.endswith("h1")][1:] == [
        "block:h1",
        *("a:h1", "b:h1", "a:h1", "b:h1", "z:h1"),
    ]
    assert msgs(ran, "b") == ["x0False", "y1True"]
    assert msgs(ran, "b", "h2") == ["y0True"]
    assert msgs(ran, "z") == ["weak y1True False"]
    assert ran.recap("h1") == {"ok": 6}
    ids = [each.task for each in ran.events if isinstance(each, TaskStarted)]
    if strategy == "linear":
        assert len(set(ids)) == len(ids)
        assert {"0/tasks/1+1/block/0", "0/tasks/1+1.2/block/0", "0/tasks/1+2/block/1"} <= set(ids)


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_a_condition_decides_about_each_item_at_its_turn(
    play: Callable[..., Ran], strategy: str
) -> None:
    text = book(
        """
  - name: look
    loop: [1, 2, 3, 4]
    loop_control: {label: "no {{ item }}"}
    when: not (done | default(false)) and item != 1
    block:
    - {name: a, set_fact: {done: true}}
    - {name: b, debug: {msg: "{{ item }}"}}
""",
        f"  strategy: {strategy}\n",
    )
    ran = play(text, TWO)
    assert msgs(ran, "b") == msgs(ran, "b", "h2") == [2]
    skipped = [name for name, _ in (each.split(":") for each in ran.done) if "item" in name]
    assert sorted(set(skipped)) == [f"look (item=no {n})" for n in (1, 3, 4)]
    assert ran.recap("h1") == {"ok": 2, "skipped": 3}


RESCUED = """
  - loop: [1, 2, 3]
    block:
    - {name: a, command: 'true', notify: h}
    - {name: bad, fail: {msg: "no {{ item }}"}, when: item >= fails}
    rescue:
    - {name: r, debug: {msg: "{{ item }} {{ ansible_failed_result.msg }}"}}
    always:
    - {name: w, debug: {msg: "{{ item }}"}}
  - {name: z, debug: }
  handlers:
  - {name: h, debug: }
"""


def test_each_item_has_its_own_rescue(play: Callable[..., Ran]) -> None:
    ran = play(book(RESCUED), extra={"ansible_connection": "local", "fails": 2})
    assert msgs(ran, "r") == ["2 no 2", "3 no 3"]
    assert msgs(ran, "w") == [1, 2, 3]
    assert ran.done[-2:] == ["z:h1", "h:h1"]
    assert ran.recap("h1") == {"ok": 10, "changed": 3, "rescued": 2, "skipped": 1}
    assert ran.status == 0


def test_what_fails_leaves_the_items_behind_it_undone(play: Callable[..., Ran]) -> None:
    text = book(
        """
  - loop: [1, 2, 3]
    block:
    - {name: a, debug: {msg: "{{ item }}"}, failed_when: item == 2}
    always:
    - {name: w, debug: {msg: "{{ item }}"}}
  - {name: z, debug: }
"""
    )
    ran = play(text)
    assert (msgs(ran, "a"), msgs(ran, "w")) == ([1, 2], [1, 2])
    assert ran.recap("h1") == {"ok": 3, "failed": 1}
    assert not ran.said("z")


def test_a_block_in_a_block(play: Callable[..., Ran]) -> None:
    text = book(
        """
  - loop: [{n: 1, of: [a, b]}, {n: 2, of: []}, {n: 3, of: [c]}]
    loop_control: {loop_var: outer}
    block:
    - loop: "{{ outer.of }}"
      when: inventory_hostname == 'h1' or item != 'b'
      block:
      - {name: in, debug: {msg: "{{ outer.n }}{{ item }}"}}
    - {name: out, debug: {msg: "{{ outer.n }}"}}
"""
    )
    ran = play(text, TWO)
    assert msgs(ran, "in") == ["1a", "1b", "3c"]
    assert msgs(ran, "in", "h2") == ["1a", "3c"]
    assert msgs(ran, "out") == [1, 2, 3]


def test_with_items_and_dicts(play: Callable[..., Ran]) -> None:
    text = book(
        """
  - with_items: [[1, 2], 3]
    block: [{name: a, debug: {msg: "{{ item }}"}}]
  - with_dict: {k: v}
    block: [{name: b, debug: {msg: "{{ item.key }}={{ item.value }}"}}]
  - loop: "{{ {'k': 'v'} }}"
    block: [{name: c, debug: }]
"""
    )
    ran = play(text)
    assert (msgs(ran, "a"), msgs(ran, "b")) == ([1, 2, 3], ["k=v"])
    assert "loop: expected a list, found a dictionary (of 1); dict2items" in ran.error("h1")
    assert ran.status == 1


def test_nothing_to_go_through(play: Callable[..., Ran]) -> None:
    text = book(
        """
  - {loop: [], block: [{name: a, debug: }]}
  - {loop: "{{ nowhere }}", when: nowhere is defined, block: [{name: a, debug: }]}
  - block:
    - {loop: "{{ nowhere }}", block: [{name: a, debug: }]}
    rescue:
    - {name: r, debug: {msg: "{{ ansible_failed_result.msg }}"}}
"""
    )
    ran = play(text)
    assert not ran.said("a")
    assert "'nowhere' is undefined" in msgs(ran, "r")[0]
    assert ran.recap("h1") == {"ok": 1, "skipped": 2, "rescued": 1}


def test_a_thousand_items(play: Callable[..., Ran]) -> None:
    text = book("  - {loop: '{{ range(1000) }}', block: [{name: a, debug: {msg: '{{ item }}'}}]}\n")
    ran = play(text)
    assert msgs(ran, "a") == list(range(1000))


def test_blocks_within_blocks(play: Callable[..., Ran]) -> None:
    depth, lines = 40, []
    for n in range(depth):
        pad = "  " * (n + 1)
        lines += [f"{pad}- loop: [{n}]", f"{pad}  loop_control: {{loop_var: v{n}}}"]
        lines += [f"{pad}  block:"]
    lines.append("  " * (depth + 1) + "- {name: a, debug: {msg: '{{ v0 }} {{ v39 }}'}}")
    ran = play(book("\n".join(lines) + "\n"))
    assert msgs(ran, "a") == ["0 39"]


def test_run_once_inside(play: Callable[..., Ran]) -> None:
    text = book(
        """
  - loop: [1, 2]
    block:
    - {name: a, command: "echo {{ inventory_hostname }}{{ item }}", run_once: true, register: r}
    - {name: b, debug: {msg: "{{ r.stdout }}"}}
"""
    )
    ran = play(text, TWO)
    assert [each for each in ran.done if each.startswith("a:")] == ["a:h1", "a:h1"]
    assert msgs(ran, "b", "h2") == ["h11", "h12"]


def test_a_block_that_runs_once(play: Callable[..., Ran]) -> None:
    text = book(
        """
  - loop: [1, 2]
    run_once: true
    block:
    - {name: a, command: "echo {{ item }}", register: r}
  - {name: b, debug: {msg: "{{ r.stdout }}"}}
"""
    )
    ran = play(text, TWO)
    assert [each for each in ran.done if each.startswith("a:")] == ["a:h1", "a:h1"]
    assert msgs(ran, "b", "h2") == ["2"]


TAGGED = """
  - loop: [1, 2]
    when: true
    block:
    - {name: a, debug: , tags: t}
    - {name: b, debug: }
    - {name: c, debug: , tags: never}
"""


def test_tags_choose_inside(play: Callable[..., Ran]) -> None:
    assert play(book(TAGGED), tags=("t",)).done[-2:] == ["a:h1", "a:h1"]
    assert {each[0] for each in play(book(TAGGED)).done if len(each) == 4} == {"a", "b"}
    assert not play(book(TAGGED), skip_tags=("t", "untagged")).done


@pytest.mark.parametrize("when", ["", "    when: item > 0\n"])
def test_start_at_a_task_of_the_block(play: Callable[..., Ran], when: str) -> None:
    text = book(
        f"""
  - {{name: a, debug: }}
  - loop: [1, 2]
{when}    block:
    - {{name: b, debug: }}
    - loop: [3, 4]
      loop_control: {{loop_var: inner}}
      block:
      - {{name: c, debug: }}
      - {{name: d, debug: }}
    - {{name: e, debug: }}
"""
    )
    found = [each[0] for each in play(text, start_at="d").done if each.index(":") == 1]
    assert "".join(found) == "dcde" + "bcdcde"


def test_each_step_is_asked_for(play: Callable[..., Ran]) -> None:
    asked: list[str] = []

    def confirm(name: str) -> str:
        asked.append(name)
        return "n" if len(asked) == 1 else "y"

    text = book("  - {loop: [1, 2], when: true, block: [{name: a, debug: }]}\n")
    ran = play(text, options=PlaybookOptions(confirm=confirm), step=True)
    assert asked == ["a", "a"]
    assert ran.recap("h1") == {"ok": 1, "skipped": 1}


def test_check_mode(play: Callable[..., Ran], tmp_path: Path) -> None:
    text = book(
        f"""
  - loop: [one, two]
    block:
    - {{name: a, file: {{path: "{tmp_path}/{{{{ item }}}}", state: touch}}}}
"""
    )
    assert play(text, check=True).recap("h1") == {"ok": 2, "changed": 2}
    assert not (tmp_path / "one").exists()


def test_secrets_of_items_are_hidden(play: Callable[..., Ran]) -> None:
    text = book(
        """
  - loop: [s3cret]
    no_log: true
    when: item != 's3cret'
    block: [{name: a, debug: {msg: "{{ item }}"}}]
  - loop: [s3cret]
    no_log: true
    block: [{name: a, debug: {msg: "{{ item }}"}}]
"""
    )
    ran = play(text)
    assert "s3cret" not in repr([each.to_dict() for each in ran.events])


def test_imports_inside(play: Callable[..., Ran], tmp_path: Path) -> None:
    files = {
        "site.yml": book(
            """
  - loop: [1, 2]
    block:
    - import_role: {name: r}
    - include_tasks: more.yml
  - meta: flush_handlers
""",
            tail="",
        ),
        "more.yml": "- {name: more, debug: {msg: '{{ item }}'}}\n",
        "roles/r/tasks/main.yml": "- {name: t, command: 'echo {{ item }}{{ d }}', notify: h}\n",
        "roles/r/handlers/main.yml": "- {name: h, debug: , listen: x}\n",
        "roles/r/defaults/main.yml": "d: def\n",
        "roles/r/meta/main.yml": "dependencies: [dep]\n",
        "roles/dep/tasks/main.yml": "- {name: dep, debug: {msg: '{{ item }}'}}\n",
    }
    ran = run(tmp_path, files)
    assert [each.result["stdout"] for each in ran.said("t")] == ["1def", "2def"]
    assert msgs(ran, "more") == [1, 2]
    assert len(ran.said("h")) == 1


def test_a_role_has_such_blocks(tmp_path: Path) -> None:
    files = {
        "site.yml": "- {hosts: all, gather_facts: false, roles: [r]}\n",
        "roles/r/defaults/main.yml": "names: [a, b]\n",
        "roles/r/tasks/main.yml": """
- loop: "{{ names }}"
  block:
  - {name: t, debug: {msg: "{{ item }}"}}
  - {meta: end_role, when: item == 'a'}
- {name: never, debug: }
""",
    }
    ran = run(tmp_path, files)
    assert msgs(ran, "t") == ["a"]
    assert not ran.said("never")


def test_a_task_that_hides_the_item_is_warned_of(play: Callable[..., Ran]) -> None:
    text = book("  - {loop: [1], block: [{name: a, debug: , loop: [2]}]}\n")
    assert any("hides the item of a block" in words for words in play(text).notices)


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_a_gate_that_an_item_opens(play: Callable[..., Ran], strategy: str) -> None:
    text = book(
        """
  - loop: [1, 2]
    when: item == 2
    block: [{name: open, debug: , opens: ready}]
- hosts: h2
  after: []
  gates: [ready]
  gather_facts: false
  tasks: [{name: go, debug: }]
""",
        f"  strategy: {strategy}\n",
    ).replace("hosts: all", "hosts: h1", 1)
    ran = play(text, TWO)
    assert ran.status == 0, ran.notices
    assert ran.done.index("open:h1") < ran.done.index("go:h2")
