"""Scripts about a host's files: sent over its session; what they complain of is raised."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from opsrun.errors import HostError, TransferFailed
from opsrun.remote.command import CommandResult
from opsrun.remote.files import complaints
from opsrun.remote.files.host_files import OnData
from opsrun.remote.files.trouble import said, vanished
from opsrun.remote.session import Session, Stream, Ticket

LISTING_CAP = 256 * 1024 * 1024
"""Bytes of a listing, of two million files; the entries made from it take more than it does."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each script may take; None for no limit."""

    timeout: float | None = None
    """Seconds in all."""
    idle: float | None = None
    """Seconds without a byte either way."""


class _Answer:
    """What a script prints, in bounded memory: one without end ends the session."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.came = bytearray()

    def take(self, data: bytes) -> None:
        self.came += data
        if len(self.came) > LISTING_CAP:
            words = f"what it says of its files has no end: {LISTING_CAP >> 20} MiB so far"
            raise TransferFailed(words, host=self._host)


@dataclass(frozen=True, slots=True)
class Sent:
    """A script under way."""

    ticket: Ticket
    answer: _Answer

    def result(self) -> CommandResult:
        """See `Ticket.result`."""
        ended = self.ticket.result()
        return replace(ended, stdout=bytes(self.answer.came))


class Scripts:
    """Runs scripts in a session; see `opsrun.remote.files.remote_files.RemoteFiles`.

    Args:
        session: the host's shell.
        host: inventory name, for errors.
        limits: for each script.
    """

    def __init__(self, session: Session, host: str, limits: Limits) -> None:
        self.session = session
        self._host = host
        self._limits = limits

    def send(self, script: str, on_data: OnData | None = None) -> Sent:
        """Send a script ahead; ``on_data`` takes what it prints, in place of its result."""
        answer = _Answer(self._host)
        ticket = self.session.send(
            script,
            timeout=self._limits.timeout,
            idle_timeout=self._limits.idle,
            on_stdout=on_data or answer.take,
        )
        return Sent(ticket, answer)

    def feed(self, script: str, stream: Stream) -> CommandResult:
        """Run a script that takes a stream; what it complains of is left to the caller."""
        ticket = self.session.send(
            script,
            stream=stream,
            timeout=self._limits.timeout,
            idle_timeout=self._limits.idle,
            cap=LISTING_CAP,
        )
        return ticket.result()

    def run(self, script: str, path: bytes, *, tolerant: bool | None = False) -> CommandResult:
        """Run a script, see `settle`."""
        return self.settle(self.send(script).result(), path, tolerant=tolerant)

    def settle(
        self, ended: CommandResult, path: bytes, *, tolerant: bool | None = False
    ) -> CommandResult:
        """Raise what a script complained of.

        Args:
            ended: how it ended.
            path: what it was about.
            tolerant: True: that something vanished is no failure. None: nor is anything else that
                a tool said of a file.

        Raises:
            HostError: with the path, and the words of the host's tool.
        """
        words = ended.stderr.decode(errors="replace")
        code, _, _ = said(words)
        lines = [line for line in words.split("\n") if line.strip()]
        if code or (ended.rc and tolerant is False):
            raise complaints.of_script(words, path, self._host)
        if tolerant and not all(map(vanished, lines)):
            raise complaints.of_script(words, path, self._host)
        return ended

    @contextmanager
    def named(self) -> Iterator[None]:
        """What the parsers raise knows no host: it is added to errors of the block."""
        try:
            yield
        except HostError as error:
            error.host = self._host
            raise
