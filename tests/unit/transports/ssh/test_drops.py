"""What a server's last words, or its silence, say of its load."""

from __future__ import annotations

import errno

import pytest
from paramiko.ssh_exception import SSHException

from opsrun.errors import ConnectionFailed, Drop
from opsrun.transports.ssh.drops import TooManyConnections, add_drop, said
from opsrun.transports.ssh.tunnel import JumpLost

RESET = ConnectionResetError(errno.ECONNRESET, "reset")


@pytest.mark.parametrize(
    ("error", "preface", "drop"),
    [
        (EOFError(), [], Drop()),
        (RESET, [], Drop()),
        (BrokenPipeError(errno.EPIPE, "pipe"), [], Drop()),
        (TooManyConnections("code 12"), [], Drop()),
        (EOFError(), [b"Exceeded MaxStartups"], Drop()),
        (RESET, [b"Exceeded MaxStartups"], Drop()),
        (EOFError(), [b"Not allowed at this time"], Drop(penalty=True)),
        (RESET, [b"", b"Not allowed at this time"], Drop(penalty=True)),
        (JumpLost("broke"), [], Drop(hop=True)),
        (EOFError(), [b"HTTP/1.1 400 Bad Request"], None),
        (EOFError(), [b"You are not welcome to use sshd from 192.0.2.1."], None),
        (OSError(errno.EHOSTUNREACH, "no route"), [], None),
        (SSHException("no banner, but a very long line"), [], None),
        (None, [], None),
    ],
)
def test_kinds(error: BaseException | None, preface: list[bytes], drop: Drop | None) -> None:
    failed = ConnectionFailed("no", phase="banner")
    add_drop(failed, error, preface)
    assert failed.drop == drop


def test_a_penalty_and_a_full_server_are_explained() -> None:
    hints = []
    for line in (b"Not allowed at this time", b"Exceeded MaxStartups"):
        failed = ConnectionFailed("no", phase="banner")
        add_drop(failed, EOFError(), [line])
        hints.append(failed.hint)
    assert "PerSourcePenalties" in hints[0]
    assert "MaxStartups" in hints[1]


def test_the_servers_words_are_told_bounded_and_without_control_characters() -> None:
    assert said([]) == said([b"", b" \r"]) == ""
    assert said([b"Exceeded MaxStartups"]) == "; the server says: Exceeded MaxStartups"
    words = said([b"\x1b[2J\x9b31m" + b"\xff" + "\u202e".encode(), b"two"])
    assert words.isprintable()
    assert words.endswith(" / two")
    assert len(said([b"x" * 8000])) < 250
