"""What no_log hides is in no event, and what hosts return is never a template."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.playruns import HERE, Ran, run, tasks

CANARY = "tweety-4711"
SECRET = {**HERE, "canary": CANARY}


def everything(ran: Ran) -> str:
    """All that was said, and the recap."""
    shown = [json.dumps(event.to_dict(), default=str) for event in ran.events]
    return "\n".join([*shown, *map(repr, ran.events)])


HIDDEN = {
    "a result": "{command: 'echo {{ canary }}', no_log: true}",
    "a failure": "{shell: 'echo {{ canary }}; exit 1', no_log: true}",
    "words of a failure": "{fail: {msg: '{{ canary }}'}, no_log: true}",
    "items and their labels": "{debug: {msg: x}, loop: ['{{ canary }}', b], no_log: true}",
    "a label": "{debug: {msg: x}, loop: [1], loop_control: {label: '{{ canary }}'}, no_log: true}",
    "a name": "{name: 'with {{ canary }}', debug: {msg: x}, no_log: true}",
    "attempts": "{shell: 'echo {{ canary }}; exit 1', until: false, retries: 1, delay: 0, no_log: true}",  # noqa: E501
    "an option that is wrong": "{stat: {path: /, follow: '{{ canary }}'}, no_log: true}",
    "a template that fails": "{debug: {msg: '{{ canary | int(base=canary) }}'}, no_log: true}",
    "a condition that fails": "{debug: , when: canary.x.y, no_log: true}",
    "a loop over no list": "{debug: , loop: '{{ canary }}', no_log: true}",
    "an included file": "{include_tasks: '{{ canary }}.yml', no_log: true}",
    "a file of variables": "{include_vars: '{{ canary }}.yml', no_log: true}",
    "a host": "{add_host: {name: 'a {{ canary }}'}, no_log: true}",
    "a group": "{group_by: {key: 'a {{ canary }}!'}, no_log: true}",
    "a handler": "{command: 'true', notify: '{{ canary }}', no_log: true}",
    "a no_log that can't be worked out": "{command: 'echo {{ canary }}', no_log: '{{ nope }}'}",
    "a module that there isn't": "{nosuch: {x: '{{ canary }}'}, no_log: true}",
    "facts": "{set_fact: {x: '{{ canary }}'}, no_log: true}",
    "an assertion": "{assert: {that: canary == 1, fail_msg: '{{ canary }}'}, no_log: true}",
}


@pytest.mark.parametrize("line", HIDDEN.values(), ids=HIDDEN)
def test_nothing_shows_a_canary(tmp_path: Path, line: str) -> None:
    ran = run(tmp_path, tasks(line), "h1,", extra=SECRET)
    assert ran.ends, "the host has a result"
    assert CANARY not in everything(ran)


def test_a_bug_shows_no_canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from opsrun.modules.ping import Ping

    def broken(self: Ping, context: Any) -> Any:
        raise RuntimeError(self.data)
        yield

    monkeypatch.setattr(Ping, "steps", broken)
    line = "{ping: {data: '{{ canary }}'}, no_log: true}"
    ran = run(tmp_path, tasks(line), "h1,", extra=SECRET)
    assert ran.ends == {"h1": "failed"}
    assert CANARY not in everything(ran)
    assert "RuntimeError" in everything(ran)


def test_what_is_hidden_is_there_for_the_next_task(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        tasks(
            "{command: 'echo {{ canary }}', no_log: true, register: r}",
            "{name: b, debug: {msg: '{{ r.stdout | length }}'}}",
        ),
        "h1,",
        extra=SECRET,
    )
    assert ran.msg("b") == len(CANARY)


# -- what hosts return

EVALUATED = str(1234567 * 1000003)
EVIL = st.sampled_from(
    [
        "{{ 1234567 * 1000003 }}",
        "{% set x = 1234567 * 1000003 %}{{ x }}",
        "{{ lookup('pipe', 'echo $((1234567 * 1000003))') }}",
        "x{{ 1234567 * 1000003 }}y",
        "{{ '1234570' ~ '703701' }}",
        "[{{ 1234567 * 1000003 }}]",
        "{# #}{{ 1234567 * 1000003 }}",
        "1234567 * 1000003",
        "lookup('pipe', 'echo $((1234567 * 1000003))')",
    ]
)

ROADS = """
- hosts: all
  gather_facts: false
  tasks:
  - {name: out, command: 'cat {{ file }}', register: out}
  - {name: slurp, slurp: {src: '{{ file }}'}, register: slurped}
  - set_fact: {fact: '{{ out.stdout }}', deep: {a: ['{{ out.stdout }}']}}
  - set_fact: {joined: "{{ '{' ~ '{ 1234567 * 1000003 }}' }}"}
  - {name: fact, debug: {msg: '{{ fact }}'}}
  - {name: deep, debug: {msg: '{{ deep.a[0] }}'}}
  - {name: joined, debug: {msg: '{{ joined }}'}}
  - {name: through, debug: {msg: '{{ hostvars[inventory_hostname].fact }}'}}
  - {name: decoded, debug: {msg: '{{ slurped.content | b64decode }}'}}
  - {name: var, debug: {var: out.stdout}}
  - {name: named, debug: {var: '{{ out.stdout }}'}}
  - {name: item, debug: {msg: '{{ item }}'}, loop: '{{ out.stdout_lines }}'}
  - {name: with, debug: {msg: '{{ item }}'}, with_items: ['{{ out.stdout }}']}
  - {name: when, debug: , when: out.stdout is defined and fact != 'z'}
  - {name: thatlist, assert: {that: '{{ [out.stdout] }}'}, ignore_errors: true}
  - {name: that, assert: {that: '{{ out.stdout }}'}, ignore_errors: true}
  - {name: whentext, debug: , when: '{{ out.stdout }}', ignore_errors: true}
  - {name: failed, command: 'true', failed_when: "out.stdout == 'z'"}
  - {name: said, assert: {that: false, fail_msg: '{{ out.stdout }}'}, ignore_errors: true}
  - {name: note, command: 'true', notify: '{{ out.stdout }}', ignore_errors: true}
"""

INCLUDING = """
- hosts: all
  gather_facts: false
  tasks:
  - {name: out, command: 'cat {{ file }}', register: out}
  - {name: inc, include_tasks: '{{ out.stdout }}'}
"""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=9)
@given(evil=EVIL)
def test_what_hosts_return_is_never_a_template(tmp_path: Path, evil: str) -> None:
    (tmp_path / "evil").write_text(evil)
    known = {**HERE, "file": str(tmp_path / "evil")}
    ran = run(tmp_path, ROADS, "h1,", extra=known)
    for name in ("fact", "deep", "through", "decoded"):
        assert ran.msg(name) == evil
    assert ran.msg("joined") == "{{ 1234567 * 1000003 }}"
    assert ran.result("var")["out.stdout"] == evil
    assert evil in ran.result("named").values()
    for name in ("item", "with"):
        assert [each.result["msg"] for each in ran.said(name, items=True)] == [evil]
    assert ran.msg("said") == evil
    assert ran.one("thatlist").outcome == ran.one("that").outcome == "failed"
    assert EVALUATED not in everything(ran)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5)
@given(evil=EVIL)
def test_names_of_files_are_not_read_twice(tmp_path: Path, evil: str) -> None:
    (tmp_path / "evil").write_text(evil)
    ran = run(tmp_path, INCLUDING, "h1,", extra={**HERE, "file": str(tmp_path / "evil")})
    assert ran.ends == {"h1": "failed"}
    assert EVALUATED not in everything(ran)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=5)
@given(evil=EVIL)
def test_inventory_scripts_print_data(tmp_path: Path, evil: str) -> None:
    listing = {
        "all": {"hosts": ["h1"]},
        "_meta": {"hostvars": {"h1": {"v": evil, "l": [evil], "ansible_connection": "local"}}},
    }
    (tmp_path / "listing").write_text(json.dumps(listing))
    script = tmp_path / "inventory"
    script.write_text(f"#!/bin/sh\ncat {tmp_path}/listing\n")
    script.chmod(0o755)
    ran = run(tmp_path, tasks("{name: a, debug: {msg: '{{ [v, l] }}'}}"), "inventory", extra={})
    assert ran.msg("a") == [evil, [evil]]


def test_an_operators_own_variables_are_templates(tmp_path: Path) -> None:
    # So that the tests above can't pass for the wrong reason.
    (tmp_path / "hosts").write_text("h1 v='{{ 1234567 * 1000003 }}' ansible_connection=local\n")
    ran = run(tmp_path, tasks("{name: a, debug: {msg: '{{ v }}'}}"), "hosts", extra={})
    assert ran.msg("a") == 1234567 * 1000003
