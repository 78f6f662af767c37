"""A command for a remote shell, and what became of it."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from opsrun.errors import UsageError
from opsrun.remote.connection import USUAL, Manner

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True)
class Command:
    """What one shell on one host is to read and run.

    Raises:
        UsageError: nothing to run, a NUL byte, a name that no shell takes for a variable, text for
            ``stdin``, a timeout that is not positive and finite, or variables or input for what
            is sent raw.
    """

    script: str
    """The words, as the remote login shell reads them."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables to export first; the values are quoted, whatever they hold."""
    stdin: bytes | None = None
    """Sent whole, then end of file; None closes standard input at once."""
    timeout: float | None = None
    """Seconds from the start of the command; None for no limit."""
    manner: Manner = USUAL
    """On a terminal, or sent raw."""
    idle_timeout: float | None = None
    """Seconds without output, or input taken; None for no limit."""

    def __post_init__(self) -> None:
        if not self.script.strip():
            raise UsageError("the command is empty")
        for name, value in self.env.items():
            if not _NAME.match(name):
                raise UsageError(f"{name!r} is no name for an environment variable")
            if "\0" in value:
                raise UsageError(f"the value of {name} holds a NUL byte")
        if "\0" in self.script:
            raise UsageError("the command holds a NUL byte")
        if self.stdin is not None and not isinstance(self.stdin, (bytes, bytearray, memoryview)):
            raise UsageError(f"stdin takes bytes, not {type(self.stdin).__name__}: encode it")
        for limit in (self.timeout, self.idle_timeout):
            if limit is not None and not 0 < limit < math.inf:
                raise UsageError(f"a timeout is a positive number of seconds, not {limit}")
        if self.manner.raw and (self.env or self.stdin is not None):
            what = "standard input" if self.stdin is not None else "variables"
            raise UsageError(f"a command that is sent raw takes no {what}")

    def rendered(self) -> str:
        """The script with its environment, as one text for the remote shell.

        POSIX sh; a login shell of another family (csh, fish) takes it only without ``env``.
        """
        exports = "".join(
            f"export {name}={shlex.quote(value)}; " for name, value in self.env.items()
        )
        return exports + self.script


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended, with the output that was kept."""

    rc: int | None
    """Exit status; None when a signal ended it."""
    signal: str | None = None
    """Name of the signal without ``SIG``."""
    stdout: bytes = b""
    stderr: bytes = b""
    truncated: bool = False
    """Output past the cap was passed on but not kept."""
    left_child: bool = False
    """The command ended, and something that it started still holds its output."""
    duration: float = 0.0
    """Seconds from the request to the exit status."""
    no_exit_status: bool = False
    """Sent raw, it ended in good order, and the host said nothing of how."""

    @property
    def ok(self) -> bool:
        """True for exit status 0, and for what was sent raw to a host that has none."""
        return self.rc == 0 or self.no_exit_status
