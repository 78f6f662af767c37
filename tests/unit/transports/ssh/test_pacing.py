"""Turns at many servers: made when they are needed, forgotten when they are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from support.engines import make_engine, until

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed, Drop, HostKeyError
from opsrun.transports.ssh import pacing
from opsrun.transports.ssh.lanes import PENALTY_FIRST, REMEMBERED
from opsrun.transports.ssh.pacing import (
    PER_ADDRESS,
    PER_HOP,
    Pacer,
    Server,
    Turn,
    at_address,
    behind,
    door,
)
from opsrun.transports.targets.target import SSHTarget

HOP = SSHTarget(host="b1", address="192.0.2.1", port=22, user="alice")
HOST = SSHTarget(host="web01", address="10.0.0.1", port=22, user="alice", jump=HOP)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = make_engine()
    yield engine
    assert engine.close(10.0)


@pytest.fixture
def pacer(engine: Engine) -> Pacer:
    return Pacer(engine, lambda: 0.0)


def server(number: int = 0) -> Server:
    return at_address([f"192.0.2.{number % 256}"], 1 + number)


def fails(turn: Turn, drop: Drop | None, *servers: Server) -> ConnectionFailed:
    """One handshake that ends badly; its error."""
    failed = ConnectionFailed("dropped", host="web01", phase="banner")
    failed.drop = drop
    with pytest.raises(ConnectionFailed) as caught:
        shake(turn, *servers, error=failed)
    assert caught.value is failed
    return failed


def shake(
    turn: Turn, *servers: Server, error: Exception | None = None, abort: bool = False
) -> None:
    """One handshake, which ends with an error, or well."""
    with turn.handshake():
        turn.take(*servers)
        if abort:
            turn.abort()
        if error is not None:
            raise error


def test_a_thousand_servers_are_forgotten_again(pacer: Pacer) -> None:
    for number in range(1000):
        turn = Turn(pacer, "web01")
        with turn.handshake():
            turn.take(server(number))
            assert pacer.servers == 1
    assert pacer.servers == 0


def test_servers_that_dropped_are_kept_and_swept_in_time(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(engine, "now", lambda: now)
    monkeypatch.setattr(pacing, "_SWEEP", 10)
    pacer = Pacer(engine)
    for number in range(10):
        fails(Turn(pacer, "web01"), Drop(), server(number))
    assert pacer.servers == 10
    now = REMEMBERED + 1
    fails(Turn(pacer, "web01"), Drop(), server(99))
    assert pacer.servers == 1


def test_at_most_so_many_at_one_server_and_the_next_in_line_is_woken(
    engine: Engine, pacer: Pacer
) -> None:
    told: list[str] = []
    inside: list[Turn] = []
    for _ in range(PER_ADDRESS):
        turn = Turn(pacer, "web01", told.append)
        turn.take(server())
        inside.append(turn)
    assert told == []
    late = Turn(pacer, "web02", told.append)
    task = engine.spawn(late.take, server())
    until(engine, lambda: told)
    assert told == [f"waiting for a turn at 192.0.2.0 port 1: {PER_ADDRESS} log in there"]
    other = Turn(pacer, "db01")
    other.take(server(1))
    assert not task.join(0.01)
    with inside[0].handshake():
        pass
    assert task.join(10.0)


def test_giving_up_wakes_who_waits_and_takes_nobodys_place(engine: Engine, pacer: Pacer) -> None:
    holders = [Turn(pacer, "web01") for _ in range(PER_ADDRESS)]
    for turn in holders:
        turn.take(server())
    told: list[str] = []
    errors: list[ConnectionFailed] = []
    waiting = Turn(pacer, "web02", told.append)

    def wait() -> None:
        try:
            with waiting.handshake():
                waiting.take(server())
        except ConnectionFailed as error:
            errors.append(error)

    task = engine.spawn(wait)
    until(engine, lambda: told)
    waiting.abort()
    assert task.join(10.0)
    assert "given up" in errors[0].message
    for turn in holders:
        with turn.handshake():
            pass
    assert pacer.servers == 0


def test_who_gave_up_before_asking_waits_for_nothing(pacer: Pacer) -> None:
    turn = Turn(pacer, "web01")
    turn.abort()
    with pytest.raises(ConnectionFailed, match="given up"), turn.handshake():
        turn.take(server())
    assert pacer.servers == 0


def test_what_we_hung_up_on_ourselves_is_no_drop(pacer: Pacer) -> None:
    turn = Turn(pacer, "web01")
    failed = ConnectionFailed("the server closed the connection", phase="kex")
    failed.drop = Drop()
    with pytest.raises(ConnectionFailed):
        shake(turn, server(), error=failed, abort=True)
    assert failed.drop is None
    assert pacer.servers == 0, "nothing was learnt"


def test_a_drop_comes_out_with_the_progress_of_its_server(pacer: Pacer) -> None:
    assert fails(Turn(pacer, "web01"), Drop(), server()).drop == Drop(progress=0)
    for _ in range(3):
        turn = Turn(pacer, "web02")
        with turn.handshake():
            turn.take(server())
    assert fails(Turn(pacer, "web01"), Drop(), server()).drop == Drop(progress=3)
    assert fails(Turn(pacer, "web01"), Drop(), server(1)).drop == Drop(progress=0)


def test_other_failures_are_no_drops(pacer: Pacer) -> None:
    assert fails(Turn(pacer, "web01"), None, server()).drop is None
    for error in (HostKeyError("another key", phase="hostkey"), ValueError("a bug")):
        with pytest.raises(type(error)):
            shake(Turn(pacer, "web01"), server(), error=error)
    assert pacer.servers == 0


def test_after_a_penalty_nobody_goes_there(
    engine: Engine, pacer: Pacer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 50.0
    monkeypatch.setattr(engine, "now", lambda: now)
    first = fails(Turn(pacer, "web01"), Drop(penalty=True), server())
    assert first.drop == Drop(penalty=True, wait=PENALTY_FIRST)
    now += 5.0
    turn = Turn(pacer, "web02")
    with pytest.raises(ConnectionFailed, match="takes no connection from here") as caught:
        shake(turn, server(), error=AssertionError("it had a turn"))
    assert caught.value.drop == Drop(penalty=True, wait=PENALTY_FIRST - 5.0)
    assert caught.value.host == "web02"
    shake(turn, server(1))
    now += PENALTY_FIRST
    shake(turn, server())


def test_a_server_that_goes_on_penalising_is_given_up(
    engine: Engine, pacer: Pacer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(engine, "now", lambda: now)
    seen = []
    for _ in range(5):
        drop = fails(Turn(pacer, "web01"), Drop(penalty=True), server()).drop
        assert drop is not None
        seen.append(drop.final)
        now += drop.wait
    assert seen == [False, False, False, True, True]


# -- who is counted where


def test_a_name_of_several_addresses_is_one_server_in_whatever_order() -> None:
    assert at_address(["192.0.2.2", "192.0.2.1"], 22) == at_address(["192.0.2.1", "192.0.2.2"], 22)
    assert at_address(["192.0.2.1"], 22) != at_address(["192.0.2.1"], 23)


def test_behind_a_jump_host_both_count_and_the_address_is_asked_first() -> None:
    address, hop = behind(HOST)
    assert (address.bound, hop.bound) == (PER_ADDRESS, PER_HOP)
    assert hop == behind(replace(HOST, host="web02", address="10.0.0.2"))[1]
    assert address == behind(replace(HOST, host="web02", user="bob"))[0]
    elsewhere = replace(HOST, jump=replace(HOP, address="192.0.2.9"))
    assert address != behind(elsewhere)[0], "seen from elsewhere it may be another machine"
    assert address != at_address([HOST.address], HOST.port)


def test_through_a_command_the_address_counts() -> None:
    first = replace(HOST, jump=None, proxy_command="nc 10.0.0.1 22")
    second = replace(first, host="alias", proxy_command="nc  10.0.0.1  22")
    assert behind(first)[0].key == behind(second)[0].key
    assert len(behind(first)) == 1


def test_an_address_that_is_waited_for_holds_no_place_of_the_jump_host(
    engine: Engine, pacer: Pacer
) -> None:
    holders = [Turn(pacer, "web01") for _ in range(PER_ADDRESS)]
    for turn in holders:
        turn.take(*behind(HOST))
    told: list[str] = []
    waiting = [Turn(pacer, "web01", told.append) for _ in range(PER_HOP)]
    tasks = [engine.spawn(_quietly, turn) for turn in waiting]
    until(engine, lambda: len(told) == PER_HOP)
    others = [Turn(pacer, f"db{n}") for n in range(PER_HOP - PER_ADDRESS)]
    for number, turn in enumerate(others):
        turn.take(*behind(replace(HOST, address=f"10.0.1.{number}")))
    for turn in waiting:
        turn.abort()
    assert all(task.join(10.0) for task in tasks)


def _quietly(turn: Turn) -> None:
    with pytest.raises(ConnectionFailed), turn.handshake():
        turn.take(*behind(HOST))


def test_a_jump_host_that_breaks_is_what_is_slowed_down(pacer: Pacer) -> None:
    drop = fails(Turn(pacer, "web01"), Drop(hop=True), *behind(HOST)).drop
    assert drop == Drop(hop=True)
    assert pacer.servers == 1, "the hop's; the address had no part in it"
    fails(Turn(pacer, "web01"), Drop(), *behind(HOST))
    assert pacer.servers == 2


def test_doors_are_where_it_may_be_crowded() -> None:
    assert door(HOST).width == PER_HOP
    assert door(HOST) == door(replace(HOST, address="10.0.0.2"))
    direct = replace(HOST, jump=None)
    assert door(direct).width == PER_ADDRESS
    assert door(direct) == door(replace(direct, host="alias"))
    assert door(direct) != door(replace(direct, port=23))
