"""The module reboot on a real sshd whose host goes down and comes back with another boot id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cli import opsrun
from support.lab_fixtures import SSHDFactory
from support.rebooting import HANG_UP, Machine, obstacle

from opsrun.lab import Lab

Box = tuple[Lab, Machine, Path]


@pytest.fixture
def box(sshd: SSHDFactory, tmp_path: Path) -> Iterator[Box]:
    if reason := obstacle():
        pytest.skip(reason)
    lab = sshd(hosts=["web01"])
    folder = tmp_path / "machine"
    folder.mkdir()
    machine = Machine(lab, folder)
    try:
        ready = opsrun("ping", "-i", lab.inventory, "-w", "web01", "--wait", "60")
        assert ready.status == 0, ready.err + (folder / "log").read_text()
        yield lab, machine, tmp_path
    finally:
        machine.close()


def _played(box: Box, task: str) -> tuple[int, str]:
    lab, _, folder = box
    play = folder / "play.yml"
    play.write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - shell: cat /proc/sys/kernel/random/boot_id\n      register: before\n"
        f"    - reboot:\n{task}      register: told\n      ignore_errors: true\n"
        "    - shell: cat /proc/sys/kernel/random/boot_id\n      register: after\n"
        "    - debug:\n        msg: >-\n          {{ told.rebooted }} {{ told is changed }}\n"
        "          {{ before.stdout != after.stdout }} {{ told.elapsed is integer }}\n"
        "          {{ told.msg | default('-') }}\n"
    )
    ran = opsrun("playbook", str(play), "-i", lab.inventory)
    return ran.status, ran.out + ran.err


def test_it_goes_down_and_comes_back(box: Box) -> None:
    status, said = _played(
        box,
        "        reboot_command: kill -TERM 1\n        reboot_timeout: 60\n"
        "        search_paths: [/nowhere, /bin, /usr/bin]\n"
        "        test_command: test -e /proc/1/stat\n",
    )
    assert status == 0, said
    assert "True True True True -" in said


def test_a_host_that_never_went_down_was_not_rebooted(box: Box) -> None:
    status, said = _played(box, "        reboot_command: /bin/true\n        reboot_timeout: 2\n")
    assert status == 0, said
    assert "False False False True not rebooted within 2 s: still up" in said


def test_a_connection_that_breaks_is_no_reboot(box: Box) -> None:
    (box[2] / "hang-up").write_text(f"#!/bin/sh\n{HANG_UP}\n")
    (box[2] / "hang-up").chmod(0o755)
    status, said = _played(
        box, f"        reboot_command: {box[2]}/hang-up\n        reboot_timeout: 3\n"
    )
    assert status == 0, said
    assert "False False False True not rebooted within 3 s: still up" in said


def test_a_command_that_fails(box: Box) -> None:
    status, said = _played(box, "        reboot_command: no-such-program\n")
    assert status == 0, said
    assert "there is no no-such-program on this host in any of" in said
    status, said = _played(box, "        reboot_command: /bin/sh -c 'echo refused >&2; exit 3'\n")
    assert status == 0, said
    assert "the command to reboot failed: refused" in said
