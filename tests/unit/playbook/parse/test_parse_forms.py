"""Every spelling of a task."""

from __future__ import annotations

from typing import Any

import pytest

from opsrun.dialect.tags import Template, Unsafe
from opsrun.playbook.model.keywords import LoopControl
from opsrun.playbook.model.nodes import Task

FORMS = {
    "copy: {src: a, dest: b}": ("copy", {"src": "a", "dest": "b"}, None, "mapping"),
    "copy: src=a dest=b": ("copy", {"src": "a", "dest": "b"}, None, "k=v"),
    "ansible.builtin.copy: {src: a}": ("copy", {"src": "a"}, None, "mapping"),
    "ansible.legacy.copy: {src: a}": ("copy", {"src": "a"}, None, "mapping"),
    "community.general.ufw: {rule: allow}": (
        "community.general.ufw",
        {"rule": "allow"},
        None,
        "mapping",
    ),
    "ping:": ("ping", {}, None, "none"),
    "command: uptime -p": ("command", {}, "uptime -p", "free-form"),
    "command: ls creates=/x": ("command", {"creates": "/x"}, "ls", "free-form"),
    "command: {cmd: ls}": ("command", {"cmd": "ls"}, None, "mapping"),
    "command: {_raw_params: ls, chdir: /}": ("command", {"chdir": "/"}, "ls", "mapping"),
    "{command: ls, args: {chdir: /}}": ("command", {"chdir": "/"}, "ls", "free-form"),
    "{shell: chdir=/tmp pwd, args: {chdir: /}}": (
        "shell",
        {"chdir": "/tmp"},
        "pwd",
        "free-form",
    ),
    "{command: , args: {cmd: ls}}": ("command", {"cmd": "ls"}, None, "mapping"),
    "action: copy src=a": ("copy", {"src": "a"}, None, "k=v"),
    "action: ping": ("ping", {}, None, "none"),
    "action: {module: copy, src: a}": ("copy", {"src": "a"}, None, "mapping"),
    'action: {module: "shell echo hi", chdir: /}': (
        "shell",
        {"chdir": "/"},
        "echo hi",
        "free-form",
    ),
    "local_action: command ls": ("command", {}, "ls", "free-form"),
    "local_action: {module: copy, src: a}": ("copy", {"src": "a"}, None, "mapping"),
    "local_action: {module: file, args: {path: a}}": ("file", {"path": "a"}, None, "mapping"),
    "action: {module: debug, msg: a, args: {msg: b, var: c}}": (
        "debug",
        {"msg": "b", "var": "c"},
        None,
        "mapping",
    ),
    "action: {module: shell, args: echo hi, chdir: /}": (
        "shell",
        {"chdir": "/"},
        "echo hi",
        "free-form",
    ),
    "action: {module: debug, args: msg=hi}": ("debug", {"msg": "hi"}, None, "k=v"),
    "set_fact: a=1 b='x y'": ("set_fact", {"a": "1", "b": "x y"}, None, "k=v"),
    "meta: flush_handlers": ("meta", {}, "flush_handlers", "free-form"),
    "include_vars: x.yml": ("include_vars", {}, "x.yml", "free-form"),
    'action: "{{ m }} msg=hi"': ("{{ m }}", {"msg": "hi"}, None, "k=v"),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.items())
def test_spellings(desk: Any, text: str, expected: tuple[Any, ...]) -> None:
    action = desk.task(f"- {text}").action
    assert (action.name, dict(action.args), action.free_form, action.form) == expected


def test_the_written_name_is_kept(desk: Any) -> None:
    assert desk.task("- ansible.builtin.copy: {src: a}").action.written == "ansible.builtin.copy"


def test_local_actions_are_delegated(desk: Any) -> None:
    assert desk.task("- local_action: ping").keywords.delegate_to == "localhost"


def test_arguments_that_are_one_template(desk: Any) -> None:
    first = desk.task('- debug: "{{ d }}"').action
    then = desk.task('- {debug: {msg: a}, args: "{{ d }}"}').action
    assert (first.args_template, first.form) == ("{{ d }}", "template")
    assert isinstance(first.args_template, Template)
    assert (then.args_template, dict(then.args), then.form) == ("{{ d }}", {"msg": "a"}, "mapping")


def test_templates_know_their_place_and_data_is_data(desk: Any) -> None:
    args = desk.task("""
        - copy:
            src: "{{ a }}"
            dest: !unsafe "{{ b }}"
            mode: plain
    """).action.args
    assert isinstance(args["src"], Template)
    assert (args["src"].origin.line, args["src"].origin.column) == (4, 14)
    assert isinstance(args["dest"], Unsafe)
    assert type(args["mode"]) is str


def test_templates_in_words(desk: Any) -> None:
    action = desk.task("- shell: echo {{ a }} chdir={{ b }}/c").action
    assert isinstance(action.free_form, Template)
    assert isinstance(action.args["chdir"], Template)
    assert (action.free_form, action.args["chdir"]) == ("echo {{ a }}", "{{ b }}/c")


def test_an_unsafe_command_line_stays_so(desk: Any) -> None:
    action = desk.task("- shell: !unsafe 'echo {{ a }} chdir=/{{ b }}'").action
    assert isinstance(action.free_form, Unsafe)
    assert isinstance(action.args["chdir"], Unsafe)


def test_arguments_know_their_place(desk: Any) -> None:
    task: Task = desk.task("- copy:\n    src: a\n    dest: b")
    assert [(name, task.action.places[name].line) for name in task.action.places] == [
        ("src", 4),
        ("dest", 5),
    ]
    assert (task.origin.path, task.origin.line, task.origin.column) == ("p.yml", 3, 7)


LOOPS = {
    "loop: [1, 2]": (None, [1, 2]),
    'loop: "{{ x }}"': (None, "{{ x }}"),
    "with_items: [1]": ("items", [1]),
    "with_dict: {a: 1}": ("dict", {"a": 1}),
    "with_community.general.flattened: [1]": ("community.general.flattened", [1]),
}


@pytest.mark.parametrize(("text", "expected"), LOOPS.items())
def test_loops(desk: Any, text: str, expected: tuple[str | None, Any]) -> None:
    loop = desk.task(f"- debug:\n  {text}").loop
    assert (loop.lookup, loop.value) == expected
    assert loop.control == LoopControl()


def test_a_loop_without_a_value_is_none(desk: Any) -> None:
    assert desk.task("- debug:\n  loop:").loop is None


def test_loop_control(desk: Any) -> None:
    control = desk.task("""
        - debug:
          loop: [1]
          loop_control: {loop_var: x, label: "{{ x }}", pause: "2", extended: yes,
                         break_when: x == 1}
    """).loop.control
    assert (control.loop_var, control.label, control.pause) == ("x", "{{ x }}", 2)
    assert (control.extended, control.break_when) == (True, ("x == 1",))


def test_values_are_typed_and_templates_wait(desk: Any) -> None:
    task = desk.task("""
        - debug:
          become: "yes"
          ignore_errors: "{{ i }}"
          retries: "3"
          delay: 0.5
          port: 22
          async: 10
          poll: 0
          when: [a, b is defined, true]
          until: x
          changed_when: false
          failed_when: []
          notify: [a, "{{ b }}"]
          register: out
          name: 5
    """)
    words = task.keywords
    assert (words.become, words.ignore_errors, words.port) == (True, "{{ i }}", 22)
    assert (task.retries, task.delay, task.async_seconds, task.poll) == (3, 0.5, 10, 0)
    assert words.when == ("a", "b is defined", True)
    assert (task.until, task.changed_when, task.failed_when) == (("x",), (False,), ())
    assert (task.notify, task.register, task.name) == (("a", "{{ b }}"), "out", "5")
    assert "until" in task.written


def test_empty_keywords_are_as_if_not_written(desk: Any) -> None:
    task = desk.task("""
        - debug:
          notify:
          when:
          tags:
          vars:
          environment:
          args:
          register:
          become:
          name:
          loop_control:
    """)
    plain = desk.task("- debug:")
    assert (task.keywords, task.vars, task.notify) == (plain.keywords, plain.vars, ())


def test_environment_is_a_list_of_what_gives_it(desk: Any) -> None:
    play = desk.play("""
        - hosts: all
          environment: {A: 1}
          tasks:
            - block:
                - debug:
                  environment: "{{ e }}"
              environment: [{B: 2}, "{{ f }}"]
    """)
    (task,) = [task for block in play.blocks for task in block.every_task() if not task.implicit]
    assert task.keywords.environment == ({"A": 1}, {"B": 2}, "{{ f }}", "{{ e }}")
