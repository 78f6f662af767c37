"""What counts round trips is itself held to what passes: a client and a server of known habits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from harness.behind import free_port
from harness.lockstep import Lockstep, Tally
from harness.packets import PacketLog, Packets, phase_of
from harness.quiet import at_rest

_SERVER = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    while data := connection.recv(4096):
        for byte in data:
            time.sleep(0.002)
            connection.sendall(bytes([byte]) * 2)
    connection.close()
"""
_CLIENT = """
import socket, sys, time
link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for ahead in map(int, sys.argv[2:]):
    for _ in range(ahead):
        link.sendall(b"x")
        sum(range(200_000))
    left = 2 * ahead
    while left:
        left -= len(link.recv(left))
"""


def _counted(ahead: Sequence[int]) -> Tally:
    here, there = (free_port(["127.0.0.1"]) for _ in range(2))
    command = [sys.executable, "-c"]
    with subprocess.Popen([*command, _SERVER, str(there)], stdout=subprocess.PIPE) as server:
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        client = subprocess.Popen([*command, _CLIENT, str(here), *map(str, ahead)])
        places = {"h": (("127.0.0.1", here), ("127.0.0.1", there))}
        wire = Lockstep(
            places,
            lambda: at_rest([client.pid]),
            lambda: at_rest([server.pid]),
            lambda host: Packets(),
        )
        try:
            wire.run(lambda: client.poll() is not None)
        finally:
            wire.close()
            server.terminate()
            client.wait()
    assert client.returncode == 0
    return wire.tallies["h"]


@pytest.mark.parametrize("ahead", [(1,), (1, 1, 1), (5,), (3, 1, 4)], ids=str)
def test_what_is_sent_ahead_is_one_round_trip(ahead: tuple[int, ...]) -> None:
    tally = _counted(ahead)
    assert tally.connections == 1
    assert tally.up == sum(ahead)
    assert tally.down == 2 * sum(ahead)
    # One for each group, however slowly it is sent or answered; and that of the TCP connection.
    assert tally.total - tally.rounds["tcp"] == len(ahead)


def test_a_process_that_computes_is_not_at_rest() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read(1)\nwhile True: pass"],
        stdin=subprocess.PIPE,
    ) as process:
        assert process.stdin
        process.stdin.write(b"x")
        process.stdin.flush()
        try:
            looks = {at_rest([process.pid]) for _ in range(50)}
        finally:
            process.kill()
    assert False in looks


def test_who_is_gone_is_at_rest() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert at_rest([process.pid])


@pytest.mark.parametrize(
    ("received", "phase"),
    [
        ((20, 30), "kex"),
        ((21, 5), "auth"),
        ((50,), "auth"),
        ((90,), "open"),
        ((98, 98), "exec"),
        ((98, 94), "exec"),
        ((94,), "session"),
        ((96, 97), "session"),
        ((), "session"),
    ],
)
def test_phases(received: tuple[int, ...], phase: str) -> None:
    assert phase_of(received) == phase


def test_the_log_is_read_from_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("debug3: receive packet: type 90\n")
    log = PacketLog(path)
    with path.open("a") as file:
        file.write(
            "debug3: receive packet: type 5 [preauth]\nother\ndebug3: send packet: type 91\n"
        )
    found = log.new()
    assert (found.received, found.sent, found.opened) == ((5,), (91,), 1)
    assert log.new() == Packets()
