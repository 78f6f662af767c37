"""Connections to a real sshd that last: a peer that freezes, and keys renewed under load."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from typing import Any

import pytest
from support.reach import Ran, Reach, over_ssh

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionLost
from opsrun.events import StreamName
from opsrun.lab import Lab
from opsrun.remote.command import Command
from opsrun.remote.deadline import Timeouts
from opsrun.transports.ssh.link import Link
from opsrun.transports.ssh.packets import Packetizer

MEGABYTE = 1 << 20
LONG = 60.0


@contextmanager
def connected(reach: Reach, **options: Any) -> Iterator[Any]:
    transport = reach.make(**options)
    try:
        yield transport.connect()
    finally:
        transport.close()


# -- a peer that freezes


def test_a_frozen_sshd_is_lost(engine: Engine, lab: Lab) -> None:
    """Its machine hangs, say: the kernel still acknowledges every byte, and nobody answers."""
    reach = over_ssh(engine, lab, "web07", "sshd", kills=True)
    frozen: list[int] = []

    def freeze(stream: StreamName, data: bytes) -> None:
        frozen.extend(map(int, data.split()))
        os.kill(frozen[0], signal.SIGSTOP)

    ran = Ran(reach, Command("echo $PPID $$; exec sleep 600"), on_output=freeze)
    try:
        with connected(reach, timeouts=Timeouts(keepalive=0.2, keepalive_count=3)) as connection:
            task = engine.spawn(ran.quietly, connection)
            assert task.join(LONG), "the keepalive was not counted"
    finally:
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert len(frozen) == 2
    assert isinstance(ran.error, ConnectionLost), ran.error
    assert "no sign of life" in ran.error.message
    assert (ran.error.phase, ran.running.sent) == ("run", True)
    assert ran.stdout.bytes() == b"%d %d\n" % (*frozen,), "what came before is kept"


def test_frozen_between_two_commands(engine: Engine, lab: Lab) -> None:
    """The same between two commands: the next one's channel is not opened, and it is not run."""
    reach = over_ssh(engine, lab, "web08", "sshd", kills=True)
    timeouts = Timeouts(keepalive=0.0, open=0.2)
    pid = 0
    try:
        with connected(reach, timeouts=timeouts) as connection:
            pid = int(Ran(reach, Command("echo $PPID")).on(connection).stdout)
            os.kill(pid, signal.SIGSTOP)
            ran = Ran(reach, Command("true"))
            ran.quietly(connection)
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
    assert "no answer within 0.2 s" in str(ran.error)
    assert not ran.running.sent


# -- keys renewed under load (RFC 4253 section 9)


@pytest.fixture
def exchanges(monkeypatch: pytest.MonkeyPatch) -> list[Link]:
    """The links that began or answered a key exchange, once for each."""
    seen: list[Link] = []
    before: Any = Link._send_kex_init  # type: ignore[attr-defined]

    def counted(link: Link) -> None:
        seen.append(link)
        before(link)

    monkeypatch.setattr(Link, "_send_kex_init", counted)
    return seen


class Hashes:
    """Takes output as it comes; keeps its digest alone."""

    def __init__(self) -> None:
        self.length = 0
        self._digest = hashlib.sha256()

    def __call__(self, stream: StreamName, data: bytes) -> None:
        assert stream == "stdout"
        self.length += len(data)
        self._digest.update(data)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


LINE = b"0123456789abcdef\n"


def lines(size: int) -> bytes:
    """What ``yes 0123456789abcdef | head -c SIZE`` prints."""
    return (LINE * (size // len(LINE) + 1))[:size]


def test_tens_of_megabytes_over_renewed_keys(
    engine: Engine, sshd: Callable[..., Lab], exchanges: list[Link]
) -> None:
    """The server renews them after each megabyte."""
    lab = sshd("RekeyLimit 1M")
    reach = over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True)
    size = 48 * MEGABYTE
    came = Hashes()
    script = f"yes {LINE.decode().strip()} | head -c {size}"
    with connected(reach) as connection:
        ended = Ran(reach, Command(script), cap=1024, on_output=came).on(connection)
    assert (ended.rc, came.length) == (0, size)
    assert came.digest == hashlib.sha256(lines(size)).hexdigest()
    assert len(exchanges) > 20


def test_keys_that_we_renew(
    engine: Engine, lab: Lab, exchanges: list[Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    """sshd would after a gigabyte; here both directions are under load when we begin it."""
    monkeypatch.setattr(Packetizer, "REKEY_BYTES", MEGABYTE)
    reach = over_ssh(engine, lab, "web09", "sshd", kills=True)
    sent = bytes(islice(cycle(range(251)), 16 * MEGABYTE))
    came = Hashes()
    with connected(reach) as connection:
        ended = Ran(reach, Command("cat", stdin=sent), cap=1024, on_output=came).on(connection)
    assert (ended.rc, came.length) == (0, len(sent))
    assert came.digest == hashlib.sha256(sent).hexdigest()
    assert len(exchanges) > 5


def test_commands_side_by_side_over_renewed_keys(
    engine: Engine, sshd: Callable[..., Lab], exchanges: list[Link]
) -> None:
    """Channels are opened and closed while keys are renewed."""
    lab = sshd("RekeyLimit 256K")
    reach = over_ssh(engine, lab, lab.hosts[0].name, "sshd", kills=True)
    scripts = [Command(f"yes {number} | head -c {MEGABYTE}") for number in range(8)]
    hashes = [Hashes() for _ in scripts]
    runs = [
        Ran(reach, script, cap=1024, on_output=came)
        for script, came in zip(scripts, hashes, strict=True)
    ]
    with connected(reach) as connection:
        tasks = [engine.spawn(ran.quietly, connection) for ran in runs]
        assert all(task.join(LONG) for task in tasks)
    assert [ran.error for ran in runs] == [None] * len(runs)
    for number, came in enumerate(hashes):
        expected = (b"%d\n" % number) * (MEGABYTE // 2)
        assert came.digest == hashlib.sha256(expected).hexdigest()
    assert len(exchanges) > 5
