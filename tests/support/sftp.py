"""SFTP servers: OpenSSH's own over a pipe, and one in this process that does as a test wishes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opsrun.engine.base import Engine
from opsrun.errors import ConnectionLost
from opsrun.remote.connection import Closed, Data, Exited, Packet, Writable
from opsrun.remote.sftp.client import SFTP
from opsrun.remote.sftp.packets import Code, Decoder, Kind, framed
from opsrun.remote.sftp.wire import Attributes, Fields, string, uint32
from opsrun.transports.pipe import PipeProcess

_PLACES = ("/usr/lib/openssh", "/usr/libexec/openssh", "/usr/libexec", "/usr/lib/ssh")

PLAIN = "posix-rename,hardlink,fsync,limits,lsetstat,statvfs,expand-path"
"""What OpenSSH has beyond the draft and we use."""


def sftp_server() -> str:
    """OpenSSH's program; the test is skipped where there is none."""
    for place in _PLACES:
        if os.access(f"{place}/sftp-server", os.X_OK):
            return f"{place}/sftp-server"
    pytest.skip("there is no sftp-server")


def openssh(engine: Engine, *, without: str = "", directory: Path | None = None) -> SFTP:
    """OpenSSH's server, as the user that we are.

    Args:
        engine: what everything waits with.
        without: requests that it doesn't have, with commas between.
        directory: where it starts.
    """
    words = [sftp_server(), *(["-P", without] if without else [])]
    words += ["-d", str(directory)] if directory is not None else []
    return SFTP(PipeProcess(tuple(words), "h", engine.lock()), engine.now, "h")


# -- replies


def status(number: int, code: int = Code.OK, words: str = "") -> bytes:
    """A status."""
    body = uint32(code) + string(words.encode()) + string(b"")
    return framed(bytes([Kind.STATUS]) + uint32(number) + body)


def handle(number: int, name: bytes = b"h") -> bytes:
    """A handle."""
    return framed(bytes([Kind.HANDLE]) + uint32(number) + string(name))


def data(number: int, content: bytes) -> bytes:
    """Bytes of a file."""
    return framed(bytes([Kind.DATA]) + uint32(number) + string(content))


def names(number: int, *entries: tuple[bytes, Attributes]) -> bytes:
    """Names of a directory."""
    listed = (string(name) + string(b"") + told.encode() for name, told in entries)
    return framed(bytes([Kind.NAME]) + uint32(number) + uint32(len(entries)) + b"".join(listed))


def told(number: int, attributes: Attributes) -> bytes:
    """Attributes."""
    return framed(bytes([Kind.ATTRS]) + uint32(number) + attributes.encode())


def version(number: int = 3, **extensions: str) -> bytes:
    """The first packet."""
    named = (string(key.encode()) + string(each.encode()) for key, each in extensions.items())
    return framed(bytes([Kind.VERSION]) + uint32(number) + b"".join(named))


@dataclass(frozen=True)
class Asked:
    """A request as a server reads it."""

    kind: int
    number: int
    fields: Fields


Answer = Callable[[Asked], Iterable[bytes | Packet]]


@dataclass
class Scripted:
    """A `Process` whose server answers each request by a call.

    Args:
        answer: gives bytes for standard output, or packets as they stand.
        first: what it says at the first packet.
        cut: bytes of each piece of its output; 0 for as it comes.
        takes: bytes that it takes at once, once each time that it is read.
    """

    answer: Answer
    first: bytes = version()
    cut: int = 0
    takes: int = 1 << 30
    asked: list[Asked] = field(default_factory=list)
    closed: bool = False
    waits: list[float | None] = field(default_factory=list)
    """What `receive` was to wait for, each time that nothing came."""

    def __post_init__(self) -> None:
        self._decoder = Decoder()
        self._out: deque[Packet] = deque()
        self._room = self.takes
        self._starved = False
        self.woken = False
        self.most_unread = 0
        """Bytes of answers that were waiting to be read, at most."""

    def receive(self, timeout: float | None) -> Packet | None:
        """See `Process.receive`."""
        self._room = self.takes
        if self.woken:
            self.woken = False
            return None
        if self._out:
            return self._out.popleft()
        if self._starved:
            self._starved = False
            return Writable()
        if self.closed:
            return Closed()
        self.waits.append(timeout)
        return None

    def write(self, sent: bytes) -> int:
        """See `Process.write`."""
        taken = sent[: self._room]
        self._room -= len(taken)
        self._starved = len(taken) < len(sent)
        for packet in self._decoder.feed(taken):
            fields = Fields(packet)
            kind = fields.byte()
            if kind == Kind.INIT:
                self.say(self.first)
                continue
            self.asked.append(Asked(kind, fields.uint32(), fields))
            for each in self.answer(self.asked[-1]):
                self.say(each)
        unread = sum(len(each.data) for each in self._out if isinstance(each, Data))
        self.most_unread = max(self.most_unread, unread)
        return len(taken)

    def say(self, said: bytes | Packet) -> None:
        """Have something come."""
        if not isinstance(said, bytes):
            self._out.append(said)
            return
        step = self.cut or max(1, len(said))
        self._out += [Data("stdout", said[at : at + step]) for at in range(0, len(said), step)]

    def end(self, rc: int = 0, words: bytes = b"") -> None:
        """The server ends."""
        if words:
            self._out.append(Data("stderr", words))
        self._out += [Exited(rc), Closed()]

    def close_stdin(self) -> None:
        """See `Process.close_stdin`."""

    def signal(self, name: str) -> None:
        """See `Process.signal`."""
        raise ConnectionLost("nobody signals a server")

    def wake(self) -> None:
        """See `Process.wake`."""
        self.woken = True

    def close(self) -> None:
        """See `Process.close`."""
        self.closed = True
