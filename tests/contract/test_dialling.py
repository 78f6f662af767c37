"""Addresses dialled side by side, on both engines: who wins, what is told, and what is left."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from support import evil
from support.addresses import listening, place, refusing, swallowing
from support.engines import until
from support.evil import EvilSSH

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionFailed
from opsrun.remote.deadline import Deadline, Timeouts
from opsrun.secret import Secret
from opsrun.transports.credentials.keyring import Credential
from opsrun.transports.ssh import dial, racing
from opsrun.transports.ssh.client import SSHShared, SSHTransport
from opsrun.transports.ssh.dial import Dialler
from opsrun.transports.ssh.racing import AddressInfo, GivenUp, Race
from opsrun.transports.targets.target import SSHTarget

LONG = 30.0
SHORT = 0.2
NEVER = 1e6
"""Seconds to the next attempt that no test lives to see."""

Addresses = Callable[..., list[AddressInfo]]


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    """Makes addresses, one of each kind that is named, in that order."""
    with ExitStack() as stack:
        yield lambda *kinds: [stack.enter_context(kind()) for kind in kinds]


@pytest.fixture
def delay(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the seconds between attempts."""
    return lambda seconds: monkeypatch.setattr(racing, "ATTEMPT_DELAY", seconds)


@pytest.fixture
def race(engine: Engine) -> Callable[..., Race]:
    """Makes races that have ``seconds``."""
    return lambda found, seconds=LONG: Race(found, Deadline("tcp", seconds, engine.now))


def test_a_good_address_wins_while_a_black_hole_is_still_waited_for(
    race: Callable[..., Race], addresses: Addresses, delay: Callable[[float], None]
) -> None:
    """As where AAAA is black-holed and A works: the first one's end is not awaited."""
    delay(0.0)
    found = addresses(swallowing, listening)
    running = race(found)
    with running.run() as sock:
        assert sock.getpeername() == found[1][1]
    assert running._failures == []


def test_the_next_address_has_its_turn_when_the_delay_is_over(
    race: Callable[..., Race], addresses: Addresses
) -> None:
    """By the delay as it is: an attempt that hangs is followed by another one."""
    assert racing.ATTEMPT_DELAY == 0.25, "RFC 8305 section 5"
    found = addresses(swallowing, swallowing, listening)
    with race(found).run() as sock:
        assert sock.getpeername() == found[2][1]


def test_a_refusal_is_not_waited_upon(
    race: Callable[..., Race], addresses: Addresses, delay: Callable[[float], None]
) -> None:
    """The next attempt begins when the last one has failed, however long the delay."""
    delay(NEVER)
    found = addresses(refusing, refusing, listening)
    running = race(found)
    with running.run() as sock:
        assert sock.getpeername() == found[2][1]
    assert [address for address, _ in running._failures] == found[:2]


def test_before_the_delay_is_over_nobody_else_is_asked(
    race: Callable[..., Race], addresses: Addresses, delay: Callable[[float], None]
) -> None:
    delay(NEVER)
    found = addresses(swallowing, listening)
    running = race(found, SHORT)
    with pytest.raises(TimeoutError) as caught:
        running.run()
    told = running.failure(caught.value, "web01").message
    assert f"{place(found[0])}: no answer; {place(found[1])}: not tried" in told


def test_of_two_that_answer_one_is_closed(
    race: Callable[..., Race], addresses: Addresses, delay: Callable[[float], None]
) -> None:
    """That none is left is what the suite looks for after each test."""
    delay(0.0)
    found = addresses(listening, listening)
    with race(found).run() as sock:
        assert sock.getpeername() in [address[1] for address in found]


@pytest.mark.parametrize("kinds", [(swallowing,), (swallowing, refusing, swallowing)])
def test_given_up_from_another_task(
    engine: Engine,
    race: Callable[..., Race],
    addresses: Addresses,
    delay: Callable[[float], None],
    kinds: tuple[Any, ...],
) -> None:
    delay(0.0)
    running, ends = race(addresses(*kinds), NEVER), []

    def run() -> None:
        try:
            running.run()
        except GivenUp as error:
            ends.append(error)

    task = engine.spawn(run)
    until(engine, lambda: len(running._pending) == kinds.count(swallowing))
    running.abort()
    assert task.join(LONG)
    assert len(ends) == 1


def test_given_up_before_it_begins(race: Callable[..., Race], addresses: Addresses) -> None:
    running = race(addresses(listening))
    running.abort()
    with pytest.raises(GivenUp):
        running.run()


# -- as a host's error


def target(**options: Any) -> SSHTarget:
    return SSHTarget(host="web01", address="web01.invalid", port=22, user="alice", **options)


def test_every_address_says_why(
    engine: Engine, addresses: Addresses, delay: Callable[[float], None]
) -> None:
    delay(0.0)
    found = addresses(swallowing, refusing)
    with pytest.raises(ConnectionFailed) as caught:
        Dialler(target(timeouts=Timeouts(tcp=SHORT)), engine).dial(found)
    error = caught.value
    assert (error.host, error.phase, error.transient) == ("web01", "tcp", True)
    assert re.match(r"none of 2 addresses answered within 0\.\d s: ", error.message)
    assert f"{place(found[1])}: connection refused; {place(found[0])}: no answer" in error.message
    assert error.hint
    assert not error.refused, "who is silent has not said that nobody listens"


def test_one_address_is_told_as_one(engine: Engine, addresses: Addresses) -> None:
    found = addresses(refusing)
    with pytest.raises(ConnectionFailed) as caught:
        Dialler(target(), engine).dial(found)
    assert re.fullmatch(
        rf"{place(found[0])}: connection refused after \d+\.\d s", caught.value.message
    )
    assert caught.value.refused


def test_a_transport_closed_while_it_dials(engine: Engine, addresses: Addresses) -> None:
    found, errors = addresses(swallowing, swallowing), []
    shared = SSHShared(
        engine, lambda target: [], lambda *key: None, lambda target: (), resolver=lambda *_: found
    )
    transport = SSHTransport(target(timeouts=Timeouts(tcp=NEVER)), shared)

    def connect() -> None:
        try:
            transport.connect()
        except ConnectionFailed as error:
            errors.append(error)

    task = engine.spawn(connect)
    dialler: Any = transport._route
    until(engine, lambda: dialler._dialler._race is not None)
    transport.close()
    assert task.join(LONG)
    assert [(error.phase, "given up" in error.message) for error in errors] == [("tcp", True)]


@pytest.mark.parametrize("bad", [swallowing, refusing])
def test_a_login_over_the_address_that_works(
    engine: Engine, addresses: Addresses, bad: Any
) -> None:
    with EvilSSH() as server:
        found = [*addresses(bad), (2, ("127.0.0.1", server.port))]
        password = Credential("password", ("password",), _password=Secret(evil.FULL))
        shared = SSHShared(
            engine,
            lambda target: [password],
            lambda *key: None,
            lambda target: (),
            resolver=lambda *_: found,
        )
        transport = SSHTransport(target(), shared)
        assert transport.connect().is_alive
        transport.close()


# -- again, where ConnectionAttempts asks for it


def test_as_many_attempts_as_were_asked_for(
    engine: Engine, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "BETWEEN_ATTEMPTS", 0.0)
    told: list[str] = []
    with pytest.raises(ConnectionFailed, match="connection refused"):
        Dialler(target(connection_attempts=3), engine, told.append).dial(addresses(refusing))
    assert [words.partition("; ")[2] for words in told] == ["dialling again in 0 s"] * 2


def test_an_attempt_that_gets_through_is_the_last(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "BETWEEN_ATTEMPTS", 0.0)
    told: list[str] = []
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))

        def tell(words: str) -> None:
            told.append(words)
            bound.listen()

        dialler = Dialler(target(connection_attempts=9), engine, tell)
        with dialler.dial([(int(socket.AF_INET), bound.getsockname())]) as sock:
            assert sock.getpeername() == bound.getsockname()
    assert len(told) == 2, "refused once, then connected"


def test_no_attempt_that_could_not_end_in_time(engine: Engine, addresses: Addresses) -> None:
    assert dial.BETWEEN_ATTEMPTS == 1.0, "ssh_config(5): one per second"
    told: list[str] = []
    asked = target(connection_attempts=9, timeouts=Timeouts(tcp=1.0))
    with pytest.raises(ConnectionFailed, match="connection refused"):
        Dialler(asked, engine, told.append).dial(addresses(refusing))
    assert told == []


def test_given_up_between_two_attempts(
    engine: Engine, addresses: Addresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "BETWEEN_ATTEMPTS", NEVER)
    asked = target(connection_attempts=2, timeouts=Timeouts(tcp=2 * NEVER))
    dialler = Dialler(asked, engine, lambda words: dialler.abort())
    with pytest.raises(ConnectionFailed, match="connection refused"):
        dialler.dial(addresses(refusing))
