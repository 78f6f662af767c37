"""Connections that are kept between runs, in memory and on real sshd, on both engines."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.processes import wait_gone

from opsrun import Fleet, UsageError
from opsrun.composition.pool import Pool, PooledTransport
from opsrun.engine.base import Engine
from opsrun.errors import Cancelled, ConnectionFailed
from opsrun.events import Outcome, Output
from opsrun.lab import Lab
from opsrun.remote.connection import Manner, Terminal
from opsrun.testing import FakeTransport, Hold, ends

LONG = 30.0


@dataclass(frozen=True)
class Host:
    host: str


WEB, DB = Host("web"), Host("db")


@dataclass
class Fakes:
    """Makes the pool's transports, and remembers them."""

    engine: Engine
    made: list[FakeTransport] = field(default_factory=list)
    login: list[Hold | ConnectionFailed] = field(default_factory=list)

    def __call__(self, place: Host) -> FakeTransport:
        opening: list[Hold | ConnectionFailed] = []
        transport = FakeTransport(
            self.engine, {"x": ends(0)}, host=place.host, login=list(self.login), opening=opening
        )
        self.made.append(transport)
        return transport


@pytest.fixture
def fakes(engine: Engine) -> Fakes:
    return Fakes(engine)


@pytest.fixture
def story() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def pool(engine: Engine, fakes: Fakes, story: list[tuple[str, str]]) -> Iterator[Pool[Host]]:
    pool: Pool[Host] = Pool(engine, fakes, lambda host, line: story.append((host, line)))
    yield pool
    pool.close()
    assert all(transport.closed for transport in fakes.made)


def use(pool: Pool[Host], place: Host = WEB, manner: Manner | None = None) -> None:
    """Log in or not, run one command, give back."""
    transport = pool.transport(place)
    try:
        connection = transport.connect()
        (connection.start("x", manner) if manner else connection.start("x")).close()
    finally:
        transport.close()


def test_the_next_user_of_a_host_gets_its_connection(pool: Pool[Host], fakes: Fakes) -> None:
    for _ in range(3):
        use(pool)
    use(pool, DB)
    assert [transport.connects for transport in fakes.made] == [1, 1]
    assert [transport.started for transport in fakes.made] == [["x"] * 3, ["x"]]
    assert len(pool) == 2


def test_a_place_is_known_by_what_it_is(pool: Pool[Host], fakes: Fakes) -> None:
    use(pool, Host("web"))
    use(pool, Host("web"))
    assert len(fakes.made) == 1


def test_the_manner_goes_through(pool: Pool[Host], fakes: Fakes) -> None:
    use(pool, manner=Manner(Terminal(100, 30)))
    assert fakes.made[0].manners == [Manner(Terminal(100, 30))]


def test_two_users_at_once_have_a_connection_each(pool: Pool[Host], fakes: Fakes) -> None:
    first, second = pool.transport(WEB), pool.transport(WEB)
    first.connect()
    second.connect()
    assert len(fakes.made) == 2
    first.close()
    second.close()
    second.close()
    assert len(pool) == 2
    use(pool)
    assert len(fakes.made) == 2


def test_one_that_has_ended_is_noticed_before_it_is_used(
    pool: Pool[Host], fakes: Fakes, story: list[tuple[str, str]]
) -> None:
    use(pool)
    fakes.made[0].closed = True
    use(pool)
    assert [transport.started for transport in fakes.made] == [["x"], ["x"]]
    assert story == [("web", "the connection that was kept has ended; logging in again")]


def test_one_that_turns_out_dead_as_a_channel_opens_is_replaced(
    pool: Pool[Host], fakes: Fakes, story: list[tuple[str, str]]
) -> None:
    use(pool)
    dead = ConnectionFailed("no answer within 15 s", host="web", phase="open")
    fakes.made[0]._opening.append(dead)  # type: ignore[attr-defined]
    use(pool)
    assert [transport.started for transport in fakes.made] == [["x"], ["x"]]
    assert fakes.made[0].closed
    assert story == [("web", "no answer within 15 s; logging in again")]
    assert len(pool) == 1


@pytest.mark.parametrize("phase", ["open", "exec"])
def test_what_a_new_connection_refuses_is_an_error(
    pool: Pool[Host], fakes: Fakes, phase: str
) -> None:
    transport = pool.transport(WEB)
    connection = transport.connect()
    fakes.made[0]._opening.append(  # type: ignore[attr-defined]
        ConnectionFailed("no", host="web", phase=phase)
    )
    with pytest.raises(ConnectionFailed, match="no"):
        connection.start("x")
    transport.close()
    assert len(fakes.made) == 1


def test_a_refusal_behind_the_opening_is_an_error_on_a_kept_one_too(
    pool: Pool[Host], fakes: Fakes
) -> None:
    use(pool)
    fakes.made[0]._opening.append(  # type: ignore[attr-defined]
        ConnectionFailed("no terminal", host="web", phase="exec")
    )
    with pytest.raises(ConnectionFailed, match="no terminal"):
        use(pool)
    assert len(fakes.made) == 1


def test_a_login_is_given_up_from_another_task(
    engine: Engine, pool: Pool[Host], fakes: Fakes
) -> None:
    hold = Hold(engine)
    fakes.login.append(hold)
    transport = pool.transport(WEB)
    ended: list[BaseException] = []

    def connect() -> None:
        try:
            transport.connect()
        except (ConnectionFailed, Cancelled) as error:
            ended.append(error)

    task = engine.spawn(connect)
    assert hold.reached.wait(LONG)
    transport.close()
    assert task.join(LONG)
    assert len(ended) == 1
    assert fakes.made[0].closed
    assert len(pool) == 0


def test_a_login_after_the_end_never_gets_far(pool: Pool[Host], fakes: Fakes) -> None:
    transport = pool.transport(WEB)
    transport.close()
    with pytest.raises((ConnectionFailed, Cancelled)):
        transport.connect()
    assert len(pool) == 0


def test_ending_a_connection_early_closes_it_for_good(pool: Pool[Host], fakes: Fakes) -> None:
    transport = pool.transport(WEB)
    connection = transport.connect()
    connection.close()
    assert fakes.made[0].closed
    transport.close()
    assert len(pool) == 0
    with pytest.raises(ConnectionFailed, match="was closed"):
        connection.start("x")


def test_those_unused_for_longest_go_first(pool: Pool[Host], fakes: Fakes) -> None:
    for name in ("a", "b", "c"):
        use(pool, Host(name))
    use(pool, Host("a"))
    pool.limit(2)
    assert [transport.closed for transport in fakes.made] == [False, True, False]
    use(pool, Host("d"))
    assert [transport.closed for transport in fakes.made] == [False, True, True, False]
    pool.limit(0)
    use(pool, Host("e"))
    assert all(transport.closed for transport in fakes.made)
    assert len(pool) == 0


def test_what_is_given_back_to_a_closed_pool_is_closed(pool: Pool[Host], fakes: Fakes) -> None:
    transport: PooledTransport[Host] = pool.transport(WEB)
    transport.connect()
    pool.close()
    assert not fakes.made[0].closed
    transport.close()
    assert fakes.made[0].closed


# -- on real hosts

MakeLab = Callable[..., Lab]


def logins(lab: Lab) -> list[int]:
    """How often each host let somebody in, by its own log."""
    logs = [lab.log(host.name).read_text() for host in lab.hosts]
    return [log.count("Accepted publickey") for log in logs]


def test_one_login_a_host_however_many_commands(sshd: MakeLab) -> None:
    lab = sshd(hosts=3)
    with Fleet(lab.inventory) as fleet:
        for number in range(3):
            report = fleet.exec(f"echo $OPSRUN_HOST {number}", hosts="all")
            said = {result.host: result.stdout for result in report.ok}
            assert said == {h.name: f"{h.name} {number}\n".encode() for h in lab.hosts}
        assert fleet.exec("exit 3", hosts="all").exit_status() == 1
        assert logins(lab) == [1, 1, 1]
        first = lab.hosts[0].name
        assert fleet.ping(first).exit_status() == 0
        assert logins(lab) == [2, 1, 1], "a ping is about the login"
    fleet.exec("true", hosts="all")
    fleet.exec("true", hosts="all")
    assert logins(lab) == [4, 3, 3], "without the block each call logs in"


PLAY = """
- hosts: all
  gather_facts: false
  tasks:
  - command: echo {{ inventory_hostname }}
    register: said
  - assert: {that: said.stdout == inventory_hostname}
"""
AGAIN = """
- hosts: all
  gather_facts: false
  tasks:
  - command: echo $PPID
    register: before
  - meta: reset_connection
  - command: "true"
"""


def test_playbooks_and_commands_share_the_logins(sshd: MakeLab, tmp_path: Path) -> None:
    lab = sshd(hosts=3)
    (tmp_path / "play.yml").write_text(PLAY)
    with Fleet(lab.inventory) as fleet:
        for _ in range(2):
            assert fleet.playbook(tmp_path / "play.yml").exit_status() == 0
            assert fleet.exec("true", hosts="all").exit_status() == 0
        assert logins(lab) == [1, 1, 1]
    assert fleet.playbook(tmp_path / "play.yml").exit_status() == 0
    assert logins(lab) == [2, 2, 2], "without the block each run logs in"


def test_a_connection_that_a_playbook_resets_is_not_had_again(
    sshd: MakeLab, tmp_path: Path
) -> None:
    lab = sshd()
    (tmp_path / "play.yml").write_text(AGAIN)
    with Fleet(lab.inventory) as fleet:
        assert fleet.exec("true", hosts="all").exit_status() == 0
        assert fleet.playbook(tmp_path / "play.yml").exit_status() == 0
        assert logins(lab) == [2]
        assert fleet.exec("true", hosts="all").exit_status() == 0
        assert logins(lab) == [2]


def test_a_connection_that_the_host_closed_is_replaced(sshd: MakeLab) -> None:
    lab = sshd()
    name = lab.hosts[0].name
    with Fleet(lab.inventory) as fleet:
        server = int(fleet.exec("echo $PPID", hosts=name)[name].stdout)
        os.kill(server, signal.SIGKILL)
        assert wait_gone(server)
        result = fleet.exec("echo there; echo $PPID", hosts=name)[name]
        assert result.outcome is Outcome.OK
        assert result.stdout.startswith(b"there\n")
        assert logins(lab) == [2]


def test_a_command_that_was_ended_leaves_a_connection_of_use(sshd: MakeLab) -> None:
    lab = sshd()
    name = lab.hosts[0].name
    with Fleet(lab.inventory) as fleet:
        late = fleet.exec("echo $$; exec sleep 600", hosts=name, timeout=0.3)[name]
        assert late.outcome is Outcome.FAILED
        assert wait_gone(int(late.stdout))
        assert fleet.exec("echo on", hosts=name)[name].stdout == b"on\n"
        assert logins(lab) == [1]


def test_runs_at_the_same_time_share_no_connection(sshd: MakeLab) -> None:
    lab = sshd()
    name = lab.hosts[0].name
    with Fleet(lab.inventory) as fleet:
        fifo = lab.directory / "fifo"
        os.mkfifo(fifo)
        slow = fleet.stream(f"echo begun; cat {fifo}", hosts=name)
        next(event for event in slow if isinstance(event, Output))
        assert fleet.exec(f"echo x >{fifo}", hosts=name).exit_status() == 0
        assert list(slow)[-1].to_dict()["ok"] == 1
    assert logins(lab) == [2]


def test_a_fleet_is_entered_once() -> None:
    with Fleet("localhost,") as fleet, pytest.raises(UsageError, match="already"):
        fleet.__enter__()
    with fleet:
        pass
