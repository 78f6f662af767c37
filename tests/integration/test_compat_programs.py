"""The programs that ``opsrun compat`` writes, run as scripts run Ansible's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.cli import opsrun

from opsrun.compat.translation import PROGRAMS


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compat") / "bin"
    opsrun("compat", folder)
    return folder


def run(programs: Path, cwd: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(programs / words[0]), *words[1:]],
        cwd=cwd,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def write(folder: Path, *tasks: str) -> str:
    lines = ["- hosts: all", "  gather_facts: false", "  tasks:", *(f"    - {t}" for t in tasks)]
    (folder / "site.yml").write_text("\n".join(lines) + "\n")
    return "site.yml"


LOCAL = ("-i", "one,", "-c", "local")


def test_a_playbook_that_is_well(programs: Path, tmp_path: Path) -> None:
    done = run(programs, tmp_path, "ansible-playbook", write(tmp_path, "ping:"), *LOCAL)
    assert done.returncode == 0, done.stderr
    assert "ok: [one]" in done.stdout
    assert "PLAY RECAP" in done.stdout


@pytest.mark.parametrize(
    ("tasks", "words", "status"),
    [
        (["fail:"], LOCAL, 2),
        (["ping:"], ("-i", "one,", "-e", "ansible_host=127.0.0.1 ansible_port=1"), 4),
        (["ping:", "wehn: x"], LOCAL, 4),
        (["ping:"], (*LOCAL, "--nonesuch"), 2),
    ],
)
def test_statuses(
    programs: Path, tmp_path: Path, tasks: list[str], words: tuple[str, ...], status: int
) -> None:
    done = run(programs, tmp_path, "ansible-playbook", write(tmp_path, *tasks), *words)
    assert done.returncode == status, done.stdout + done.stderr


def test_a_playbook_that_is_not_there(programs: Path, tmp_path: Path) -> None:
    done = run(programs, tmp_path, "ansible-playbook", "none.yml")
    assert done.returncode == 1
    assert "none.yml could not be found" in done.stderr


def test_without_an_inventory_there_is_localhost(programs: Path, tmp_path: Path) -> None:
    done = run(programs, tmp_path, "ansible", "localhost", "-m", "ping")
    assert done.returncode == 0, done.stderr
    assert 'localhost | SUCCESS => {\n    "changed": false,\n    "ping": "pong"\n}\n' in done.stdout


def test_a_command_on_a_host(programs: Path, tmp_path: Path) -> None:
    done = run(programs, tmp_path, "ansible", "all", *LOCAL, "-a", "echo hi")
    assert done.stdout == "one | CHANGED | rc=0 >>\nhi\n"


def test_a_command_sees_what_is_beside_it(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all").write_text("colour: red\n")
    (tmp_path / "roles" / "r" / "tasks").mkdir(parents=True)
    (tmp_path / "roles" / "r" / "tasks" / "main.yml").write_text("- debug: {msg: of a role}\n")
    done = run(programs, tmp_path, "ansible", "all", *LOCAL, "-m", "debug", "-a", "var=colour")
    assert '"colour": "red"' in done.stdout, done.stderr
    words = ("all", *LOCAL, "--playbook-dir", str(tmp_path), "-m", "include_role", "-a", "name=r")
    (tmp_path / "else").mkdir()
    done = run(programs, tmp_path / "else", "ansible", *words)
    assert "of a role" in done.stdout, done.stderr


def test_inventories(programs: Path, tmp_path: Path) -> None:
    done = run(programs, tmp_path, "ansible-inventory", "-i", "a,b,", "--list", "--output", "x")
    assert done.returncode == 0, done.stderr
    assert '"hostvars"' in (tmp_path / "x").read_text()


def test_ansible_cfg_holds(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("one ansible_connection=local\n")
    (tmp_path / "ansible.cfg").write_text("[defaults]\ninventory = hosts\nodd_key = 1\n")
    done = run(programs, tmp_path, "ansible-playbook", write(tmp_path, "ping:"))
    assert done.returncode == 0, done.stderr
    assert "[defaults] odd_key is not honoured" in done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_versions_as_scripts_read_them(programs: Path, tmp_path: Path, program: str) -> None:
    done = run(programs, tmp_path, program, "--version")
    assert done.stdout.startswith(f"{program} [core 2.18.")
    assert "opsrun version" in done.stdout


@pytest.mark.parametrize("program", ["ansible-config", "ansible-doc"])
def test_what_is_not_built_is_refused(programs: Path, tmp_path: Path, program: str) -> None:
    done = run(programs, tmp_path, program, "view", "x")
    assert done.returncode == 1
    assert done.stderr.startswith("opsrun: ansible-")


def test_nobody_elses_program_is_replaced(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "ansible").write_text("mine")
    done = opsrun("compat", tmp_path)
    assert done.status == 2
    assert (tmp_path / "ansible").read_text() == "mine"
    assert opsrun("compat", "--force", tmp_path).status == 0
