"""``opsrun playbook`` as an operator uses it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from support.background import finished, opsrun_started
from support.cli import Ran, command, opsrun
from support.processes import wait_gone

from opsrun.lab import Lab

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
BOOK = """
- name: first
  hosts: one,two
  gather_facts: false
  vars: {greeting: hello}
  tasks:
    - name: greet
      debug: {msg: "{{ greeting }} {{ inventory_hostname }}"}
      tags: greet
    - name: make
      copy: {content: "{{ greeting }}\\n", dest: "{{ folder }}/{{ inventory_hostname }}"}
      tags: [make, never]
    - name: fail
      command: sh -c 'echo out; echo err >&2; exit {{ status }}'
      when: status is defined and inventory_hostname == 'two'
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a playbook, and an inventory of local hosts and one that isn't there."""
    (tmp_path / "site.yml").write_text(BOOK)
    local = "ansible_connection=local"
    (tmp_path / "hosts").write_text(f"one {local}\ntwo {local}\naway ansible_host=127.0.0.1\n")
    return tmp_path


def run(home: Path, *words: str) -> Ran:
    return opsrun("playbook", "-i", "hosts", *words, cwd=home)


def test_all_well(home: Path) -> None:
    ran = run(home, "site.yml")
    assert ran.status == 0, ran.err
    assert "task greet\n  ok 2 one,two\n    one: hello one\n    two: hello two\n" in ran.out
    assert "recap\n  one  ok 1    changed 0    failed 0    skipped 1" in ran.out


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_more_hosts_than_files_can_be_open(home: Path, engine: str) -> None:
    (home / "many").write_text("[web]\nh[1:60] ansible_connection=local\n")
    tasks = "  - command: 'true'\n  - command: 'true'\n"
    (home / "many.yml").write_text(f"- hosts: web\n  gather_facts: false\n  tasks:\n{tasks}")
    words = command("playbook", "-i", "many", "--engine", engine, "-f", "5", "many.yml")
    limited = ["sh", "-c", 'ulimit -n 200 && exec "$@"', "sh", *words]
    ran = subprocess.run(limited, cwd=home, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "h[1-60] (60)  ok 2 " in ran.stdout


def test_a_host_that_fails(home: Path) -> None:
    ran = run(home, "site.yml", "-e", "status=3")
    assert ran.status == 1
    assert "  failed two: non-zero return code · rc=3\n    ! err\n    | out\n" in ran.out
    assert "    at site.yml:13\n" in ran.out


def test_a_host_that_is_not_there(home: Path) -> None:
    (home / "away.yml").write_text("- {hosts: away, gather_facts: false, tasks: [{ping: }]}\n")
    ran = run(home, "away.yml", "--port", "1")
    assert ran.status == 3
    assert "unreachable away: " in ran.out


def test_extra_variables_tags_and_limit(home: Path) -> None:
    (home / "more.yml").write_text("greeting: '{{ word }}!'\n")
    words = ("-e", "@more.yml", "-e", '{"word": "hi"}', "-t", "greet", "-l", "two")
    ran = run(home, "site.yml", *words, "-o", "ansible")
    assert ran.status == 0, ran.err
    assert '    "msg": "hi! two"' in ran.out
    assert "one" not in ran.out
    assert "TASK [fail]" not in ran.out


def test_check_changes_nothing_and_diff_says_what_would_change(home: Path) -> None:
    words = ("site.yml", "-t", "make", "-e", f"folder={home}", "-l", "one")
    ran = run(home, *words, "--check", "--diff")
    assert ran.status == 0, ran.err
    assert "  changed one\n" in ran.out
    assert "    +hello\n" in ran.out
    assert not (home / "one").exists()
    assert run(home, *words).status == 0
    assert (home / "one").read_text() == "hello\n"


def test_beginning_at_a_task(home: Path) -> None:
    ran = run(home, "site.yml", "--start-at-task", "fai*")
    assert ran.status == 0, ran.err
    assert "task fail" in ran.out
    assert "task greet" not in ran.out
    ran = run(home, "site.yml", "--start-at-task", "great")
    assert ran.status == 2
    assert "no task is named 'great'; did you mean 'greet'?" in ran.err


def test_every_event_in_json_lines(home: Path) -> None:
    ran = run(home, "site.yml", "-o", "jsonl")
    kinds = [line["type"] for line in ran.lines]
    assert kinds[0] == "run"
    assert kinds[-1] == "summary"
    assert kinds.count("play") == 1
    assert kinds.count("task") == 2
    assert kinds.count("task_result") == 4
    assert {host: r["data"]["recap"]["ok"] for host, r in ran.results.items()} == {
        "one": 1,
        "two": 1,
    }


def test_one_document_holds_the_tasks_before_the_hosts(home: Path) -> None:
    ran = run(home, "site.yml", "-o", "json")
    said = [
        e["result"]["msg"]
        for e in ran.document["events"]
        if e.get("name") == "greet" and "host" in e
    ]
    assert sorted(said) == ["hello one", "hello two"]
    assert list(ran.document) == ["schema", "run", "events", "results", "notices", "summary"]


def test_listings(home: Path) -> None:
    ran = run(home, "site.yml", "--list-tasks", "--list-tags", "--list-hosts")
    assert ran.status == 0, ran.err
    assert ran.out.splitlines() == [
        "",
        "playbook: site.yml",
        "",
        "  play #1 (one,two): first\tTAGS: []",
        "    pattern: ['one,two']",
        "    hosts (2):",
        "      one",
        "      two",
        "      TASK TAGS: [greet]",
        "    tasks:",
        "      greet\tTAGS: [greet]",
        "      fail\tTAGS: []",
    ]


def test_a_syntax_check_reads_and_runs_nothing(home: Path) -> None:
    assert run(home, "site.yml", "--syntax-check").out == "\nplaybook: site.yml\n"
    (home / "bad.yml").write_text("- hosts: all\n  tasks:\n    - debug: {msg: x\n")
    ran = run(home, "bad.yml", "--syntax-check")
    assert ran.status == 2
    assert "bad.yml:4:1: broken YAML" in ran.err


def test_an_unknown_module_is_named_and_refused_when_asked(home: Path) -> None:
    (home / "odd.yml").write_text(
        "- hosts: one\n  gather_facts: false\n  tasks:\n    - {cpoy: {}, when: false}\n"
    )
    ran = run(home, "odd.yml")
    assert ran.status == 0
    assert "odd.yml:4" in ran.err
    assert "did you mean 'copy'?" in ran.err
    ran = run(home, "odd.yml", "--strict")
    assert (ran.status, ran.out) == (2, "")
    assert "did you mean 'copy'?" in ran.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("missing.yml",), "missing.yml: No such file or directory"),
        (("site.yml", "-l", "nobody"), "no host or group is named 'nobody'"),
        (("site.yml", "-e", "foo"), "'foo' is no NAME=VALUE"),
        (("site.yml", "-o", "fold"), "'fold' is not one of"),
        (("site.yml", "--vault-id", "x@y"), "--vault-id: y: No such file"),
        (("site.yml", "--ask-vault-pass"), "no terminal to ask for the password on"),
        (("site.yml", "-t", ""), "the value is empty"),
        (("site.yml", "-q", "-v"), "opposite things"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_used(home: Path, words: tuple[str, ...], message: str) -> None:
    ran = run(home, *words)
    assert (ran.status, ran.out) == (2, "")
    assert message in ran.err


def test_another_commands_default_output_means_text(home: Path) -> None:
    (home / "opsrun.toml").write_text('[defaults]\noutput = "fold"\n')
    ran = run(home, "site.yml")
    assert ran.status == 0, ran.err
    assert "task greet" in ran.out


def test_an_interrupt_ends_it_in_good_order(home: Path) -> None:
    (home / "long.yml").write_text(
        "- hosts: one\n  gather_facts: false\n  tasks:\n"
        "    - {name: sleeps, command: sleep 600}\n    - {name: never, ping: }\n"
    )
    process = opsrun_started("playbook", "-i", "hosts", "long.yml", cwd=home)
    assert process.stdout is not None
    for line in process.stdout:
        if line == "task sleeps\n":
            break
    process.send_signal(signal.SIGINT)
    status, out, err = finished(process)
    assert status == 130
    assert "never" not in out
    assert "interrupted" in err
    assert "Traceback" not in err


def test_an_interrupt_ends_a_program_that_is_being_answered(home: Path) -> None:
    os.mkfifo(home / "begun")
    script = f"trap true HUP INT; echo $$ >{home}/begun; while :; do sleep 60; done"
    (home / "long.yml").write_text(
        "- hosts: one\n  gather_facts: false\n  tasks:\n"
        f"    - expect: {{command: sh -c '{script}', responses: {{}}, timeout: null}}\n"
    )
    process = opsrun_started("playbook", "-i", "hosts", "long.yml", cwd=home)
    pid = int((home / "begun").read_text())
    process.send_signal(signal.SIGINT)
    status, _, err = finished(process)
    assert status == 130
    assert "Traceback" not in err
    assert wait_gone(pid)


def test_a_play_that_cannot_be_used_is_no_success(home: Path) -> None:
    (home / "odd.yml").write_text("- {hosts: one, strategy: linaer, gather_facts: false}\n")
    ran = run(home, "odd.yml")
    assert ran.status != 0
    assert "did you mean 'linear'?" in ran.err


def test_the_examples(lab: Lab, tmp_path: Path) -> None:
    words = ("-i", lab.inventory, "-e", f"top={tmp_path}")
    ran = opsrun("playbook", *words, PLAYBOOKS / "hello.yml", PLAYBOOKS / "site.yml")
    assert ran.status == 0, ran.out + ran.err
    assert "handler reload" in ran.out
    conf = (tmp_path / "web01/conf/site.conf").read_text()
    assert conf == f"# web01\nlisten 8080;\nroot {tmp_path}/web01/www;\n"
    again = opsrun("playbook", *words, PLAYBOOKS / "site.yml", "-o", "json")
    assert again.status == 0
    assert {r["data"]["recap"]["changed"] for r in again.results.values()} == {0}
