"""ansible.cfg and ANSIBLE_* variables as defaults of `opsrun playbook` and `opsrun inventory`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import opsrun

PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
  - debug: msg="forks {{ ansible_forks }}, user {{ ansible_user | default('-') }}"
  - fail:
    when: inventory_hostname == 'h1'
  - debug: msg=later
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("OPSRUN_INVENTORY", "ANSIBLE_CONFIG", "OPSRUN_ANSIBLE_CFG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "site.yml").write_text(PLAY)
    (tmp_path / "hosts").write_text("h1 ansible_connection=local\nh2 ansible_connection=local\n")
    return tmp_path


def cfg(folder: Path, *lines: str, section: str = "defaults", name: str = "ansible.cfg") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[{section}]\n" + "".join(f"{line}\n" for line in lines))


def test_inventory_and_forks(folder: Path) -> None:
    cfg(folder, "inventory = hosts", "forks = 1")
    ran = opsrun("playbook", "site.yml", "-o", "ansible")
    assert "forks 1, user -" in ran.out
    assert "ansible.cfg" not in ran.err


def test_what_is_typed_wins(folder: Path) -> None:
    cfg(folder, "inventory = nowhere", "forks = 1")
    ran = opsrun("playbook", "site.yml", "-i", "hosts", "-f", "2", "-o", "ansible")
    assert "forks 2" in ran.out


def test_opsrun_toml_and_variable_win(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg(folder, "inventory = nowhere", "forks = 1")
    (folder / "opsrun.toml").write_text("[playbook]\nforks = 2\n")
    monkeypatch.setenv("OPSRUN_INVENTORY", "hosts")
    assert "forks 2" in opsrun("playbook", "site.yml", "-o", "ansible").out


def test_the_environment_wins_over_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg(folder, "inventory = hosts", "forks = 2")
    monkeypatch.setenv("ANSIBLE_FORKS", "1")
    assert "forks 1" in opsrun("playbook", "site.yml", "-o", "ansible").out


def test_v_says_what_was_read_and_what_is_not_honoured(folder: Path) -> None:
    cfg(folder, "inventory = hosts", "action_plugins = x", "stdout_callback = yaml", "nocows = 1")
    said = opsrun("playbook", "site.yml", "-v").err
    assert "ansible.cfg: defaults for --inventory" in said
    assert "[defaults] action_plugins is not honoured" in said
    assert "stdout_callback has no effect" in said
    assert "nocows" not in said


def test_search_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg(folder, "forks = 1", "inventory = ../hosts", name="home/.ansible.cfg")
    assert "forks 1" in opsrun("playbook", "site.yml", "-o", "ansible").out
    cfg(folder, "forks = 2", "inventory = hosts")
    assert "forks 2" in opsrun("playbook", "site.yml", "-o", "ansible").out
    cfg(folder, "forks = 1", "inventory = ../hosts", name="other/x.cfg")
    monkeypatch.setenv("ANSIBLE_CONFIG", "other/x.cfg")
    assert "forks 1" in opsrun("playbook", "site.yml", "-o", "ansible").out


def test_a_folder_that_everybody_may_write_to(folder: Path) -> None:
    cfg(folder, "inventory = hosts", "forks = 1")
    folder.chmod(0o777)
    ran = opsrun("playbook", "site.yml", "-i", "hosts", "-v", "-o", "ansible")
    assert "forks 2" in ran.out
    assert "passed over: everybody may write" in ran.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("forks = many", "ansible.cfg: [defaults] forks"),
        ("gathering = sometimes", "ansible.cfg: [defaults] gathering"),
        ("any_errors_fatal = perhaps", "any_errors_fatal: expected yes or no"),
        ("hash_behaviour = merge", "hash_behaviour: opsrun acts as 'replace'"),
    ],
)
def test_what_can_not_be_used_is_refused_with_its_place(
    folder: Path, line: str, words: str
) -> None:
    cfg(folder, "inventory = hosts", line)
    ran = opsrun("playbook", "site.yml")
    assert ran.status == 2
    assert words in ran.err


def test_no_passes_over_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg(folder, "hash_behaviour = merge")
    monkeypatch.setenv("OPSRUN_ANSIBLE_CFG", "no")
    assert "forks 2" in opsrun("playbook", "site.yml", "-i", "hosts", "-o", "ansible").out


def test_any_errors_fatal(folder: Path) -> None:
    cfg(folder, "inventory = hosts")
    assert "later" in opsrun("playbook", "site.yml", "-o", "ansible").out
    cfg(folder, "inventory = hosts", "any_errors_fatal = yes")
    assert "later" not in opsrun("playbook", "site.yml", "-o", "ansible").out


def test_what_is_shown(folder: Path) -> None:
    (folder / "site.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "  - debug:\n    when: false\n  - set_stats: {data: {done: 1}}\n"
    )
    cfg(folder, "inventory = hosts")
    usual = opsrun("playbook", "site.yml", "-o", "ansible").out
    assert "skipping: [h1]" in usual
    assert "CUSTOM STATS" not in usual
    cfg(folder, "inventory = hosts", "display_skipped_hosts = no", "show_custom_stats = yes")
    other = opsrun("playbook", "site.yml", "-o", "ansible").out
    assert "skipping" not in other
    assert 'RUN: { "done": 2}' in other


def test_options_of_ssh(folder: Path) -> None:
    cfg(folder, "ssh_args = -o ControlPersist=60s -F /dev/null -A", section="ssh_connection")
    said = opsrun("playbook", "site.yml", "-i", "hosts", "-v").err
    assert "ssh_args is not honoured" in said
    assert "-A" in said
    cfg(folder, "ssh_args = -o User=me -F /dev/null", section="ssh_connection")
    said = opsrun("playbook", "site.yml", "-i", "hosts", "-v").err
    assert "--ssh-config" in said
    assert "--ssh-option" in said


def test_inventory_reads_where_hosts_are(folder: Path) -> None:
    cfg(folder, "inventory = hosts")
    assert '"h2"' in opsrun("inventory", "list").out


def test_other_commands_do_not(folder: Path) -> None:
    cfg(folder, "inventory = hosts", "forks = many")
    assert opsrun("exec", "-w", "all", "true").status == 2
    assert opsrun("exec", "-i", "hosts", "-w", "all", "true").status == 0
