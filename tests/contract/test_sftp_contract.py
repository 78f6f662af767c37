"""Files over SFTP, on hosts whose servers give nothing else; over every way, on both engines."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.become_host import BecomeHost, become_host, obstacle
from support.reach import Ran, Reach, over_ssh, over_ssh_program, ways

from opsrun.composition.fleetway import Fleetway
from opsrun.composition.ways import Way
from opsrun.engine.base import Engine
from opsrun.engine.stop import Stop
from opsrun.errors import Cancelled, ConnectionFailed, ConnectionLost, HostError
from opsrun.lab import Lab
from opsrun.remote.command import Command
from opsrun.remote.connection import Connection, Manner, Transport
from opsrun.remote.files.delivery import Delivery, FilePart, NewDirectory
from opsrun.remote.sftp.client import SFTP
from opsrun.remote.sftp.files import SFTPFiles

BIG = random.Random(1).randbytes(3_000_001)


@pytest.fixture(params=["sshd", "ssh_binary"])
def reach(request: pytest.FixtureRequest, engine: Engine, sshd: Callable[..., Lab]) -> Reach:
    """A way to a host that gives files alone."""
    lab = sshd("ForceCommand internal-sftp")
    name = lab.hosts[0].name
    if request.param == "sshd":
        return over_ssh(engine, lab, name, "sshd", kills=True)
    return over_ssh_program(engine, lab, name)


@contextmanager
def sftp_over(
    transport: Transport, engine: Engine, stop: Stop | None = None, subsystem: str = "sftp"
) -> Iterator[SFTP]:
    """A client, over a connection of its own."""
    try:
        connection: Connection = transport.connect()
        started = connection.start("", Manner(subsystem=subsystem))
        sftp = SFTP(started, engine.now, "h", stop)
        try:
            yield sftp
        finally:
            sftp.close()
    finally:
        transport.close()


def there_and_back(sftp: SFTP, dest: bytes) -> None:
    """Put a tree into a directory, read it again."""
    files = SFTPFiles(sftp, probe=True)
    content = {b"d/small": b"x", b"d/empty": b"", b"big": BIG}
    parts = tuple(FilePart(name, len(data), 0o640) for name, data in content.items())
    real = files.look(dest).real
    assert real.writable
    delivery = Delivery(real.path, parts, (NewDirectory(b"d", 0o750),))
    files.deliver(delivery, iter(content.values()))
    listed = files.entries(real.path)
    assert {each.path: each.mode for each in listed[1:]} == {
        b"d": 0o750,
        b"d/small": 0o640,
        b"d/empty": 0o640,
        b"big": 0o640,
    }
    hashed = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    assert files.digests(real.path, [each for each in listed if each.path in content]) == hashed
    came: list[bytes] = []
    assert files.read(real.path + b"/big", came.append) == hashed[b"big"]
    assert b"".join(came) == BIG
    again = Delivery(real.path, (FilePart(b"big", 3, 0o600),))
    assert files.deliver(again, [b"new"]).replaced == (b"big",)
    files.remove(real.path, [b"d", b"big"])
    assert [each.path for each in files.entries(real.path)] == [b""]


def test_a_tree_there_and_back(reach: Reach, engine: Engine, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    dest.mkdir()
    with sftp_over(reach.make(), engine) as sftp:
        there_and_back(sftp, os.fsencode(dest))


def test_nothing_else_is_to_be_had_there(reach: Reach) -> None:
    transport = reach.make()
    try:
        ran = Ran(reach, Command("echo usable"))
        try:
            assert ran.on(transport.connect()).stdout != b"usable\n"
        except HostError:
            pass
        assert b"usable" not in ran.stdout.bytes()
    finally:
        transport.close()


def test_a_server_without_sftp(engine: Engine, sshd: Callable[..., Lab]) -> None:
    lab = sshd("Subsystem dead /bin/false")
    way = over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True)
    with (
        pytest.raises(ConnectionFailed, match="ended before it said a word") as caught,
        sftp_over(way.make(), engine, subsystem="dead"),
    ):
        pass
    assert "Subsystem in its sshd_config" in caught.value.hint


def test_a_login_that_prints(engine: Engine, sshd: Callable[..., Lab]) -> None:
    lab = sshd("Subsystem chatty echo Hello from your profile; exec /bin/cat")
    way = over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True)
    with (
        pytest.raises(ConnectionFailed, match="no SFTP: Hello from your profile") as caught,
        sftp_over(way.make(), engine, subsystem="chatty"),
    ):
        pass
    assert "bashrc" in caught.value.hint


def chunks(data: bytes, offset: int, call: Callable[[], object]) -> Iterator[bytes]:
    """The data, with something that happens once so many bytes were given."""
    for at in range(0, len(data), 10_000):
        if at <= offset < at + 10_000:
            call()
        yield data[at : at + 10_000]


@pytest.mark.parametrize("seed", range(5))
def test_a_connection_that_breaks_leaves_the_old_file(
    reach: Reach, engine: Engine, tmp_path: Path, seed: int
) -> None:
    (tmp_path / "f").write_text("old")
    transport = reach.make()
    offset = random.Random(seed).randrange(len(BIG))
    delivery = Delivery(os.fsencode(tmp_path), (FilePart(b"f", len(BIG), 0o644),))
    with (
        pytest.raises(ConnectionLost) as caught,
        sftp_over(transport, engine) as sftp,
    ):
        SFTPFiles(sftp).deliver(delivery, chunks(BIG, offset, transport.close))
    assert (tmp_path / "f").read_text() == "old"
    assert f"{os.fsdecode(delivery.stage)} may have been left there" in caught.value.hint


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_ended_leaves_nothing(
    reach: Reach, engine: Engine, tmp_path: Path, seed: int
) -> None:
    (tmp_path / "f").write_text("old")
    before = sorted(os.listdir(tmp_path))
    offset = random.Random(seed).randrange(len(BIG))
    stop = Stop(engine)
    delivery = Delivery(os.fsencode(tmp_path), (FilePart(b"f", len(BIG), 0o644),))
    ending = chunks(BIG, offset, lambda: stop.cancel("interrupted"))
    with (
        pytest.raises(Cancelled, match="interrupted") as caught,
        sftp_over(reach.make(), engine, stop) as sftp,
        stop.closing(sftp.interrupt),
    ):
        SFTPFiles(sftp).deliver(delivery, ending)
    assert caught.value.hint == ""
    assert (tmp_path / "f").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == before


def test_ended_from_another_task_while_it_waits(
    engine: Engine, sshd: Callable[..., Lab], tmp_path: Path
) -> None:
    """A server that greets, then says nothing more."""
    script = tmp_path / "mute"
    script.write_text(
        "printf '\\000\\000\\000\\005\\002\\000\\000\\000\\003'; exec cat >/dev/null\n"
    )
    lab = sshd(f"Subsystem mute /bin/sh {script}")
    way = over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True)
    stop = Stop(engine)
    with sftp_over(way.make(), engine, stop, "mute") as sftp, stop.closing(sftp.interrupt):
        task = engine.spawn(stop.cancel, "enough")
        with pytest.raises(Cancelled, match="enough"):
            SFTPFiles(sftp).entries(b"/")
    assert task.join(10.0)


# -- an account without a shell


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BecomeHost]:
    """A host with a user ``service`` whose shell is nologin(8)."""
    if reason := obstacle():
        pytest.skip(reason)
    with become_host(tmp_path_factory.mktemp("shellless")) as host:
        yield host


@pytest.mark.root
@pytest.mark.sshd
def test_an_account_without_a_shell(engine: Engine, box: BecomeHost) -> None:
    [way] = ways(box.inventory("service"), "box")
    [job] = Fleetway(engine).jobs([Way("box", way.target)], ("test",), "test")
    with sftp_over(job.transport(), engine) as sftp:
        files = SFTPFiles(sftp, probe=True)
        home = files.look(b"~").real.path
        assert home == b"/home/service"
        files.make_directory(home + b"/put", 0o700)
        there_and_back(sftp, home + b"/put")
        with pytest.raises(HostError, match="can't write into /etc: Permission denied"):
            files.deliver(Delivery(b"/etc", (FilePart(b"f", 1, 0o644),)), [b"x"])
        assert not files.look(b"/etc").real.writable
        assert files.look(b"put").uid == files.entries(home)[0].uid
