"""`Fleet.playbook`'s arguments that decide how a run comes by its results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import ansible_core

from opsrun import Fleet, UsageError
from opsrun.composition.playbooks import Prepared
from opsrun.composition.run import Run

LOCAL = "ansible_connection=local ansible_python_interpreter=/usr/bin/python3"


class Watched(Fleet):
    """A fleet that keeps what its runs are made of."""

    seen: Prepared

    def begin_playbook(self, prepared: Prepared, **others: Any) -> Run:
        self.seen = prepared
        return super().begin_playbook(prepared, **others)


@pytest.fixture
def fleet(tmp_path: Path) -> Watched:
    (tmp_path / "hosts").write_text(f"one {LOCAL}\n")
    return Watched(tmp_path / "hosts")


def play(folder: Path, *tasks: str) -> Path:
    path = folder / "site.yml"
    lines = "".join(f"    - {task}\n" for task in tasks)
    path.write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{lines}")
    return path


def test_hosts_are_asked_ahead_unless_it_is_said(fleet: Watched, tmp_path: Path) -> None:
    site = play(tmp_path, "stat: {path: /}")
    assert fleet.playbook(site, check=True).exit_status() == 0
    assert fleet.seen.options.settings.prefetch
    assert fleet.playbook(site, prefetch=False).exit_status() == 0
    assert not fleet.seen.options.settings.prefetch
    with pytest.raises(UsageError, match="prefetch: expected True or False, found 'no'"):
        fleet.playbook(site, prefetch="no")  # type: ignore[arg-type]


def test_ansible_core_does_what_is_written_for_it(
    fleet: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library/note.py").write_text("from ansible.module_utils.basic import X\n")
    program = ansible_core.install(tmp_path / "programs")
    site = play(tmp_path, "note: {text: hello, answer: {changed: true}}")

    refused = fleet.playbook(site)
    assert refused.exit_status() == 1, "it is asked for, or it isn't called"
    assert ansible_core.calls(program) == []
    for bridge in (program, str(program)):
        assert fleet.playbook(site, bridge=bridge)["one"].data["recap"]["changed"] == 1
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    events = list(fleet.stream_playbook(site, bridge=True))
    assert events[-1].to_dict()["bridge"]["calls"] == 1
    assert [call["module"] for call in ansible_core.calls(program)] == ["note"] * 3


@pytest.mark.parametrize("bridge", [1, None, ["ansible-playbook"], ""])
def test_a_bridge_is_a_program(bridge: Any, fleet: Watched, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="bridge: expected "):
        fleet.playbook(play(tmp_path, "ping:"), bridge=bridge)


def test_a_bridge_that_is_not_there(fleet: Watched, tmp_path: Path) -> None:
    site = play(tmp_path, "acme.net.vlan: {id: 7}")
    with pytest.raises(UsageError, match="there is no program /nowhere/ansible-playbook"):
        fleet.playbook(site, bridge="/nowhere/ansible-playbook")
