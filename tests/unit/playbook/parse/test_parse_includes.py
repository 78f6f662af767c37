"""``import_tasks`` in place, ``include_tasks`` while running; where files are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from opsrun.dialect.tags import Template
from opsrun.errors import PlaybookError
from opsrun.playbook.messages import Include
from opsrun.playbook.model.nodes import Task
from opsrun.playbook.parse.loader import MAX_DEPTH, Included

ONE = {"one.yml": "- {name: first, ping: , when: b, tags: u}\n- {name: second, ping: }\n"}


def names(found: Included) -> list[str]:
    return [task.name for task in tasks(found)]


def tasks(found: Included) -> list[Task]:
    return [task for block in found.blocks for task in block.every_task()]


def test_an_import_takes_its_place(desk: Any) -> None:
    found = desk.tasks(
        """
        - {name: before, ping: }
        - import_tasks: one.yml
          when: a
          tags: t
          become: true
          vars: {v: 1}
          notify: h
        - ansible.builtin.import_tasks: {file: one.yml}
        """,
        ONE,
    )
    assert [task.name for task in found] == ["before", "first", "second", "first", "second"]
    first = found[1]
    assert (first.keywords.when, first.keywords.tags) == (("a", "b"), ("t", "u"))
    assert (first.keywords.become, first.notify) == (True, ("h",))
    assert [dict(layer.values) for layer in first.vars] == [{"v": 1}]
    assert first.origin.path == "one.yml"
    assert len({task.id for task in found}) == len(found)
    assert found[3].keywords.when == ("b",)


def test_an_include_hands_on_what_is_around_it_and_not_its_own(desk: Any) -> None:
    (task,) = desk.tasks(
        """
        - block:
            - include_tasks: one.yml
              when: own
              tags: own
              vars: {w: 2}
          when: around
          tags: around
          become: true
          vars: {v: 1}
        """,
        ONE,
    )
    found = desk.loader.load(task, Include("tasks", "one.yml", {}, {"item": 3, "w": 2}))
    first, _ = tasks(found)
    assert (first.keywords.when, first.keywords.tags) == (("around", "b"), ("around", "u"))
    assert first.keywords.become is True
    assert [dict(layer.values) for layer in first.vars] == [{"v": 1}, {"w": 2}]
    assert [dict(layer.values) for layer in first.include_vars] == [{"w": 2}, {"item": 3, "w": 2}]


def test_apply_holds_for_what_is_included(desk: Any) -> None:
    (task,) = desk.tasks(
        """
        - include_tasks:
            file: one.yml
            apply: {tags: [x], when: "{{ y }}", become: true, vars: {z: 1}, notify: h}
        """,
        ONE,
    )
    first, _ = tasks(desk.loader.load(task, Include("tasks", "one.yml")))
    assert (first.keywords.tags, first.keywords.when) == (("x", "u"), ("{{ y }}", "b"))
    assert (first.keywords.become, first.notify) == (True, ("h",))
    assert {"z": 1} in [dict(layer.values) for layer in first.vars]


def test_apply_takes_keywords_alone(desk: Any) -> None:
    (task,) = desk.tasks("- include_tasks: {file: one.yml, apply: {tgas: x}}\n", ONE)
    with pytest.raises(PlaybookError, match="'tgas' is not a keyword of a apply; did you mean"):
        desk.loader.load(task, Include("tasks", "one.yml"))


def test_each_use_of_an_include_has_ids_of_its_own(desk: Any) -> None:
    (task,) = desk.tasks("- include_tasks: one.yml\n", ONE)
    both = [desk.loader.load(task, Include("tasks", "one.yml")) for _ in range(2)]
    ids = [each.id for found in both for each in tasks(found)]
    assert ids == ["0/tasks/0+1/0", "0/tasks/0+1/1", "0/tasks/0+2/0", "0/tasks/0+2/1"]


def test_includes_of_handlers_are_handlers(desk: Any) -> None:
    play = desk.play(
        "- hosts: all\n  handlers: [{name: h, include_tasks: one.yml}]\n",
        {"one.yml": "- {name: x, ping: , listen: topic}\n"},
    )
    found = desk.loader.load(play.handlers[0], Include("tasks", "one.yml"))
    (block,) = found.blocks
    assert [(node.name, node.handler) for node in block.tasks] == [("x", True)]
    assert not found.handlers


def test_handlers_of_a_role_include_its_task_files_too(desk: Any) -> None:
    files = {
        "roles/r/handlers/main.yml": "- {name: h, include_tasks: own.yml}\n",
        "roles/r/tasks/main.yml": "- ping:\n",
        "roles/r/tasks/own.yml": "- {name: shared, ping: }\n",
    }
    play = desk.play("- hosts: all\n  roles: [r]\n", files)
    found = desk.loader.load(play.handlers[0], Include("tasks", "own.yml"))
    assert [(node.name, node.handler) for node in found.blocks[0].tasks] == [("shared", True)]


SEARCH = {
    "roles/r/tasks/main.yml": "- import_tasks: d/imp.yml\n- include_tasks: d/inc.yml\n",
    "roles/r/tasks/d/imp.yml": "- import_tasks: both.yml\n",
    "roles/r/tasks/d/inc.yml": "- include_tasks: both.yml\n- include_tasks: beside.yml\n",
    "roles/r/tasks/both.yml": "- {name: tasks, ping: }\n",
    "roles/r/tasks/d/both.yml": "- {name: beside, ping: }\n",
    "roles/r/tasks/d/beside.yml": "- {name: beside, ping: }\n",
}


def test_where_task_files_of_roles_are_looked_for(desk: Any) -> None:
    play = desk.play("- hosts: all\n  roles: [r]\n", SEARCH)
    block = next(block for block in play.blocks if block.role)
    imported, include = block.every_task()
    assert imported.name == "beside"
    inner = tasks(desk.loader.load(include, Include("tasks", "d/inc.yml")))
    found = [
        names(desk.loader.load(each, Include("tasks", each.action.free_form or "")))
        for each in inner
    ]
    assert found == [["tasks"], ["beside"]]


def test_paths_are_seen_from_the_file_and_then_from_the_playbook(desk: Any) -> None:
    files = {
        "sub/a.yml": "- import_tasks: near.yml\n- import_tasks: far.yml\n",
        "sub/near.yml": "- {name: near, ping: }",
        "near.yml": "- {name: wrong, ping: }",
        "far.yml": "- {name: far, ping: }",
    }
    found = desk.tasks("- import_tasks: sub/a.yml\n", files)
    assert [task.name for task in found] == ["near", "far"]


def test_static_names_see_the_variables_around(desk: Any) -> None:
    def render(template: Template, known: Mapping[str, Any]) -> Any:
        return template.replace("{{ f }}", str(known["f"]))

    found = desk.using(render=render).tasks(
        """
        - import_tasks: "{{ f }}.yml"
          vars: {f: one}
        """,
        ONE,
    )
    assert [task.name for task in found] == ["first", "second"]


def test_static_names_that_are_not_known_are_explained(desk: Any) -> None:
    def render(template: Template, known: Mapping[str, Any]) -> Any:
        raise PlaybookError("'f' is undefined")

    words = r"'f' is undefined\. What stands under 'roles' or is imported"
    with pytest.raises(PlaybookError, match=words):
        desk.using(render=render).tasks("- import_tasks: '{{ f }}.yml'\n")


def test_circles_of_imports_are_found(desk: Any) -> None:
    files = {"a.yml": "- import_tasks: b.yml\n", "b.yml": "- ping:\n- import_tasks: a.yml\n"}
    with pytest.raises(PlaybookError) as caught:
        desk.tasks("- import_tasks: a.yml\n", files)
    assert "imports go in a circle" in caught.value.message
    assert (caught.value.path, caught.value.line) == ("b.yml", 2)


def test_an_include_without_end_is_ended(desk: Any) -> None:
    (task,) = desk.tasks("- include_tasks: me.yml\n", {"me.yml": "- include_tasks: me.yml\n"})
    for _ in range(MAX_DEPTH):
        (task,) = tasks(desk.loader.load(task, Include("tasks", "me.yml")))
    with pytest.raises(PlaybookError, match="includes within each other"):
        desk.loader.load(task, Include("tasks", "me.yml"))


def test_a_missing_file_is_named_with_all_places(desk: Any) -> None:
    with pytest.raises(PlaybookError) as caught:
        desk.tasks("- import_tasks: sub/none.yml\n", {"sub/x.yml": "[]"})
    assert "no task file 'sub/none.yml'; looked for sub/none.yml" in caught.value.message
    assert (caught.value.line, caught.value.column) == (3, 7)


def test_a_broken_file_is_told_where_it_is_broken(desk: Any) -> None:
    (task,) = desk.tasks("- include_tasks: bad.yml\n", {"bad.yml": "- ping:\n- nmae: x\n  png:\n"})
    with pytest.raises(PlaybookError) as caught:
        desk.loader.load(task, Include("tasks", "bad.yml"))
    assert (caught.value.path, caught.value.line) == ("bad.yml", 2)
