"""``opsrun facts``, and the cache of facts that it shares with playbooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import Ran, opsrun

PLAY = """\
- hosts: one
  gather_facts: false
  tasks:
  - debug: msg="{{ ansible_facts.kernel | default('unknown') }}"
  - set_fact: {mine: 7, cacheable: true}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "hosts.ini"
    path.write_text(
        "[all:vars]\nansible_connection=local\n[these]\none\ntwo\n"
        "[away]\nnowhere ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n"
    )
    (tmp_path / "site.yml").write_text(PLAY)
    return path


def _facts(inventory: Path, *words: str, hosts: str = "these") -> Ran:
    return opsrun("facts", "-i", inventory, "-w", hosts, *words)


def test_equal_facts_are_folded(inventory: Path) -> None:
    ran = _facts(inventory, "system", "ansible_user_u*", "cmdline.nothing?*", "lsb.id")
    assert ran.out.splitlines()[:2] == ["one,two (2) · failed", "  system: Linux"]
    ran = _facts(inventory, "ansible_system", "ansible_facts.is_chroot")
    assert (ran.status, ran.err.count("failed")) == (0, 0)
    assert ran.out.startswith("one,two (2)\n  system: Linux\n  is_chroot: ")


def test_a_fact_that_is_not_there_names_the_nearest(inventory: Path) -> None:
    ran = _facts(inventory, "distributon", "system")
    assert ran.status == 1
    assert "there is no fact 'distributon'; did you mean 'distribution'?" in ran.err
    assert "failed 2" in ran.err
    ran = _facts(inventory, "date_time.epok", "-o", "json")
    assert ran.status == 1
    assert "did you mean 'epoch'" in ran.results["one"]["error"]["message"]
    assert ran.document["summary"]["failed"] == 2
    assert ran.document["summary"]["exit_status"] == 1


def test_json_has_facts_as_they_are(inventory: Path) -> None:
    ran = _facts(inventory, "-o", "json")
    assert ran.document["run"]["action"] == "facts"
    found = ran.results["one"]["data"]["facts"]
    assert found["system"] == "Linux"
    assert isinstance(found["mounts"], list)
    assert "module_setup" not in found


def test_hosts_that_are_away(inventory: Path) -> None:
    ran = _facts(inventory, "system", hosts="all")
    assert ran.status == 3
    assert "unreachable nowhere" in ran.err
    assert ran.out.startswith("one,two (2)\n  system: Linux")


def test_what_is_kept_is_not_asked_for(inventory: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    words = ("--fact-cache", str(folder), "kernel")
    kernel = _facts(inventory, *words).out
    for host in ("one", "two", "nowhere"):
        (folder / host).write_text('{"_ansible_facts_gathered": true, "ansible_kernel": "0.1"}')
    ran = _facts(inventory, *words, hosts="all")
    assert (ran.status, ran.out) == (0, "nowhere,one,two (3)\n  kernel: 0.1\n")
    assert _facts(inventory, *words, "--flush-cache").out == kernel
    assert (folder / "nowhere").exists()


def test_playbooks_share_it(inventory: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    cache = ("--fact-cache", str(folder))
    _facts(inventory, *cache)
    play = str(tmp_path / "site.yml")
    assert "unknown" not in opsrun("playbook", "-i", inventory, play, *cache).out
    assert json.loads((folder / "one").read_text())["mine"] == 7
    assert _facts(inventory, *cache, "mine", "-l", "one").out == "one\n  mine: 7\n"
    assert "unknown" in opsrun("playbook", "-i", inventory, play, *cache, "--flush-cache").out


def test_settings_of_ansible(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o755)
    lines = ["[defaults]", "gathering = smart", "fact_caching = jsonfile"]
    lines += ["fact_caching_connection = kept", "fact_caching_timeout = 100"]
    (tmp_path / "ansible.cfg").write_text("\n".join(lines) + "\n")
    assert opsrun("playbook", "-i", inventory, "site.yml").status == 0
    assert json.loads((tmp_path / "kept" / "one").read_text()) == {"mine": 7}
    (tmp_path / "ansible.cfg").write_text("\n".join(lines[:3]) + "\n")
    assert "names no folder" in opsrun("playbook", "-v", "-i", inventory, "site.yml").err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--flush-cache",), "there is no cache"),
        (("--fact-cache", "/dev/null"), "expected a folder"),
        (("--fact-cache-timeout", "-1"), "-1"),
        (("",), "the value is empty"),
    ],
)
def test_mistakes_are_told_before_anybody_is_asked(
    words: tuple[str, ...], said: str, inventory: Path
) -> None:
    ran = _facts(inventory, *words)
    assert ran.status == 2
    assert said in ran.err
