"""Ten thousand hosts, counted by the lines of the scheduler that are run, not by a clock."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest
from support.plays import FAILS, World, block, flush, handler, includes, notifies, world

import opsrun.playbook.scheduler as room

FOLDER = room.__file__.rsplit("/", 1)[0]


def calls(made: World) -> int:
    """How many functions of the scheduler a play calls."""
    count = 0

    def look(frame: FrameType, event: str, _arg: Any) -> None:
        nonlocal count
        if event == "call" and frame.f_code.co_filename.startswith(FOLDER):
            count += 1

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        made.run()
    finally:
        sys.setprofile(before)
    return count


def crowd(hosts: int, strategy: str) -> World:
    """A bit of everything: some hosts fail, some are rescued, all include and notify."""
    tree = [
        block("B", "t1", "t2", rescue=["r1"], always=["a1"]),
        "i",
        *(f"u{number}" for number in range(4)),
        flush("f"),
    ]
    says: dict[tuple[str, str], Any] = {("t1", "*"): notifies("H"), ("i", "*"): includes("x")}
    for number in range(0, hosts, 7):
        says["t2", chr(0x4E00 + number)] = FAILS
        says["u1", chr(0x4E00 + number + 1)] = FAILS
    names = "".join(chr(0x4E00 + number) for number in range(hosts))
    files = {"x": [block("X", "x1")]}
    return world(
        tree, says, hosts=names, files=files, handlers=[handler("H")], strategy=strategy, at_once=50
    )


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_twice_the_hosts_are_twice_the_work(strategy: str) -> None:
    one, two = calls(crowd(300, strategy)), calls(crowd(600, strategy))
    assert two < 2.1 * one
    assert one < 300 * 14 * 20, "calls a task on a host"


def test_ten_thousand_hosts_and_every_third_fails() -> None:
    hosts = 10_000
    names = "".join(chr(0x4E00 + number) for number in range(hosts))
    says = {(f"t{number % 9}", name): FAILS for number, name in enumerate(names) if number % 3 == 0}
    tree = [block("B", *(f"t{number}" for number in range(9))), flush("f")]
    made = world(tree, says, hosts=names)
    made.limit = hosts * 20
    made.run()
    assert made.end is not None
    assert len(made.end.failed) == 3334
    assert len({id(order.batch) for order in made.orders}) <= 4, "batches are shared"
    assert made.end.aborted == ""
