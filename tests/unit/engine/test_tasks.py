"""Processes and threads that may still be started, by numbers that the kernel could have given."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from opsrun.engine import tasks
from opsrun.engine.tasks import Room, affordable, room

ME = 1000
PLENTY = 10**6

Machine = Callable[..., Path]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Makes a machine: its processes as (real user, threads), and what holds for ours."""
    monkeypatch.setattr(tasks, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(tasks, "_CGROUPS", tmp_path / "cgroup")

    def make(
        *processes: tuple[int, int],
        limit: int = 100,
        user: int = ME,
        capabilities: int = 0,
        uid_map: str = "         0          0 4294967295\n",
        cgroup: str = "0::/\n",
    ) -> Path:
        monkeypatch.setattr(resource, "getrlimit", lambda kind: (limit, limit))
        monkeypatch.setattr(os, "getuid", lambda: user)
        proc = tmp_path / "proc"
        (proc / "self").mkdir(parents=True)
        (proc / "sys").mkdir()
        (proc / "self/uid_map").write_text(uid_map)
        (proc / "self/cgroup").write_text(cgroup)
        (proc / "self/status").write_text(f"Name:\tx\nCapEff:\t{capabilities:016x}\n")
        total = sum(threads for _, threads in processes)
        (proc / "loadavg").write_text(f"0.00 0.01 0.05 1/{total} 4711\n")
        for pid, (owner, threads) in enumerate(processes, 1):
            (proc / str(pid)).mkdir()
            # The name may be anything; effective and saved user are not counted by.
            (proc / str(pid) / "status").write_text(
                f"Name:\tUid: {ME}\nUid:\t{owner}\t0\t{ME}\t0\nThreads:\t{threads}\n"
            )
        return tmp_path / "cgroup"

    return make


def test_threads_of_the_real_user_count(machine: Machine) -> None:
    machine((ME, 30), (0, 50), (ME, 5))
    assert room(PLENTY) == Room(65, "ulimit -u")


def test_who_has_plenty_is_not_counted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less is left than all of the machine's tasks would leave, and that is enough."""
    machine((ME, 30), (0, 50))
    monkeypatch.setattr(tasks, "_running", lambda user: pytest.fail("each process was looked at"))
    assert room(20) == Room(20, "ulimit -u")


def test_a_process_that_ends_meanwhile_is_not_counted(machine: Machine) -> None:
    machine((ME, 30), (ME, 5))
    (tasks._PROC / "2" / "status").unlink()
    assert room(PLENTY) == Room(70, "ulimit -u")


@pytest.mark.parametrize(
    "whom",
    [
        {"user": 0},
        {"capabilities": 1 << 24},
        {"capabilities": 1 << 21},
        {"limit": resource.RLIM_INFINITY},
    ],
    ids=["root", "CAP_SYS_RESOURCE", "CAP_SYS_ADMIN", "unlimited"],
)
def test_whom_the_limit_does_not_hold(machine: Machine, whom: dict[str, int]) -> None:
    machine((ME, 30), (0, 30), **whom)
    assert room(PLENTY) is None


@pytest.mark.parametrize("whom", [{"user": 0}, {"capabilities": (1 << 41) - 1}])
def test_root_of_a_container_is_anybody_outside(machine: Machine, whom: dict[str, int]) -> None:
    machine((0, 30), (ME, 30), uid_map="0 100000 65536\n", **whom)
    assert room(PLENTY) == Room(70, "ulimit -u")


def test_a_machine_without_proc(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine((ME, 30))
    monkeypatch.setattr(tasks, "_PROC", Path("/nowhere"))
    assert room(PLENTY) is None


# -- control groups


def group(top: Path, path: str, limit: str, used: int) -> Path:
    folder = top / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pids.max").write_text(f"{limit}\n")
    (folder / "pids.current").write_text(f"{used}\n")
    return folder


def test_the_tightest_group_around_us_counts(machine: Machine) -> None:
    top = machine(user=0, cgroup="0::/user.slice/user-0.slice/session-1.scope\n")
    group(top, "user.slice/user-0.slice/session-1.scope", "max", 5)
    tight = group(top, "user.slice/user-0.slice", "50", 20)
    group(top, "user.slice", "100", 40)
    assert room(PLENTY) == Room(30, f"pids.max in {tight}")


def test_a_hierarchy_of_its_own(machine: Machine) -> None:
    top = machine(user=0, cgroup="9:name=systemd:/a\n8:pids:/a\n7:cpu,cpuacct:/a\n0::/\n")
    ours = group(top / "pids", "a", "10", 3)
    assert room(PLENTY) == Room(7, f"pids.max in {ours}")


def test_a_path_that_is_seen_from_outside(machine: Machine) -> None:
    """In a container the path can be the machine's; its own group is the root of what it sees."""
    top = machine(user=0, cgroup="0::/docker/0123abcd\n")
    assert room(PLENTY) is None
    assert group(top, "", "64", 60) == top
    assert room(PLENTY) == Room(4, f"pids.max in {top}")


def test_the_tighter_of_both(machine: Machine) -> None:
    top = machine((ME, 30))
    group(top, "", "71", 0)
    assert room(PLENTY) == Room(70, "ulimit -u")
    group(top, "", "69", 0)
    assert room(PLENTY) == Room(69, f"pids.max in {top}")


# -- hosts


@pytest.mark.parametrize(
    ("left", "wanted", "per_host", "reserve", "expected"),
    [
        (100, 10, 2, 16, 10),
        (100, 50, 2, 16, 42),
        (100, 50, 10, 16, 8),
        (16, 50, 2, 16, 1),
        (3, 50, 2, 16, 1),
        (0, 50, 0, 16, 50),
    ],
)
def test_affordable(
    monkeypatch: pytest.MonkeyPatch,
    left: int,
    wanted: int,
    per_host: int,
    reserve: int,
    expected: int,
) -> None:
    monkeypatch.setattr(tasks, "room", lambda enough: Room(left, "ulimit -u"))
    assert affordable(wanted, per_host, reserve)[0] == expected


def test_without_a_limit_all_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "room", lambda enough: None)
    assert affordable(20_000, 2, 16) == (20_000, "")


def test_the_running_kernel_counts_as_we_do() -> None:
    """A thread more is a task more, of this user's."""
    before = tasks._running(os.getuid())
    over = threading.Event()
    threads = [threading.Thread(target=over.wait) for _ in range(40)]
    for thread in threads:
        thread.start()
    try:
        # Others of this user's may come and go meanwhile; not by the dozen.
        assert 20 <= tasks._running(os.getuid()) - before <= 60
        assert tasks._of_machine() >= len(threads)
    finally:
        over.set()
        for thread in threads:
            thread.join()
