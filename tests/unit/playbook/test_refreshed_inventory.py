"""meta: refresh_inventory: the sources are read again in the middle of a run."""

from __future__ import annotations

from pathlib import Path

from support.playruns import Ran, run

HOSTS = "[g]\nh1 v=1\nh2 v=1\n[g:vars]\nansible_connection=local\n"
BOOK = """
- hosts: g
  gather_facts: false
  tasks:
    - {name: made, set_fact: {f: 1}}
    - {name: added, add_host: {name: extra, groups: more, w: 5}}
    - {name: grouped, group_by: {key: kind}}
    - name: change
      copy: {content: "%s", dest: "{{ inventory_dir }}/hosts"}
      run_once: true
    - meta: refresh_inventory
    - name: after
      debug: {msg: "{{ v }} {{ f }} {{ groups.g }} {{ groups.more }} {{ groups.kind }}"}
- hosts: g:more
  gather_facts: false
  tasks:
    - {name: later, debug: {msg: "{{ v | default('-') }} {{ w | default('-') }}"}}
"""


def carried_out(folder: Path, text: str) -> Ran:
    (folder / "hosts").write_text(HOSTS)
    return run(folder, BOOK % text.replace("\n", "\\n"), "hosts", extra={})


def test_values_hosts_and_what_was_added(tmp_path: Path) -> None:
    new = HOSTS.replace("v=1", "v=2").replace("h2 v=2\n", "h2 v=2\nh3 v=3\n")
    ran = carried_out(tmp_path, new)
    groups = "['h1', 'h2', 'h3'] ['extra'] ['h1', 'h2']"
    assert ran.msg("after", "h1") == f"2 1 {groups}"
    assert {line for line in ran.done if line.startswith("later")} == {
        *("later:h1", "later:h2", "later:h3", "later:extra"),
    }
    assert ran.msg("later", "extra") == "- 5"


def test_a_host_that_is_gone_keeps_what_it_was_until_the_play_ends(tmp_path: Path) -> None:
    ran = carried_out(tmp_path, HOSTS.replace("h2 v=1\n", ""))
    assert ran.msg("after", "h2").startswith("1 1 ['h1']")
    assert "later:h2" not in ran.done
    assert ran.status == 0


def test_sources_that_can_not_be_read_fail_the_task_and_change_nothing(tmp_path: Path) -> None:
    ran = carried_out(tmp_path, "[g\nh1")
    assert ran.ends["h1"] == "failed"
    assert any("brackets don't match" in words for words in ran.notices)
    assert "after:h1" not in ran.done


def test_a_source_that_is_gone(tmp_path: Path) -> None:
    book = "- hosts: h1\n  gather_facts: false\n  tasks:\n    - file: {path: '{{ inventory_file }}'"
    book += ", state: absent}\n    - meta: refresh_inventory\n    - {name: after, debug: }\n"
    (tmp_path / "hosts").write_text(HOSTS)
    ran = run(tmp_path, book, "hosts", extra={})
    assert ran.ends == {"h1": "failed"}
    assert "after:h1" not in ran.done
