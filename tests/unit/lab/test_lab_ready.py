"""Who greets as an SSH server, and who doesn't."""

from __future__ import annotations

import socket

import pytest
from support.servers import LoopbackServer, greeting, hanging_up, silent

from opsrun.lab.layout import LabHost
from opsrun.lab.ready import silent_hosts


def host(server: LoopbackServer, name: str = "web01") -> LabHost:
    return LabHost(name, server.address, server.port)


def closed() -> LabHost:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return LabHost("gone01", "127.0.0.1", listener.getsockname()[1])


def in_pieces(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"SSH-2.0-x\r\n":
        connection.sendall(bytes([byte]))
    silent(connection)


def test_a_banner_is_an_answer_also_in_pieces() -> None:
    with LoopbackServer(greeting(b"SSH-2.0-x\r\n")) as one, LoopbackServer(in_pieces) as other:
        assert silent_hosts([host(one), host(other)], 10.0, patient=False) == ()


def test_anything_else_is_none() -> None:
    with (
        LoopbackServer(greeting(b"220 smtp\r\n")) as mail,
        LoopbackServer(hanging_up) as rude,
        LoopbackServer(greeting(b"SSH-2.0-x\r\n")) as good,
    ):
        asked = [host(mail, "mail1"), host(rude, "rude1"), host(good), closed()]
        found = silent_hosts(asked, 10.0, patient=False)
        assert {each.name for each in found} == {"mail1", "rude1", "gone01"}


def test_one_that_says_nothing_is_waited_for_no_longer_than_asked() -> None:
    with LoopbackServer(silent) as server:
        assert silent_hosts([host(server)], 0.05, patient=True) == (host(server),)


def test_patience_waits_for_a_server_that_is_not_there_yet() -> None:
    turns = 0

    def greet_the_third(connection: socket.socket) -> None:
        if server.accepted >= 3:
            greeting(b"SSH-2.0-x\r\n")(connection)

    def count() -> None:
        nonlocal turns
        turns += 1

    with LoopbackServer(greet_the_third) as server:
        assert silent_hosts([host(server)], 30.0, patient=True, check=count) == ()
        assert server.accepted == 3
    assert turns >= 3


def test_no_use_in_waiting_ends_it_at_once() -> None:
    def died() -> None:
        raise RuntimeError("the server died")

    with pytest.raises(RuntimeError, match="the server died"):
        silent_hosts([closed()], 60.0, patient=True, check=died)


def test_more_hosts_than_are_asked_at_once() -> None:
    with LoopbackServer(greeting(b"SSH-2.0-x\r\n"), backlog=256) as server:
        asked = [host(server, f"web{number}") for number in range(200)]
        assert silent_hosts([*asked, closed()], 30.0, patient=False)[0].name == "gone01"
        assert server.accepted == 200
