"""Plays: order, what opsrun adds, what is handed down, other playbooks in their places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from support.vaults import VAULT, envelope

from opsrun.dialect.tags import Template
from opsrun.errors import PlaybookError
from opsrun.playbook.model.nodes import Play, Task

Tasks = Callable[[Play], list[Task]]


def test_a_play_in_its_order(desk: Any) -> None:
    play = desk.play("""
        - hosts: all
          pre_tasks: [{name: pre, ping: }]
          tasks: [{name: one, ping: }, {block: [{name: two, ping: }]}, {name: three, ping: }]
          post_tasks: [{name: post, ping: }]
    """)
    order = [
        task.name or task.action.free_form for block in play.blocks for task in block.every_task()
    ]
    flush = "flush_handlers"
    assert order == [
        "Gathering Facts", "pre", flush, "one", "two", "three", flush, "post", flush,
    ]  # fmt: skip


def test_ids_are_unique_and_the_same_again(desk: Any) -> None:
    text = """
        - hosts: all
          tasks: [{ping: }, {block: [{ping: }], rescue: [{ping: }], always: [{ping: }]}]
          handlers: [{name: h, ping: }]
        - hosts: all
          tasks: [{ping: }]
    """

    def ids() -> list[str]:
        plays = desk.book(text).plays
        return [
            task.id for play in plays for block in play.blocks for task in block.every_task()
        ] + [node.id for play in plays for node in play.handlers]

    first = ids()
    assert len(set(first)) == len(first)
    assert ids() == first
    assert {"0/tasks/1/rescue/0", "0/handlers/0", "1/tasks/0"} <= set(first)


@pytest.mark.parametrize(("text", "gathers"), [("no", False), ("yes", True), ('"{{ g }}"', True)])
def test_gathering_of_facts(desk: Any, text: str, gathers: bool) -> None:
    play = desk.play(f"""
        - hosts: all
          gather_facts: {text}
          gather_subset: [min]
          gather_timeout: 5
          become: true
          tags: [t]
    """)
    first = next(play.blocks[0].every_task())
    assert (first.action.name == "setup") is gathers
    if gathers:
        assert first.keywords.tags == ("t", "always")
        assert first.keywords.become is True
        assert dict(first.action.args) == {"gather_subset": ["min"], "gather_timeout": 5}
        assert first.keywords.when == (("{{ g }}",) if "{{" in text else ())


def test_keywords_are_handed_down(desk: Any, tasks_of: Tasks) -> None:
    play = desk.play("""
        - hosts: all
          become: true
          become_user: one
          tags: a
          vars: {p: 1}
          module_defaults: {copy: {mode: 1}}
          collections: [x.y]
          tasks:
            - block:
                - ping:
                  tags: [c, a]
                  when: z
                  become_user: two
                  vars: {w: 3}
                  module_defaults: {file: {mode: 2}}
              tags: b
              when: [x, y]
              vars: {v: 2}
              notify: h
    """)
    (task,) = tasks_of(play)
    words = task.keywords
    assert (words.become, words.become_user, words.tags) == (True, "two", ("a", "b", "c"))
    assert words.when == ("x", "y", "z")
    assert [dict(layer.values) for layer in task.vars] == [{"v": 2}, {"w": 3}]
    assert words.module_defaults == ({"copy": {"mode": 1}}, {"file": {"mode": 2}})
    assert (words.collections, task.notify) == (("x.y",), ("h",))


def test_the_plays_own_keywords(desk: Any) -> None:
    play = desk.play("""
        - name: n
          hosts: [web, "!db"]
          user: root
          serial: [1, 30%, "{{ s }}"]
          max_fail_percentage: "25%"
          strategy: free
          order: sorted
          force_handlers: yes
          any_errors_fatal: true
          vars_files: [a.yml, [b.yml, c.yml]]
          vars_prompt:
            - {name: v, prompt: "Which?", private: no, default: x, encrypt: sha512_crypt}
    """)
    assert (play.name, play.hosts, play.keywords.remote_user) == ("n", ["web", "!db"], "root")
    assert (play.serial, play.max_fail_percentage) == ([1, "30%", "{{ s }}"], 25)
    assert (play.strategy, play.order, play.force_handlers) == ("free", "sorted", True)
    assert play.vars_files == ("a.yml", ("b.yml", "c.yml"))
    (prompt,) = play.vars_prompt
    assert (prompt.name, prompt.private, prompt.default) == ("v", False, "x")


def test_the_variables_of_a_play_hold_templates_and_places(desk: Any) -> None:
    layer = desk.play("- hosts: all\n  vars:\n    a: '{{ b }}'\n    c: 1\n").vars
    assert isinstance(layer.values["a"], Template)
    assert [(name, layer.places[name].line) for name in "ac"] == [("a", 3), ("c", 4)]


FILES = {
    "sub/q.yml": """
        - hosts: web
          vars: {a: own, b: own}
          tags: own
          tasks: [{name: t, ping: , when: z}]
          handlers: [{name: h, ping: }]
        - import_playbook: deeper.yml
          when: y
    """,
    "sub/deeper.yml": "- hosts: db\n  tasks: [{name: u, ping: }]\n",
}


def test_imported_playbooks_take_their_place(desk: Any, tasks_of: Tasks) -> None:
    desk.write(FILES)
    plays = desk.book("""
        - hosts: first
        - import_playbook: sub/q.yml
          vars: {a: given}
          when: x
          tags: [i]
        - hosts: last
    """).plays
    assert [(play.index, play.hosts) for play in plays] == [
        (0, "first"), (1, "web"), (2, "db"), (3, "last"),
    ]  # fmt: skip
    assert dict(plays[1].vars.values) == {"a": "given", "b": "own"}
    (task,) = tasks_of(plays[1])
    assert (task.keywords.when, task.keywords.tags) == (("x", "z"), ("i", "own"))
    (deep,) = tasks_of(plays[2])
    assert (deep.keywords.when, plays[2].path) == (("x", "y"), "sub/deeper.yml")
    gathering = next(plays[1].blocks[0].every_task())
    assert gathering.keywords.when == ()
    assert dict(plays[2].vars.values) == {"a": "given"}


def test_an_imported_playbooks_name_may_be_a_template(desk: Any) -> None:
    desk.write(FILES)

    def render(template: Template, known: Mapping[str, Any]) -> Any:
        return template.replace("{{ where }}", known["where"])

    plays = (
        desk.using(render=render)
        .book("""
        - import_playbook: "{{ where }}/deeper.yml"
          vars: {where: sub}
    """)
        .plays
    )
    assert [play.hosts for play in plays] == ["db"]


def test_playbooks_of_collections(desk: Any) -> None:
    desk.write({"c/ansible_collections/n/s/playbooks/go.yml": "- hosts: x\n  tasks: [{ping: }]\n"})
    (play,) = desk.using(collections_path=["c"]).book("- import_playbook: n.s.go\n").plays
    assert (play.hosts, play.keywords.collections) == ("x", ("n.s",))


def test_keywords_without_effect_are_told(desk: Any) -> None:
    desk.write(FILES)
    desk.book("- import_playbook: sub/deeper.yml\n  become: true\n")
    (warning,) = desk.loader.warnings
    assert "'become' on an import_playbook has no effect" in str(warning)
    assert str(warning).startswith("p.yml:2")


def test_plays_are_numbered_through_several_playbooks(desk: Any) -> None:
    desk.write({"a.yml": "- hosts: a\n", "b.yml": "- hosts: b\n- hosts: c\n"})
    books = [desk.loader.load_playbook(name) for name in ("a.yml", "b.yml")]
    assert [play.index for book in books for play in book.plays] == [0, 1, 2]


def test_a_playbook_imported_twice_is_no_circle(desk: Any) -> None:
    desk.write({"q.yml": "- hosts: all\n  tasks: [{ping: }]\n"})
    plays = desk.book("- import_playbook: q.yml\n- import_playbook: q.yml\n").plays
    ids = [task.id for play in plays for block in play.blocks for task in block.every_task()]
    assert len(set(ids)) == len(ids)


def test_files_that_are_encrypted_need_their_secret(desk: Any) -> None:
    desk.write({"v.yml": envelope("- hosts: opened\n")})
    with pytest.raises(PlaybookError, match=r"v.yml: this file is encrypted .*no secret"):
        desk.book("- import_playbook: v.yml\n")
    plays = desk.using(vault=VAULT).book("- import_playbook: v.yml\n").plays
    assert [play.hosts for play in plays] == ["opened"]
    desk.write({"v.yml": envelope("- hosts: opened\n  tsaks: []\n")})
    with pytest.raises(PlaybookError, match=r"v.yml:2:3: .*'tsaks'"):
        desk.using(vault=VAULT).book("- import_playbook: v.yml\n")


@pytest.mark.parametrize(
    "text", ["- hosts: a\n  x: secret1: b\n", "- hosts: a\n  tsaks: secret1\n", "- !no secret1\n"]
)
def test_lines_of_files_that_were_encrypted_are_not_shown(desk: Any, text: str) -> None:
    desk.write({"v.yml": envelope(text)})
    with pytest.raises(PlaybookError, match=r"v.yml:\d:\d+: ") as caught:
        desk.using(vault=VAULT).book("- import_playbook: v.yml\n")
    assert "secret1" not in str(caught.value)


def test_a_file_that_is_not_there(desk: Any) -> None:
    with pytest.raises(PlaybookError, match="No such file"):
        desk.loader.load_playbook("nope.yml")
