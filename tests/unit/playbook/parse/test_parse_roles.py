"""Roles: where they are, what is in them, how often they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from opsrun.dialect.tags import Template
from opsrun.errors import PlaybookError
from opsrun.playbook.messages import Include
from opsrun.playbook.model.nodes import Play, Task
from opsrun.playbook.templating.library import Library
from opsrun.playbook.templating.templar import Templar

Tasks = Callable[[Play], list[Task]]


def ran(tasks: list[Task]) -> list[str]:
    return [f"{task.role.name if task.role else '-'}:{task.name}" for task in tasks]


def role(name: str, **more: str) -> dict[str, str]:
    files = {f"roles/{name}/tasks/main.yml": f"- {{name: {name}, ping: }}\n"}
    return files | {f"roles/{name}/{path}": text for path, text in more.items()}


ALL = {
    **role(
        "a", **{"defaults/main.yml": "x: '{{ d }}'\n", "handlers/main.yml": "- {name: ha, ping: }"}
    ),
    **role("b", **{"meta/main.yml": "dependencies: [a]\n", "vars/main.yml": "y: 2\n"}),
    **role("c", **{"meta/main.yml": "dependencies: [{role: a, p: 1, when: w, tags: t}]\n"}),
    **role("twice", **{"meta/main.yml": "allow_duplicates: true\n"}),
}


def test_roles_count_as_one_unless_they_differ(desk: Any) -> None:
    play = desk.play(
        """
        - hosts: all
          roles: [a, b, c, {role: a, tags: t1}, a, {role: a, become: true}, {role: a, when: z},
                  twice, twice, {name: a, q: 1}]
          tasks:
          - import_role: {name: a}
          - import_role: {name: a, allow_duplicates: false}
            when: z
          - import_role: {name: a}
            vars: {v: 1}
        """,
        ALL,
    )
    uses = [block.role for block in play.blocks if block.role_end]
    numbers: dict[str, int] = {}
    found = [f"{use.name}{numbers.setdefault(use.key, len(numbers))}" for use in uses]
    assert found == [
        *("a0", "a0", "b1", "a2", "c3", "a4", "a0", "a0", "a5", "twice6", "twice6", "a7"),
        *("a8", "a8", "a9"),
    ]
    assert [use.name for use in uses if use.allow_duplicates] == ["twice", "twice", "a", "a"]


def test_handlers_of_roles_that_count_as_one_are_told_once(desk: Any) -> None:
    play = desk.play("- hosts: all\n  roles: [a, b, a, {role: a, x: 1}]\n", ALL)
    assert [node.name for node in play.handlers] == ["ha", "ha"]


def test_includes_of_a_role_count_as_one_if_they_give_the_same(desk: Any) -> None:
    text = """
        - include_role: {name: a}
        - include_role: {name: a, public: true, allow_duplicates: false}
          when: x
        - include_role: {name: a}
          vars: {v: 1}
    """
    tasks = desk.tasks(text, ALL)
    given = ({}, {}, {}, {"item": 1})
    chosen = (*tasks, tasks[0])
    keys = [
        desk.loader.load(task, Include("role", "a", {}, variables)).role.key
        for task, variables in zip(chosen, given, strict=True)
    ]
    assert [keys.index(key) for key in keys] == [0, 0, 2, 3]


def test_what_a_role_holds(desk: Any, tasks_of: Tasks) -> None:
    play = desk.play("- hosts: all\n  roles: [{role: b, p: '{{ q }}', vars: {v: 1}}]\n", ALL)
    first, then = tasks_of(play)
    found = then.role
    assert found is not None
    assert (dict(found.params.values), dict(found.entry_vars.values)) == (
        {"p": "{{ q }}"},
        {"v": 1},
    )
    assert isinstance(found.params.values["p"], Template)
    assert (dict(found.vars.values), found.path) == ({"y": 2}, "roles/b")
    assert [each.name for each in found.dependencies] == ["a"]
    assert first.role is not None
    assert [parent.name for parent in first.role.parents] == ["b"]
    assert isinstance(first.role.defaults.values["x"], Template)
    assert [each.name for each in play.roles] == ["b"]
    assert [block.role_end for block in play.blocks if block.role] == [True, True]


def test_keywords_of_entries_reach_dependencies(desk: Any, tasks_of: Tasks) -> None:
    play = desk.play("- hosts: all\n  roles: [{role: c, tags: x, when: y, become: true}]\n", ALL)
    dependency, own = tasks_of(play)
    assert (dependency.keywords.when, dependency.keywords.tags) == (("y", "w"), ("x", "t"))
    assert (own.keywords.when, own.keywords.tags, own.keywords.become) == (("y",), ("x",), True)
    assert dependency.keywords.become is True


def test_handlers_of_roles_come_first(desk: Any) -> None:
    play = desk.play(
        """
        - hosts: all
          roles: [b]
          tasks: [{import_role: {name: d}}]
          handlers: [{name: own, ping: }]
        """,
        ALL | role("d", **{"handlers/main.yml": "- {name: hd, ping: , listen: topic}"}),
    )
    assert [(node.name, node.handler) for node in play.handlers] == [
        ("ha", True), ("own", True), ("hd", True),
    ]  # fmt: skip
    assert play.handlers[2].listen == ("topic",)


def test_import_role_with_other_files(desk: Any) -> None:
    files = role(
        "e",
        **{
            "tasks/other.yml": "- {name: other, ping: }",
            "defaults/alt.yaml": "x: 1",
            "vars/alt.json": '{"y": 2}',
            "handlers/alt.yml": "- {name: alt, ping: }",
        },
    )
    tasks = desk.tasks(
        """
        - import_role: {name: e, tasks_from: other, defaults_from: alt, vars_from: alt.json,
                        handlers_from: alt.yml}
          when: w
          tags: t
          vars: {v: 1}
        """,
        files,
    )
    (task,) = tasks
    assert (task.name, task.keywords.when, task.keywords.tags) == ("other", ("w",), ("t",))
    assert dict(task.role.defaults.values) | dict(task.role.vars.values) == {"x": 1, "y": 2}
    assert [dict(layer.values) for layer in task.vars] == [{"v": 1}]
    assert task.include_vars == ()


def test_directories_of_variables(desk: Any, tasks_of: Tasks) -> None:
    files = role("f", **{"defaults/main/a.yml": "x: 1\ny: 1", "defaults/main/b.yaml": "y: 2"})
    (task,) = tasks_of(desk.play("- hosts: all\n  roles: [f]\n", files))
    assert dict(task.role.defaults.values) == {"x": 1, "y": 2}
    assert task.role.defaults.places["y"].path == "roles/f/defaults/main/b.yaml"


def test_a_file_comes_before_a_directory(desk: Any, tasks_of: Tasks) -> None:
    files = role("f", **{"defaults/main/a.yml": "x: 1", "defaults/main.yml": "x: 2"})
    (task,) = tasks_of(desk.play("- hosts: all\n  roles: [f]\n", files))
    assert dict(task.role.defaults.values) == {"x": 2}


PLACES = {
    "pb/roles/r": {},
    "extra/r": {"roles_path": ["extra"]},
    "pb/r": {},
}


@pytest.mark.parametrize(("place", "options"), PLACES.items())
def test_where_roles_are_found(
    desk: Any, tasks_of: Tasks, place: str, options: dict[str, Any]
) -> None:
    desk.using(**options).write({f"{place}/tasks/main.yml": "- {name: r, ping: }"})
    desk.write({"pb/x.yml": "- hosts: all\n  roles: [r]\n"})
    (play,) = desk.book("- import_playbook: pb/x.yml\n").plays
    assert tasks_of(play)[0].role.path == place


def test_roles_of_collections_see_their_own(desk: Any, tasks_of: Tasks) -> None:
    base = "c/ansible_collections/n/s/roles"
    files = {
        f"{base}/r/tasks/main.yml": "- {name: r, ping: }",
        f"{base}/r/meta/main.yml": "dependencies: [sister]\ncollections: [q.p]\n",
        f"{base}/sister/tasks/main.yml": "- {name: sister, ping: }",
    }
    play = desk.using(collections_path=["c"]).play("- hosts: all\n  roles: [n.s.r]\n", files)
    tasks = tasks_of(play)
    assert ran(tasks) == ["n.s.sister:sister", "n.s.r:r"]
    assert tasks[1].role.collection == "n.s"
    assert tasks[1].keywords.collections == ("n.s", "q.p")
    short = desk.play("- hosts: all\n  collections: n.s\n  roles: [sister]\n")
    assert ran(tasks_of(short)) == ["n.s.sister:sister"]


def test_specifications_of_arguments_are_kept(desk: Any, tasks_of: Tasks) -> None:
    files = role("g", **{"meta/argument_specs.yml": "argument_specs: {main: {options: {}}}"})
    files |= role("h", **{"meta/main.yml": "argument_specs: {main: {}}"})
    one, _, two, _ = tasks_of(desk.play("- hosts: all\n  roles: [g, h]\n", files))
    assert (dict(one.role.argument_specs), dict(two.role.argument_specs)) == (
        {"main": {"options": {}}},
        {"main": {}},
    )


WRONG = {
    "tasks: [{meta: end_role}]": "this one is of none",
    "handlers: [{name: h, meta: end_role}]": "a handler can't end a role",
    "roles: [nope]": "no role 'nope'; looked for roles/nope",
    "roles: [aa]": "did you mean 'a'?",
    "roles: [{tags: x}]": "needs the role's name",
    "roles: [5]": "a role entry is a dictionary",
    "roles: a": "expected a list of roles",
    "roles: [l1]": "roles lead to each other in a circle: role",
    "tasks: [{import_role: {name: a, tasks_from: zz}}]": "the role has no tasks/zz; looked for",
    "tasks: [{import_role: {tasks_from: zz}}]": "import_role needs a 'name' of a role",
    "tasks: [{import_role: {name: a, frm: zz}}]": "import_role has no option 'frm'",
    "tasks: [{import_role: {name: self}}]": "circle",
}
BROKEN = {
    **ALL,
    **role("l1", **{"meta/main.yml": "dependencies: [l2]"}),
    **role("l2", **{"meta/main.yml": "dependencies: [{role: l1}]"}),
    **role("self", **{"tasks/main.yml": "- import_role: {name: self}"}),
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_what_is_wrong_with_roles(desk: Any, text: str, message: str) -> None:
    with pytest.raises(PlaybookError) as caught:
        desk.play(f"- hosts: all\n  {text}\n", BROKEN)
    assert message in str(caught.value)


def test_include_role_while_running(desk: Any, tasks_of: Tasks) -> None:
    (task,) = desk.tasks("- include_role: {name: b, apply: {tags: t}}\n  vars: {v: 1}\n", ALL)
    found = desk.loader.load(task, Include("role", "b", {"public": True}, {"v": 1}))
    again = desk.loader.load(task, Include("role", "b"))
    tasks = [task for block in found.blocks for task in block.every_task()]
    assert ran(tasks) == ["a:a", "b:b"]
    assert tasks[1].keywords.tags == ("t",)
    assert [dict(layer.values) for layer in tasks[1].include_vars] == [{"v": 1}, {"v": 1}]
    assert (found.role.public, again.role.public) == (True, False)
    assert [node.name for node in found.handlers] == ["ha"]
    ids = {
        task.id for each in (found, again) for block in each.blocks for task in block.every_task()
    }
    assert len(ids) == 4


def test_a_static_import_may_name_its_role_by_variables(desk: Any, tasks_of: Tasks) -> None:
    def render(template: Template, known: Mapping[str, Any]) -> Any:
        return known[template.strip("{} ")]

    play = desk.using(render=render).play(
        "- hosts: all\n  vars_files: v.yml\n  tasks: [{import_role: {name: '{{ r }}'}}]\n",
        ALL | {"v.yml": "r: a\n"},
    )
    assert ran(tasks_of(play)) == ["a:a"]


def test_a_role_may_import_another_file_of_its_own(desk: Any) -> None:
    files = role(
        "own",
        **{
            "tasks/main.yml": "- import_role: {name: own, tasks_from: more}",
            "tasks/more.yml": "- {name: more, ping: }",
        },
    )
    (task,) = desk.tasks("- import_role: {name: own}", files)
    assert task.name == "more"


def _static(template: Template, known: Mapping[str, Any]) -> Any:
    return Templar(known, Library.standard()).render(template)


def test_names_of_roles_are_rendered_with_what_is_known_before_any_host(
    desk: Any, tasks_of: Tasks
) -> None:
    desk.using(render=_static)
    play = desk.play(
        """
        - hosts: all
          vars: {which: a}
          roles: ["{{ which }}", {role: "{{ playbook_dir }}/elsewhere/b"}, {role: d}]
        """,
        {
            **ALL,
            **role("d", **{"meta/main.yml": "dependencies: [{role: '{{ which }}', q: 1}]\n"}),
            "elsewhere/b/tasks/main.yml": "- {name: eb, ping: }\n",
        },
    )
    where = desk.folder / "elsewhere" / "b"
    assert ran(tasks_of(play)) == ["a:a", f"{where}:eb", "a:a", "d:d"]


def test_a_role_whose_name_needs_a_host_is_refused_where_it_is_named(desk: Any) -> None:
    desk.using(render=_static)
    with pytest.raises(PlaybookError, match=r"p\.yml:2:11: .*'inventory_hostname' is undefined"):
        desk.play("- hosts: all\n  roles: ['{{ inventory_hostname }}']\n")
