"""Which plays gather facts: ``implicit``, ``explicit`` and ``smart``, as ansible-core 2.18 does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.playruns import HERE, Ran, run

PYTHON = HERE | {"ansible_python_interpreter": "/usr/bin/python3"}
FEW = "gather_subset: ['!all']"
SILENT = f"- {{hosts: all, {FEW}, tasks: []}}\n"
ASKING = f"- {{hosts: all, {FEW}, gather_facts: true, tasks: []}}\n"
TEMPLATE = f"- {{hosts: all, {FEW}, gather_facts: '{{{{ true }}}}', tasks: []}}\n"
REFUSING = f"- {{hosts: all, {FEW}, gather_facts: false, tasks: []}}\n"


def gathered(folder: Path, playbook: str, gathering: str, hosts: str = "h1,") -> list[str]:
    ran: Ran = run(folder, playbook, hosts, extra=PYTHON, gathering=gathering)
    assert ran.status == 0, ran.notices
    return [done.removeprefix("Gathering Facts:") for done in ran.done if "Gathering" in done]


@pytest.mark.parametrize(
    ("gathering", "play", "times"),
    [
        ("implicit", SILENT, 1),
        ("implicit", ASKING, 1),
        ("implicit", REFUSING, 0),
        ("explicit", SILENT, 0),
        ("explicit", ASKING, 1),
        ("explicit", TEMPLATE, 1),
        ("explicit", REFUSING, 0),
        ("smart", SILENT, 1),
        ("smart", REFUSING, 0),
    ],
)
def test_a_play_alone(gathering: str, play: str, times: int, tmp_path: Path) -> None:
    assert gathered(tmp_path, play, gathering) == ["h1"] * times


@pytest.mark.parametrize("second", [SILENT, ASKING, TEMPLATE])
def test_smart_gathers_once(second: str, tmp_path: Path) -> None:
    assert gathered(tmp_path, SILENT + second, "smart") == ["h1"]
    assert gathered(tmp_path, SILENT + second, "implicit") == ["h1", "h1"]


def test_smart_knows_of_each_host(tmp_path: Path) -> None:
    first = SILENT.replace("all,", "h1,", 1)
    assert gathered(tmp_path, first + SILENT, "smart", "h1,h2,") == ["h1", "h2"]


@pytest.mark.parametrize(
    ("task", "again"),
    [
        ("setup: {gather_subset: '!all'}", False),
        ("set_fact: {x: 1, cacheable: true}", True),
        ("meta: clear_facts", True),
    ],
)
def test_what_makes_facts_known(task: str, again: bool, tmp_path: Path) -> None:
    before = SILENT if "meta" in task else ""
    play = f"- {{hosts: all, gather_facts: false, tasks: [{{{task}}}]}}\n"
    times = int(again) + len(before.splitlines())
    assert gathered(tmp_path, before + play + SILENT, "smart") == ["h1"] * times


def test_what_follows_is_done_by_hosts_that_gather_and_by_those_that_dont(tmp_path: Path) -> None:
    first = SILENT.replace("all,", "h1,", 1)
    second = "- {hosts: all, gather_subset: ['!all'], tasks: [{name: a, debug: }]}\n"
    known: dict[str, Any] = {"extra": PYTHON, "gathering": "smart"}
    ran = run(tmp_path, first + second, "h1,h2,", **known)
    assert sorted(done for done in ran.done if done.startswith("a:")) == ["a:h1", "a:h2"]
    assert (ran.recap("h1"), ran.recap("h2")) == ({"ok": 2}, {"ok": 2})
