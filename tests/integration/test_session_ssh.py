"""The persistent shell over real SSH."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from support.engines import make_engine
from support.processes import wait_gone

from opsrun.composition.fleetway import Fleetway
from opsrun.composition.ways import find_ways
from opsrun.errors import CommandTimeout, ConnectionLost
from opsrun.inventory import load_inventory
from opsrun.lab import Lab
from opsrun.remote.connection import Transport
from opsrun.remote.session import Session
from opsrun.transports.targets.build import ConnectionDefaults

LIMIT = 60.0
Reach = Callable[[str], Session]


@pytest.fixture
def reach(lab: Lab) -> Iterator[Reach]:
    engine = make_engine()
    inventory = load_inventory([str(lab.inventory)])
    fleetway = Fleetway(engine)
    with ExitStack() as stack:
        stack.callback(fleetway.close)

        def session(host: str) -> Session:
            ways = find_ways(inventory.select(host), ConnectionDefaults())
            (job,) = fleetway.jobs(ways, ("test",), "test")
            transport: Transport = job.transport()
            stack.callback(transport.close)
            made = Session(transport.connect(), engine.now, host=host)
            stack.callback(made.close)
            return made

        yield session


@pytest.mark.parametrize("apart", [False, True])
def test_binary_goes_both_ways(reach: Reach, apart: bool) -> None:
    session = reach("web01")
    data = random.Random(3).randbytes(3_000_000)
    assert session.run("cat", LIMIT, data=data, apart=apart).stdout == data
    ended = session.run("echo $OPSRUN_HOST; echo err >&2; exit 4", LIMIT, apart=apart)
    assert (ended.rc, ended.stdout, ended.stderr) == (4, b"web01\n", b"err\n")


def test_scripts_longer_than_an_argument_may_be_go_ahead_of_the_greeting(reach: Reach) -> None:
    session = reach("web02")
    scripts = [f": {'x' * 200_000}\necho {number}" for number in range(5)]
    assert [each.stdout for each in session.run_many(scripts, LIMIT)] == [
        f"{number}\n".encode() for number in range(5)
    ]


def test_what_a_script_started_is_gone_when_it_took_too_long(reach: Reach) -> None:
    session = reach("web03")
    out = session.run("echo $HOME", LIMIT).stdout.decode().strip()
    with pytest.raises(CommandTimeout, match="it was ended"):
        session.run(f"sleep 600 & echo $! >{out}/pid; exec sleep 601", 1.0)
    pid = int(session.run(f"cat {out}/pid; rm {out}/pid", LIMIT).stdout)
    assert wait_gone(pid)


def test_two_sessions_on_one_connection_end_apart(reach: Reach) -> None:
    first = reach("web04")
    second = Session(first._connection, first._ends.clock, host="web04")
    assert second.run("echo $$", LIMIT).stdout != first.run("echo $$", LIMIT).stdout
    with pytest.raises(CommandTimeout):
        first.run("exec sleep 600", 0.2)
    assert second.run("echo still", LIMIT).stdout == b"still\n"
    assert second.opened == 1
    second.close()


def test_a_killed_shell_is_lost_and_opened_anew(reach: Reach) -> None:
    session = reach("web05")
    with pytest.raises(ConnectionLost, match="signal KILL"):
        session.run("kill -9 $$", LIMIT)
    assert session.run("echo again", LIMIT).stdout == b"again\n"
