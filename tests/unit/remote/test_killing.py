"""Killing a tree of processes: all of it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.engines import make_engine
from support.processes import wait_gone

from opsrun.remote.connection import Data, Process
from opsrun.remote.killing import Victim, kill_tree
from opsrun.transports.pipe import PipeConnection

CLOCK = make_engine().now
WHOAMI = "read -r l </proc/self/stat; set -- - ${l##*)}; echo $$ ${21} $5"


@pytest.fixture
def here() -> Iterator[PipeConnection]:
    connection = PipeConnection(("/bin/sh", "-c"), "here", make_engine())
    yield connection
    connection.close()


@dataclass
class Tree:
    """A shell with a child, one in a session of its own, and one whose parent is gone."""

    process: Process
    victim: Victim
    children: list[int]

    @property
    def apart(self) -> int:
        """The child that leads a session of its own."""
        (found,) = [pid for pid in self.children if alive(pid) and os.getsid(pid) == pid]
        return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def tree(here: PipeConnection, tmp_path: Path) -> Iterator[Tree]:
    up = tmp_path / "up"
    os.mkfifo(up)
    process = here.start(
        f"{WHOAMI}; up() {{ echo $1 >{up}; }}\n"
        f"sleep 600 & up $!; setsid sh -c 'echo $$ >{up}; exec sleep 600' &\n"
        "(sleep 600 & up $!); exec sleep 600"
    )
    packet = process.receive(60.0)
    assert isinstance(packet, Data)
    victim = Victim.parse(packet.data.decode().strip())
    with open(os.open(up, os.O_RDWR), "rb", buffering=0) as pids:
        # Open for writing too: it has no end of file between one writer and the next.
        children = [int(pids.readline()) for _ in range(3)]
    yield Tree(process, victim, children)
    process.close()
    assert all(wait_gone(pid) for pid in children)


@pytest.mark.parametrize("signal", ["TERM", "KILL"])
def test_the_whole_tree_is_ended(here: PipeConnection, tree: Tree, signal: str) -> None:
    kill_tree(here, tree.victim, signal, CLOCK)
    assert all(wait_gone(pid) for pid in (tree.victim.pid, *tree.children))


def test_another_process_with_the_same_number_is_left_alone(
    here: PipeConnection, tree: Tree
) -> None:
    other = Victim(tree.victim.pid, str(int(tree.victim.began) + 1), 0)
    kill_tree(here, other, "KILL", CLOCK)
    assert all(alive(pid) for pid in (tree.victim.pid, *tree.children))
    kill_tree(here, tree.victim, "KILL", CLOCK)


def test_what_is_left_of_a_session_is_found_without_its_leader(
    here: PipeConnection, tree: Tree
) -> None:
    apart = tree.apart
    os.kill(tree.victim.pid, 9)
    assert wait_gone(tree.victim.pid)
    kill_tree(here, tree.victim, "KILL", CLOCK)
    assert all(wait_gone(pid) for pid in tree.children if pid != apart)
    assert alive(apart)
    os.kill(apart, 9)


@pytest.mark.parametrize("text", ["", "x", "1 2 3", "-5", "7 -1 2", "7 5 x", "7 5;id 1", "7 5 1 9"])
def test_a_victim_that_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        Victim.parse(text)


def test_a_victim_without_proc() -> None:
    assert Victim.parse("7") == Victim.parse("7 ") == Victim(7, "", 0)
