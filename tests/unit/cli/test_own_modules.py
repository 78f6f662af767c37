"""Modules of one's own in whole runs: from `library/`, from `-M`, from ansible.cfg."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cli import Ran, opsrun

HEADER = "#!/bin/sh\n# opsrun module\n# options:\n#   path: {type: path, required: true}\n"
KEPT = HEADER + 'inspect() { [ -e "$path" ]; }\napply() { : >"$path"; }\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hosts").write_text("one ansible_connection=local\n")
    (tmp_path / "shelf").mkdir()
    (tmp_path / "shelf" / "kept.sh").write_text(KEPT)
    tasks = f"[{{kept: {{path: {tmp_path}/made}}}}]"
    (tmp_path / "site.yml").write_text(f"- hosts: all\n  gather_facts: false\n  tasks: {tasks}\n")
    return tmp_path


def play(*words: str) -> Ran:
    return opsrun("playbook", "site.yml", "-i", "hosts", *words)


def test_a_folder_that_is_named(folder: Path) -> None:
    assert play("--strict").status == 2
    assert not (folder / "made").exists()
    assert "changed 1" in play("-M", "shelf", "--check").out
    assert not (folder / "made").exists()
    assert "changed 1" in play("-M", "shelf").out
    assert (folder / "made").exists()
    assert "changed 0" in play("-M", "shelf").out


def test_a_folder_that_ansible_cfg_names(folder: Path) -> None:
    (folder / "ansible.cfg").write_text("[defaults]\nlibrary = shelf\n")
    assert "changed 1" in play().out


def test_the_playbooks_own_and_one_task(folder: Path) -> None:
    (folder / "shelf").rename(folder / "library")
    words = ("exec", "-i", "hosts", "--hosts", "all", "-m")
    assert play().status == 0
    found = opsrun(*words, "kept", "-a", f"path={folder}/other")
    assert (found.status, (folder / "other").exists()) == (0, True)
    wrong = opsrun(*words, "kept", "-a", "pth=/x")
    assert wrong.status == 2
    assert "did you mean 'path'" in wrong.err
    wrong = opsrun(*words, "kpet")
    assert wrong.status == 2
    assert "did you mean 'kept'" in wrong.err


def test_a_header_that_can_not_be_used_is_told_before_the_start(folder: Path) -> None:
    (folder / "shelf" / "kept.sh").write_text(HEADER.replace("options", "optoins"))
    ran = play("-M", "shelf", "--strict")
    assert ran.status == 2
    assert "kept.sh:3:" in ran.err
    assert "did you mean 'options'" in ran.err


def test_what_can_not_be_written_fails(folder: Path) -> None:
    (folder / "shelf" / "kept.sh").write_text(
        HEADER + "inspect() { return 1; }\napply() { echo x | cat >/dev/full; }\n"
    )
    ran = play("-M", "shelf")
    assert ran.status == 1
    assert "No space left on device" in ran.out
