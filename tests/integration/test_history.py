"""Runs on real sshd, shown and repeated afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import Ran, opsrun

from opsrun.lab import Lab

PLAY = """
- hosts: web*
  gather_facts: false
  tasks:
    - name: once
      shell: 'echo $NAME >>{{ folder }}/done; test $NAME != web02'
      environment: {NAME: "{{ inventory_hostname }}"}
"""


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "j.sqlite"


def shown(journal: Path, *words: str) -> Ran:
    return opsrun("history", *words, "--journal", journal)


def test_a_command_is_shown_and_repeated_where_it_failed(
    few_hosts: Lab, journal: Path, tmp_path: Path
) -> None:
    known = ["-i", few_hosts.inventory, "--journal", journal, "-o", "jsonl"]
    script = f"echo x >>{tmp_path}/$$.ran; test -e {tmp_path}/fixed"
    live = opsrun("exec", *known, "-w", "web[01-03]", "--", script, cwd=tmp_path)
    assert live.status == 1
    again = shown(journal, "replay", "-o", "jsonl")
    passing = ("output", "waiting", "progress")
    assert again.lines == [line for line in live.lines if line["type"] not in passing]
    (tmp_path / "fixed").touch()
    repeated = shown(journal, "rerun", "last", "--failed")
    assert (repeated.status, len(repeated.results)) == (0, 3)
    assert len(list(tmp_path.glob("*.ran"))) == 6
    runs = json.loads(shown(journal, "list", "--json").out)
    assert runs[1]["parent"] == runs[0]["run"]
    assert runs[1]["cwd"] == str(tmp_path)
    nobody = opsrun("exec", *known, "-w", "all", "-l", "@last:failed", "--", "true")
    assert (nobody.status, nobody.out) == (2, "")
    assert "is failed" in nobody.err
    first = runs[0]["run"][:8]
    two = opsrun("exec", *known, "-w", "all:!web03", "-l", f"@{first}:failed", "--", "true")
    assert sorted(two.results) == ["web01", "web02"]


def test_output_that_was_shown_as_it_came_is_kept_whole(few_hosts: Lab, journal: Path) -> None:
    known = ["-i", few_hosts.inventory, "--journal", journal]
    live = opsrun("exec", *known, "-w", "web01", "--", "seq 20000")
    again = shown(journal, "replay")
    assert len(live.out.splitlines()) == 20000
    assert again.out == live.out


def test_a_playbook_is_repeated_on_the_host_that_failed(
    few_hosts: Lab, journal: Path, tmp_path: Path
) -> None:
    (tmp_path / "site.yml").write_text(PLAY)
    words = ["-i", few_hosts.inventory, "-e", f"folder={tmp_path}", "--journal", journal]
    live = opsrun("playbook", *words, "site.yml", cwd=tmp_path)
    assert live.status == 1
    assert shown(journal, "replay").out == live.out
    assert "task once" in shown(journal, "show", "--host", "web02").out
    opsrun("history", "rerun", "last", "--failed", "--journal", journal)
    ran = (tmp_path / "done").read_text().split()
    assert sorted(ran) == ["web01", "web02", "web02", "web03"]
