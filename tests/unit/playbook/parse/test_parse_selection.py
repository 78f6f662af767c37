"""Tags, the task to start at, and listings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.dialect.tags import Template
from opsrun.errors import UsageError
from opsrun.playbook.model.nodes import Play, Task
from opsrun.playbook.parse.listing import listed
from opsrun.playbook.parse.selection import Selection, select, start_at, tags_of

Tasks = Callable[[Play], list[Task]]

# Own tags, --tags, --skip-tags, and whether ansible-core 2.18 runs such a task.
RULES = [
    ("", "", "", True),
    ("x", "", "", True),
    ("never", "", "", False),
    ("never x", "", "", False),
    ("always never", "", "", True),
    ("x", "x", "", True),
    ("y", "x", "", False),
    ("", "x", "", False),
    ("always", "x", "", True),
    ("never x", "x", "", True),
    ("never x", "never", "", True),
    ("never", "all", "", False),
    ("x", "tagged", "", True),
    ("", "tagged", "", False),
    ("never x", "tagged", "", False),
    ("always never", "tagged", "", True),
    ("", "untagged", "", True),
    ("x", "untagged", "", False),
    ("always", "untagged", "", True),
    ("x", "", "x", False),
    ("always", "", "always", False),
    ("always x", "", "x", False),
    ("always", "", "all", True),
    ("x", "", "all", False),
    ("always", "", "all,always", False),
    ("x", "", "tagged", False),
    ("", "", "tagged", True),
    ("", "", "untagged", False),
    ("x y", "x", "y", False),
]


@pytest.mark.parametrize(("own", "tags", "skip", "runs"), RULES)
def test_rules_of_tags(own: str, tags: str, skip: str, runs: bool) -> None:
    assert Selection.of([tags], [skip]).takes(own.split()) is runs


sets = st.frozensets(st.sampled_from(["a", "b", "always", "never", "all", "tagged"]), max_size=3)


@given(sets, sets, sets)
def test_what_is_skipped_never_runs(own: frozenset[str], tags: Any, skip: frozenset[str]) -> None:
    if skip & own:
        assert not Selection(tags, skip).takes(own)


BOOK = """
    - hosts: all
      tasks:
        - {name: plain, ping: }
        - block:
            - {name: in block, ping: }
          rescue:
            - {name: rescue, ping: , tags: y}
          tags: x
        - {name: rare, ping: , tags: [never, z]}
    - hosts: db
      gather_facts: no
      tasks: [{name: last, ping: , tags: x}]
"""


def names(play: Play) -> list[str]:
    return [task.name or task.action.name for block in play.blocks for task in block.every_task()]


def test_a_play_with_the_selected_tasks_alone(desk: Any) -> None:
    play = desk.play(BOOK)
    every = ["Gathering Facts", "meta", "plain", "in block", "rescue", "rare", "meta", "meta"]
    assert names(play) == every
    assert names(select(play, Selection())) == [name for name in every if name != "rare"]
    chosen = ["Gathering Facts", "meta", "rescue", "meta", "meta"]
    assert names(select(play, Selection.of(["y"]))) == chosen
    without = names(select(play, Selection.of([], ["always,x"])))
    assert without == ["meta", "plain", "meta", "meta"]


def test_nothing_is_made_anew_that_stays_as_it_is(desk: Any) -> None:
    play = desk.play("- hosts: all\n  tasks: [{block: [{ping: }]}]\n")
    assert select(play, Selection()).blocks == play.blocks


def test_tags_that_are_templates() -> None:
    tags = ("a", Template("{{ t }}"))
    assert tags_of(tags, lambda template: ["b", "c,d"]) == ("a", "b", "c", "d")
    assert tags_of(tags) == ("a", "{{ t }}")


def test_tags_are_written_in_many_ways(desk: Any) -> None:
    found = desk.tasks("""
        - {ping: , tags: "a, b"}
        - {ping: , tags: [a, "b,c", 5]}
        - {ping: , tags: []}
        - {ping: , tags: "{{ t }}"}
    """)
    assert [task.keywords.tags for task in found] == [
        ("a", "b"), ("a", "b", "c", "5"), (), ("{{ t }}",),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("in block", [["Gathering Facts", "meta", "in block", "rescue", "rare", "meta", "meta"]]),
        ("ra*", [["Gathering Facts", "meta", "rare", "meta", "meta"]]),
        ("last", []),
    ],
)
def test_starting_at_a_task(desk: Any, pattern: str, expected: list[list[str]]) -> None:
    plays = start_at(desk.book(BOOK).plays, pattern)
    last = ["meta", "last", "meta", "meta"]
    assert [names(play) for play in plays] == [*expected, last]


def test_a_task_to_start_at_that_there_is_not(desk: Any) -> None:
    with pytest.raises(UsageError, match="no task is named 'plian'; did you mean 'plain'"):
        start_at(desk.book(BOOK).plays, "plian")


def test_starting_at_a_task_of_a_role(desk: Any) -> None:
    desk.write({"roles/r/tasks/main.yml": "- {name: a, ping: }\n- {name: b, ping: }\n"})
    (play,) = start_at(desk.book("- hosts: all\n  roles: [r]\n").plays, "r : b")
    assert names(play) == ["Gathering Facts", "meta", "b", "meta", "meta"]


def test_listings(desk: Any) -> None:
    desk.write({"roles/r/tasks/main.yml": "- {name: a, ping: , tags: [z, b]}\n- ping:\n"})
    (play,) = listed(
        desk.book("""
            - hosts: [web, db]
              tags: [p, a]
              roles: [r]
              tasks: [{ansible.builtin.ping: }, {ping: , tags: never}]
        """).plays
    )
    assert (play.name, play.hosts, play.tags) == ("web,db", ["web", "db"], ("p", "a"))
    assert [(task.name, task.tags) for task in play.tasks] == [
        ("r : a", ("a", "b", "p", "z")), ("ping", ("a", "p")), ("ansible.builtin.ping", ("a", "p")),
    ]  # fmt: skip
    assert play.task_tags == ("a", "b", "p", "z")
    assert (play.tasks[0].origin.path, play.tasks[0].origin.line) == ("roles/r/tasks/main.yml", 1)


def test_tags_are_rendered_with_the_variables_of_their_play(desk: Any) -> None:
    desk.write({"v.yml": "t: [x, y]\n"})
    play = desk.using(render=lambda tag, known: known[tag.strip("{} ")]).play(
        "- hosts: all\n  vars_files: [v.yml]\n  tasks: [{name: a, ping: , tags: '{{ t }}'}]\n"
    )
    render = desk.loader.tag_renderer(play)
    (shown,) = listed([play], Selection.of(["y"]), render)
    assert [(task.name, task.tags) for task in shown.tasks] == [("a", ("x", "y"))]
    assert not listed([play], Selection.of(["z"]), render)[0].tasks
    plain = desk.using().play("- hosts: all\n  tasks: [{ping: , tags: '{{ t }}'}]\n")
    assert desk.loader.tag_renderer(plain)(Template("{{ t }}")) == "{{ t }}"
