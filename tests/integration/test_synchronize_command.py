"""synchronize in playbooks, on real servers: to a host, from it, within it, from host to host."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.cli import opsrun

from opsrun.lab import Lab

PLAYBOOK = """\
- hosts: web01
  gather_facts: false
  tasks:
    - name: push
      synchronize: {{src: tree/, dest: "{top}/pushed", delete: true, rsync_opts: [--exclude=kept]}}
    - name: pull
      ansible.posix.synchronize: {{src: "{top}/pushed", dest: pulled/, mode: pull}}
    - name: within
      synchronize: {{src: "{top}/pushed/", dest: "{top}/within"}}
      delegate_to: "{{{{ inventory_hostname }}}}"
    - name: from another
      synchronize: {{src: "{top}/pushed/", dest: "{top}/other"}}
      delegate_to: web02
    - name: to another
      synchronize: {{src: "{top}/pushed/", dest: "{top}/another", mode: pull}}
      delegate_to: web02
    - name: from here
      synchronize: {{src: "{{{{ playbook_dir }}}}/tree", dest: "{top}/here"}}
      delegate_to: localhost
"""


def _trees(top: Path) -> Path:
    tree = top / "tree"
    (tree / "d" / "e").mkdir(parents=True)
    for each in range(7):
        (tree / "d" / f"f{each}").write_text(str(each))
        os.utime(tree / "d" / f"f{each}", (1, 1000 + each))
    (tree / "large").write_bytes(os.urandom(3_000_000))
    (tree / "link").symlink_to("d/f1")
    return tree


def _idle(source: str, dest: str) -> str:
    rsync = shutil.which("rsync")
    if rsync is None:
        pytest.skip("there is no rsync (Debian: apt-get install rsync)")
    words = [rsync, "-ani", "--delete", source, dest]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def test_all_ways_between_hosts(few_hosts: Lab, tmp_path: Path) -> None:
    tree, top = _trees(tmp_path), tmp_path / "far"
    top.mkdir()
    (top / "pushed").mkdir()
    (top / "pushed" / "kept").write_text("kept")
    (top / "pushed" / "old").write_text("old")
    playbook = tmp_path / "site.yml"
    playbook.write_text(PLAYBOOK.format(top=top))
    (tmp_path / "pulled").mkdir()
    ran = opsrun("playbook", "-i", few_hosts.inventory, playbook)
    assert ran.status == 0, ran.out + ran.err
    assert (top / "pushed" / "kept").exists()
    assert not (top / "pushed" / "old").exists()
    (top / "pushed" / "kept").unlink()
    os.utime(top / "pushed", ns=(1, tree.stat().st_mtime_ns))
    assert _idle(f"{tree}/", f"{top}/pushed") == ""
    for name in ("within", "other", "another", str(tmp_path / "pulled" / "pushed")):
        (top / name / "kept").unlink()
        os.utime(top / name, ns=(1, tree.stat().st_mtime_ns))
        assert _idle(f"{tree}/", f"{top / name}/") == "", name
    assert _idle(f"{tree}", f"{top}/here") == ""
    again = opsrun("playbook", "-i", few_hosts.inventory, playbook)
    assert again.status == 0, again.out + again.err
    assert "changed 0 " in again.out


def test_a_bad_option_is_found_where_it_is_written(tmp_path: Path) -> None:
    playbook = tmp_path / "site.yml"
    playbook.write_text(
        "- hosts: all\n  tasks:\n    - synchronize:\n        src: a/\n        dest: /b\n"
        "        rsync_opts:\n          - --hard-links\n"
    )
    ran = opsrun("lint", playbook)
    assert ran.status != 0
    assert "site.yml:6" in ran.out or "site.yml:7" in ran.out, ran.out
    assert "hard links between files" in ran.out
