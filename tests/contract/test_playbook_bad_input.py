"""What playbooks ask for and can't have: one message that names the keyword, and never a bug's."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.playruns import run, tasks


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{command: 'true', port: '{{ \"abc\" }}'}", "port: expected a number, found 'abc'"),
        ("{command: 'true', port: '{{ [1] }}'}", "port: expected a number, found '[1]'"),
        ("{debug: , loop: '{{ none }}'}", "loop: expected a list, found nothing"),
        ("{debug: , loop: '{{ \"abc\" }}'}", "loop: expected a list, found text: 'abc'"),
        ("{debug: , loop: '{{ {\"a\": 1} }}'}", "dict2items"),
        ("{debug: , loop: '{{ 5 }}'}", "loop: expected a list, found 5"),
        (
            "{debug: , loop: [1], loop_control: {index_var: '{{ [1] }}'}}",
            "index_var: expected a variable's name, found [1]",
        ),
        (
            "{debug: , loop: [1], loop_control: {loop_var: '{{ {} }}'}}",
            "loop_var: expected a variable's name, found {}",
        ),
        ("{debug: , any_errors_fatal: '{{ nope }}'}", "site.yml:4:37: 'nope' is undefined"),
        ("{debug: , run_once: '{{ nope }}'}", "site.yml:4:29: 'nope' is undefined"),
        ("{debug: , with_nosuch: [1]}", "site.yml:4:15: with_nosuch: there is no lookup 'nosuch'"),
        ("{debug: , with_dict: [1]}", "site.yml:4:15: with_dict: the lookup 'dict'"),
    ],
)
def test_a_tasks_keyword_that_comes_to_nonsense_is_named(
    line: str, words: str, tmp_path: Path
) -> None:
    ran = run(tmp_path, tasks(line))
    assert words in ran.error("h1")
    assert ran.ends == {"h1": "failed"}
    assert "bug in opsrun" not in "\n".join(ran.notices)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("any_errors_fatal: '{{ [1] }}'", "site.yml:1:3: any_errors_fatal: expected yes or no"),
        ("force_handlers: '{{ {} }}'", "site.yml:1:3: force_handlers: expected yes or no"),
    ],
)
def test_a_plays_keyword_that_comes_to_nonsense_is_named(
    head: str, words: str, tmp_path: Path
) -> None:
    ran = run(tmp_path, tasks("{debug: }", head=head))
    assert words in "\n".join(ran.notices)
    assert ran.status == 1


@pytest.mark.parametrize("pattern", ["'{{ none }}'", "'{{ {} }}'"])
def test_hosts_that_come_to_no_pattern_are_an_error(pattern: str, tmp_path: Path) -> None:
    ran = run(tmp_path, f"- hosts: {pattern}\n  tasks: []\n")
    assert "hosts: expected a pattern, found" in "\n".join(ran.notices)
    assert ran.status == 1


@pytest.mark.parametrize(
    "head",
    [
        "throttle: '{{ none }}'",
        "any_errors_fatal: '{{ omit }}'",
        "force_handlers: '{{ omit }}'",
        "max_fail_percentage: '{{ omit }}'",
        "order: '{{ omit }}'",
        "serial: '{{ omit }}'",
        "strategy: '{{ omit }}'",
    ],
)
def test_a_keyword_that_comes_to_nothing_is_not_written(head: str, tmp_path: Path) -> None:
    ran = run(tmp_path, tasks("{debug: }", head=head))
    assert (ran.status, ran.ends) == (0, {"h1": "ok"})


def test_a_tasks_limit_holds_for_a_pause(tmp_path: Path) -> None:
    ran = run(tmp_path, tasks("{name: a, pause: {seconds: 600}, timeout: 1}"))
    assert ran.ends == {"h1": "failed"}
    assert ran.error("h1") == "the task's limit of 1 s was reached"


def test_a_command_that_reaches_the_tasks_limit_names_the_limit(tmp_path: Path) -> None:
    ran = run(tmp_path, tasks("{name: a, command: sleep 600, timeout: 1}"))
    assert ran.error("h1").startswith("the task's limit of 1 s was reached: ")
    assert "command-timeout" not in ran.error("h1")


@pytest.mark.parametrize("value", ["'{{ 1 / 0 }}'", "'{{ bad syntax'"])
def test_vars_files_that_cant_be_named_fail_the_host(value: str, tmp_path: Path) -> None:
    ran = run(tmp_path, tasks("{name: a, debug: }", head=f"vars_files: {value}"))
    assert ran.ends == {"h1": "failed"}
    assert "site.yml:3:" in ran.error("h1")
    assert "bug in opsrun" not in "\n".join(ran.notices)


def test_a_host_without_variables_tells_nothing_of_a_task_that_hides(tmp_path: Path) -> None:
    head = "vars_files: '{{ \"canary\" | from_json }}'"
    ran = run(tmp_path, tasks("{name: a, debug: , no_log: true}", head=head))
    assert ran.ends == {"h1": "failed"}
    assert "hidden" in ran.error("h1")


def test_a_debugger_that_there_is_not_is_told_of(tmp_path: Path) -> None:
    ran = run(tmp_path, tasks("{debug: , debugger: on_failed}", "{debug: , debugger: always}"))
    told = [each for each in ran.notices if "debugger" in each]
    assert len(told) == 1
    assert "site.yml:4:" in told[0]
    quiet = run(tmp_path, tasks("{debug: , debugger: never}"))
    assert not [each for each in quiet.notices if "debugger" in each]


@pytest.mark.parametrize("keyword", ["any_errors_fatal", "run_once"])
def test_a_task_that_is_skipped_needs_none_of_its_keywords(keyword: str, tmp_path: Path) -> None:
    ran = run(tmp_path, tasks(f"{{debug: , {keyword}: '{{{{ nope }}}}', when: false}}"))
    assert ran.ends == {"h1": "skipped"}
