"""One message for each mistake: line, column, caret, what was expected, the nearest name."""

from __future__ import annotations

from typing import Any

import pytest

from opsrun.errors import PlaybookError


def in_tasks(text: str) -> str:
    return f"- hosts: all\n  tasks:\n    - {text}\n"


WRONG = {
    "": ("an empty playbook", None, None),
    "[]": ("a playbook without plays", 1, 1),
    "hosts: all": ("a playbook is a list of plays", 1, 1),
    "- abc": ("a play is a dictionary", 1, 3),
    "- tasks: []": ("a play needs 'hosts'", 1, 3),
    "- hosts:": ("found nothing", 1, 9),
    "- hosts: []": ("found nothing", 1, 10),
    "- hosts: {a: 1}": ("expected a pattern of hosts, or a list", 1, 10),
    "- hosts: [1]": ("expected a pattern of hosts in the list, found 1", 1, 10),
    "- hosts: all\n  tsaks: []": ("not a keyword of a play; did you mean 'tasks'?", 2, 3),
    "- hosts: all\n  when: x": ("'when' is not a keyword of a play", 2, 3),
    "- hosts: all\n  sudo: yes": ("no longer a keyword; use 'become: true'", 2, 3),
    "- hosts: all\n  user: a\n  remote_user: b": ("both are set", 2, 3),
    "- hosts: all\n  5: x": ("keywords are texts, not 5", 2, 3),
    "- hosts: all\n  gather_facts: abc": ("expected true or false, found 'abc'", 2, 17),
    "- hosts: all\n  serial: abc": ("number of hosts or a percentage", 2, 11),
    "- hosts: all\n  order: abc": ("order: expected one of", 2, 10),
    "- hosts: all\n  vars: [{a: 1}]": ("vars: expected a dictionary, found a list", 2, 9),
    "- hosts: all\n  vars:\n    a-b: 1": ("'a-b' can't name a variable", 3, 5),
    "- hosts: all\n  vars:\n    class: 1": ("'class' can't name a variable", 3, 5),
    "- hosts: all\n  vars_files: {a: 1}": ("expected paths", 2, 15),
    "- hosts: all\n  vars_prompt: [{prompt: a}]": ("needs the 'name'", 2, 17),
    "- hosts: all\n  vars_prompt: [{name: a, promt: b}]": ("did you mean 'prompt'?", 2, 27),
    "- hosts: all\n  tasks: {ping: }": ("expected a list of tasks, found a dictionary", 2, 10),
    "- hosts: all\n  handlers: x": ("expected a list of handlers, found 'x'", 2, 13),
    "- hosts: all\n  handlers: [{block: [{ping: }, {block: []}]}]": ("block as a handler", 2, 34),
    "- hosts: all\n  handlers: [{include_role: {name: r}}]": (
        "Using 'include_role' as a hand",
        2,
        15,
    ),
    "- include: x.yml": ("use 'import_playbook'", 1, 3),
    "- import_playbook: no.yml": ("no playbook 'no.yml'; looked for no.yml", 1, 20),
    "- import_playbook: p.yml": ("playbooks import each other in a circle", 1, 3),
    "- import_playbook: p.yml\n  foo: 1": ("'foo' is not a keyword", 2, 3),
    "- hosts: all\n---\n- hosts: all": ("a second one begins here", 2, 1),
    "- hosts: all\n\ttasks: []": ("a tab can't indent YAML", 2, 1),
    "- hosts: {{ x }}": ("needs quotation marks around it", 1, 11),
    in_tasks("abc"): ("a task is a dictionary", 3, 7),
    in_tasks("name: x"): ("no module or action in this task", 3, 7),
    in_tasks("{copy: , file: }"): ("conflicting action statements: copy, file", 3, 16),
    in_tasks("{debug: , regster: y}"): ("did you mean 'register' by 'regster'?", 3, 17),
    in_tasks("{action: debug a=1, copy: }"): ("conflicting action statements: debug, copy", 3, 27),
    in_tasks("{debug: , sudo: yes}"): ("'sudo' is no longer a keyword", 3, 17),
    in_tasks("include: x.yml"): ("'include' is no longer an action", 3, 7),
    in_tasks("{ping: , listen: x}"): ("'listen' is a keyword of handlers", 3, 16),
    in_tasks("rescue: []"): ("can't be used without 'block'", 3, 7),
    in_tasks("block: x"): ("block: expected a list of tasks, found 'x'", 3, 14),
    in_tasks("block:"): ("block: expected a list of tasks, found nothing", 3, 13),
    in_tasks("{block: [], until: x}"): ("'until' is not a keyword of a block", 3, 19),
    in_tasks("{block: [], loop: [1], with_items: [2]}"): ("a task has one loop", 3, 30),
    in_tasks("{block: [], loop: [1], loop_control: {pause: 2}}"): ("pause: the loop of a", 3, 45),
    in_tasks("{block: [], loop: [1], loop_control: {lable: 2}}"): ("'lable' is not a key", 3, 45),
    in_tasks("{block: [], loop_control: {label: x}}"): ("this block has no loop", 3, 19),
    in_tasks("{block: [{block: [], loop: [1]}], loop: [2]}"): ("the loop variable 'item'", 3, 28),
    in_tasks("{block: [], rescue_unreachable: true}"): ("there is no 'rescue' that", 3, 19),
    in_tasks("{block: [], rescue: [ping: ], rescue_unreachable: '{{ x }}'}"): (
        "expected true or false, and no template",
        3,
        57,
    ),
    "- {hosts: all, handlers: [{block: [ping: ], loop: [1]}]}": (
        "a block of handlers can't be looped over",
        1,
        45,
    ),
    in_tasks("copy: src=a hello"): ("'copy' takes `name=value` words", 3, 13),
    in_tasks("copy: src='a"): ("' is opened and never closed", 3, 17),
    in_tasks("command: [a]"): ("must be a dictionary or a text, found a list", 3, 16),
    in_tasks("command: 5"): ("must be a dictionary or a text, found 5", 3, 16),
    in_tasks("action:"): ("expected `MODULE name=value", 3, 14),
    in_tasks("action: {src: a}"): ("expected `module: NAME`", 3, 15),
    in_tasks("{command: ls, args: chdir=/}"): ("args: expected a dictionary", 3, 27),
    in_tasks("{ping: , loop: [1], with_items: [2]}"): ("a task has one loop", 3, 27),
    in_tasks("{ping: , with_items: }"): ("'with_items' needs a value", 3, 16),
    in_tasks("{ping: , loop_control: x}"): ("loop_control: expected a dictionary", 3, 30),
    in_tasks("{ping: , loop_control: {lable: 1}}"): ("did you mean 'label'?", 3, 31),
    in_tasks("{ping: , become: banana}"): ("become: expected true or false", 3, 24),
    in_tasks("{ping: , when: {a: 1}}"): ("when: expected a condition", 3, 22),
    in_tasks("{ping: , tags: 5}"): ("tags: expected a list of tags", 3, 22),
    in_tasks("{ping: , name: [a]}"): ("name: expected a text, found a list", 3, 22),
    in_tasks("{ping: , register: a b}"): ("register: 'a b' can't name a variable", 3, 26),
    in_tasks("{ping: , retries: few}"): ("retries: expected a whole number", 3, 25),
    in_tasks("{ping: , environment: foo}"): ("expected a dictionary of variables", 3, 29),
    in_tasks("{ping: , notify: {a: 1}}"): ("notify: expected the names of handlers", 3, 24),
    in_tasks("{ping: , module_defaults: [a]}"): ("expected a dictionary of modules", 3, 33),
    in_tasks("{include_tasks: x.yml, become: true}"): ("put it into `apply`", 3, 30),
    in_tasks("include_tasks:"): ("include_tasks needs a file", 3, 7),
    in_tasks("include_tasks: {file: x, foo: 1}"): ("has no option 'foo'", 3, 32),
    in_tasks("include_role: {name: x, tasks_form: y}"): ("did you mean 'tasks_from'?", 3, 31),
    in_tasks("include_role: {name: x, vars_from: [y]}"): ("vars_from but got a list", 3, 31),
    in_tasks("import_role: {name: x, tasks_from: {}}"): ("tasks_from but got a dict", 3, 30),
    in_tasks("set_fact: {a: 1, _ansible_foo: 2}"): ("_ansible_ is reserved", 3, 24),
    in_tasks("set_fact: _ansible_foo=2"): ("'_ansible_foo': what begins with", 3, 17),
    in_tasks("{import_tasks: x.yml, loop: [1]}"): ("use include_tasks", 3, 29),
    in_tasks("import_tasks: '{{ x }}'"): ("a static import's name can't be a template", 3, 7),
}


@pytest.mark.parametrize(("text", "fault"), WRONG.items(), ids=[repr(each) for each in WRONG])
def test_mistakes(desk: Any, text: str, fault: tuple[str, int | None, int | None]) -> None:
    with pytest.raises(PlaybookError) as caught:
        desk.book(text)
    error = caught.value
    assert fault[0] in error.message
    assert (error.path, error.line, error.column) == ("p.yml", *fault[1:])


def test_the_source_line_and_a_caret_are_shown(desk: Any) -> None:
    with pytest.raises(PlaybookError) as caught:
        desk.book("- hosts: all\n  tsaks: []\n")
    assert str(caught.value) == (
        "p.yml:2:3: 'tsaks' is not a keyword of a play; did you mean 'tasks'?\n    tsaks: []\n    ^"
    )


def test_duplicate_keys_are_warnings_with_both_lines(desk: Any) -> None:
    desk.book("- hosts: a\n  hosts: b\n")
    (warning,) = desk.loader.warnings
    assert str(warning) == (
        "p.yml:2: the key 'hosts' is already on line 1; the value on line 2 wins"
    )


def test_anchors_and_merge_keys_are_read(desk: Any) -> None:
    play = desk.play("""
        - hosts: all
          vars: {base: &base {a: 1, b: "{{ x }}"}}
          tasks:
            - copy:
                <<: *base
                b: 2
            - file: *base
    """)
    first, then = (
        task for block in play.blocks for task in block.every_task() if not task.implicit
    )
    assert (dict(first.action.args), dict(then.action.args)) == (
        {"a": 1, "b": 2},
        {"a": 1, "b": "{{ x }}"},
    )
    assert first.action.places["a"].line == 2
