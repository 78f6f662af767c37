"""Work on protected groups, and on too many hosts, is confirmed before the first connection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsrun import Danger, Fleet, UsageError

INVENTORY = """
all: {vars: {ansible_connection: local}}
prod: {protected: true, hosts: {p1: , p2: }}
dev: {hosts: {d1: , d2: }}
"""
PLAY = "- hosts: {hosts}\n  gather_facts: false\n  {more}\n  tasks: [{{command: touch {mark}}}]\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inv.yml").write_text(INVENTORY)
    return tmp_path


def play(folder: Path, *plays: str) -> Path:
    path = folder / "site.yml"
    path.write_text("".join(plays))
    return path


def of(hosts: str, mark: Path, more: str = "strategy: linear") -> str:
    return PLAY.format(hosts=hosts, mark=mark, more=more)


WORK: dict[str, Callable[[Fleet, Path], Any]] = {
    "exec": lambda fleet, folder: fleet.exec("touch done", hosts="prod"),
    "put": lambda fleet, folder: fleet.put(folder / "inv.yml", folder / "copy", hosts="p1"),
    "get": lambda fleet, folder: fleet.get(folder / "inv.yml", folder / "copy", hosts="prod"),
    "sync": lambda fleet, folder: fleet.sync(folder, folder / "mirror", hosts="prod"),
    "one": lambda fleet, folder: fleet.on("p1").run("touch done"),
    "handle": lambda fleet, folder: fleet.exec("touch done", hosts="prod", wait=False),
    "stream": lambda fleet, folder: fleet.stream("touch done", hosts="prod"),
    "playbook": lambda fleet, folder: fleet.playbook(play(folder, of("prod", folder / "done"))),
}


@pytest.mark.parametrize("kind", WORK)
def test_a_script_that_says_nothing_gets_the_error(folder: Path, kind: str) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(UsageError, match="the group 'prod' is protected, and has"):
        WORK[kind](Fleet(folder / "inv.yml"), folder)
    assert [path for path in sorted(folder.iterdir()) if path.name != "site.yml"] == before


def test_what_changes_nothing_is_not_asked_about(folder: Path) -> None:
    fleet = Fleet(folder / "inv.yml")
    assert fleet.ping("prod").exit_status() == 0
    assert fleet.wait("ssh", hosts="p1").exit_status() == 0
    report = fleet.put(folder / "inv.yml", folder / "copy", hosts="prod", dry_run=True)
    assert report.exit_status() == 0
    path = play(folder, of("prod", folder / "done"))
    assert fleet.playbook(path, check=True).exit_status() == 0
    assert fleet.playbook(path, tags=["nothing"]).exit_status() == 0
    assert not (folder / "done").exists()


def test_yes_is_a_word_beforehand(folder: Path) -> None:
    fleet = Fleet(folder / "inv.yml", yes=True)
    assert fleet.exec("true", hosts="prod").exit_status() == 0
    assert fleet.playbook(play(folder, of("prod", folder / "done"))).exit_status() == 0
    assert (folder / "done").exists()


def test_all_plays_are_asked_about_together(folder: Path) -> None:
    asked: list[Danger] = []

    def confirm(danger: Danger) -> bool:
        assert not (folder / "done").exists()
        asked.append(danger)
        return True

    fleet = Fleet(folder / "inv.yml", confirm=confirm)
    done = folder / "done"
    plays = [of("dev", done, "max_hosts: 1"), of("prod", done), of("p1", done)]
    plays.append(of("'{{ late }}'", done))
    report = fleet.playbook(play(folder, *plays), extra_vars={"late": "prod"})
    assert report.exit_status() == 0
    assert [each.answer for each in asked] == ["2", "prod"]


def test_hosts_that_are_known_late_are_asked_about_late(folder: Path) -> None:
    plays = [
        of("dev", folder / "first"),
        "- hosts: d1\n  gather_facts: false\n  tasks: [add_host: {name: n, groups: prod}]\n",
        of("\"{{ groups['prod'][2:] }}\"", folder / "second"),
    ]
    report = Fleet(folder / "inv.yml").playbook(play(folder, *plays))
    assert report.exit_status() == 1
    assert (folder / "first").exists()
    assert not (folder / "second").exists()
    report = Fleet(folder / "inv.yml", confirm=lambda danger: danger.hosts == ("n",)).playbook(
        play(folder, *plays)
    )
    assert report.exit_status() == 0
    assert (folder / "second").exists()


def test_max_hosts_of_a_play(folder: Path) -> None:
    fleet = Fleet(folder / "inv.yml")
    done = folder / "done"
    for more in ("max_hosts: 1", "max_hosts: '{{ 1 }}'"):
        with pytest.raises(UsageError, match=r"this is work on 2 hosts \(d1, d2\), and the play"):
            fleet.playbook(play(folder, of("dev", done, more)))
    assert fleet.playbook(play(folder, of("dev", done, "max_hosts: 2"))).exit_status() == 0
    assert fleet.playbook(play(folder, of("dev", done, "max_hosts: 1")), limit="d1").ok
    no = Fleet(folder / "inv.yml", confirm=lambda danger: False)
    with pytest.raises(UsageError, match="was not confirmed"):
        no.playbook(play(folder, of("dev", done, "max_hosts: 1")))


def test_arguments_that_can_not_be_used() -> None:
    with pytest.raises(UsageError, match="confirm: expected something to call"):
        Fleet("h1,", confirm="yes")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="yes: expected"):
        Fleet("h1,", yes="prod")  # type: ignore[arg-type]
