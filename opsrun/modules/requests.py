"""What a module may ask for, one at a time; whoever drives it does the I/O and sends the answer.

=========== ==============================================
request     answer
=========== ==============================================
`Run`       `opsrun.remote.command.CommandResult`
`Converse`  `opsrun.remote.conversing.Conversed`
`Upload`    `opsrun.remote.files.delivery.Delivered`
`Fetch`     `Fetched`
`Pack`      SHA-256 by name, of the files that came whole
`Elsewhere` that of the request in it
`Reconnect` None; raises where the host does not come back
`Sleep`     None
=========== ==============================================

A request that fails raises a `HostError` at the ``yield``: `TransferFailed` (the host's words) can
be caught and turned into a result; `ConnectionLost` and `Cancelled` are left to fly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from opsrun.remote.conversing import Hear
from opsrun.remote.files.delivery import Delivery
from opsrun.trees.entry import Entry

Effect = Literal["reads", "changes"]


@dataclass(frozen=True, slots=True)
class Run:
    """Run a POSIX sh script in the session, under ``LC_ALL=C`` and ``umask 077``."""

    script: str
    data: bytes | None = None
    """Its standard input; None for ``/dev/null``."""
    effect: Effect = "changes"
    """``reads`` is a promise: whatever it does, nothing on the host is other than before."""
    apart: bool = False
    """It may leave something behind that prints later: its output goes through files."""
    timeout: float | None = None
    """Seconds; past them the session ends, and with it what it runs."""
    environment: bool = False
    """Whether the task's ``environment`` is exported to it, and the locale left as it is: for the
    user's own commands."""
    cap: int | None = None
    """Bytes to keep of each stream; None for the session's own limit."""
    take: Callable[[bytes], None] | None = None
    """Takes standard output as it comes, however much: then the answer has none. What it raises
    ends the session."""
    away: bool = False
    """The host may go away meanwhile: `ConnectionLost` and its like are raised at the ``yield``."""
    far: bool = False
    """It asks others over the network: nothing that is done before its task's turn."""


@dataclass(frozen=True, slots=True)
class Converse:
    """Run a POSIX sh script on a terminal of its own, outside the session, and answer what it
    prints; the task's ``environment`` is exported to it.

    The terminal does not echo, and ends lines with a carriage return and a newline. Hosts that
    give none raise a plain `HostError`.
    """

    script: str
    hear: Hear
    """Is told what came; what to type then, or None to have the program end."""
    patience: float | None
    """Seconds that may pass until there is something to type; None for no limit."""
    timeout: float | None = None
    """Seconds for the whole."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Put files in their places, whole or not at all; see `RemoteFiles.deliver`."""

    delivery: Delivery
    chunks: Iterable[bytes]
    """The bytes of its parts, in order; read once."""
    digests: Callable[[], Mapping[bytes, str]] | None = None
    """Asked behind the last byte: SHA-256 of each file. None where each is a part of its own: then
    they are made while the bytes pass."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Read a file whole."""

    path: bytes
    limit: int = 64 * 1024 * 1024
    """Bytes that it may have; a longer one raises `TransferFailed`."""
    take: Callable[[bytes], None] | None = None
    """Takes the bytes as they come, however many: then the answer has none. What it raises ends
    the transfer, and is raised at the ``yield``."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file's content."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Pack:
    """Read many files, as archives one behind the other; see `RemoteFiles.pack`."""

    top: bytes
    """Absolute."""
    entries: Sequence[Entry]
    """Files and links below it."""
    take: Callable[[bytes], None]
    """Takes the archives as they come. What it raises is raised at the ``yield``."""


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Give the connection up, and log in again: tried until that works."""

    timeout: float
    """Seconds in all."""
    delay: float = 0.0
    """Seconds before the first attempt."""
    interval: float = 1.0
    """Seconds between attempts."""
    attempt_timeout: float = 5.0
    """Seconds that one attempt may take."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for so many seconds; ends at once when the run is cancelled."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Done on the task's own host, where the task is delegated to another; see `Module.between`."""

    request: OfEither


OfEither = Run | Upload | Fetch | Pack
"""What either of two machines can be asked for."""
Request = Run | Converse | Upload | Fetch | Pack | Reconnect | Sleep | Elsewhere
