"""A persistent shell on a host: many scripts over one channel, sent ahead, exact.

One session for each connection and identity. Our own scripts run in it one after the other, each in
a subshell with its standard input from ``/dev/null`` or from exact bytes.

What the user's own commands write must not share a stream with frames: a background child that
prints late would write into the next one. There are two ways round that:

- A channel of its own for each (`opsrun.remote.running.Running`): output comes as it is written,
  standard input stays open, and a signal is told from an exit status. What ``exec`` needs.
- A frame that runs ``apart``: in the session, its output through two files that have no name any
  more when it starts. Daemons that hold on to their output hold up nobody. For playbooks' commands
  and for our own scripts that start services.

Measured with dash, 2 cores: an ordinary frame takes the host 0.4 ms, one with input 1.7 ms, one
apart 2.2 ms, for it forks rm, and a cat for each stream that has something; a channel of OpenSSH's
6 ms. And a channel takes two round trips for opening and running, where a frame takes one, or none
of its own when it is sent ahead; as another user it takes two more, and a sudo with its PAM stack
each time, where a session has paid for both once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opsrun.errors import UsageError
from opsrun.remote.command import CommandResult
from opsrun.remote.connection import Connection
from opsrun.remote.deadline import Clock
from opsrun.remote.framing import Frame, OnOutput, Stream
from opsrun.remote.running import Stopping
from opsrun.remote.shell import Ends, Shell
from opsrun.remote.ticket import Allowed, Ticket

__all__ = ["CAP", "Session", "Stream", "Ticket"]

CAP = 10 * 1024 * 1024
"""Bytes kept of each stream of a frame; what comes behind them is dropped, and told."""

GREETING = 15.0
"""Seconds for the shell to come up."""


class Session:
    """The persistent shell of one connection; opened when it is first used, and again when it died.

    Used by one task at a time; only `interrupt` may be called from another.

    Args:
        connection: where it runs; as whom is the connection's business.
        clock: monotonic seconds.
        host: inventory name, for errors.
        stop: what may end the run from outside.
        cap: bytes to keep of each stream of a frame.
        shell: the words of the POSIX shell that runs the loop.
    """

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        *,
        host: str = "",
        stop: Stopping | None = None,
        cap: int = CAP,
        shell: str = "sh",
    ) -> None:
        self._connection = connection
        self._ends = Ends(host, clock, stop, GREETING)
        self._cap = cap
        self._words = shell
        self._shell: Shell | None = None
        self._opening = False
        self.opened = 0
        """How often a shell was started."""
        self.behind: Callable[[], None] | None = None
        """Called once, when the next frame is on its way: what goes out then travels with it."""

    def send(
        self,
        script: str,
        *,
        timeout: float | None = None,
        idle_timeout: float | None = None,
        data: bytes | None = None,
        apart: bool = False,
        cap: int | None = None,
        stream: Stream | None = None,
        on_stdout: OnOutput | None = None,
        idle: bool = False,
    ) -> Ticket:
        """Send a script ahead, without waiting for those before it.

        Args:
            script: POSIX sh.
            timeout: seconds from its start; past them the whole session is killed.
            idle_timeout: the same for seconds without output, or input taken. Not for a frame that
                runs apart: its output comes at its end.
            data: its standard input.
            apart: whether it may leave something behind that prints later.
            cap: bytes to keep of each stream; None for the session's.
            stream: bytes that it takes from the session itself, see `Frame.stream`.
            on_stdout: takes its standard output as it comes, in place of the result; an error that
                it raises ends the session.
            idle: it changes nothing, and nobody need wait for it: `close` doesn't end it by force.

        Raises:
            UsageError: the script holds a NUL, or a limit on silence is put on a frame apart.
            ConnectionFailed, BecomeError: there is no shell to be had.
        """
        if apart and idle_timeout is not None:
            raise UsageError("what runs apart shows no output before its end: no limit on silence")
        frame = Frame(script, data, apart, stream)
        allowed = Allowed(self._cap if cap is None else cap, timeout, idle_timeout)
        ticket = self._alive().send(frame, allowed, on_stdout)
        ticket.idle = idle
        behind, self.behind = self.behind, None
        if behind is not None:
            behind()
        return ticket

    def run(
        self,
        script: str,
        timeout: float | None = None,
        *,
        idle_timeout: float | None = None,
        data: bytes | None = None,
        apart: bool = False,
        cap: int | None = None,
        stream: Stream | None = None,
        on_stdout: OnOutput | None = None,
    ) -> CommandResult:
        """Run a script and wait for its end; see `send` and `Ticket.result`."""
        return self.send(
            script,
            timeout=timeout,
            idle_timeout=idle_timeout,
            data=data,
            apart=apart,
            cap=cap,
            stream=stream,
            on_stdout=on_stdout,
        ).result()

    def run_many(self, scripts: Iterable[str], timeout: float | None = None) -> list[CommandResult]:
        """Run scripts one after the other in one round trip; their results, in order.

        Args:
            scripts: POSIX sh.
            timeout: seconds for each of them.

        Raises:
            HostError: of the first that has no result; see `Ticket.result`.
        """
        tickets = [self.send(script, timeout=timeout) for script in scripts]
        return [ticket.result() for ticket in tickets]

    def interrupt(self) -> None:
        """Have whoever waits for a result look at the stop now; safe from any other task."""
        if self._opening:
            # No shell yet to be woken, and none shall come.
            self._connection.close()
        elif self._shell is not None:
            self._shell.interrupt()

    def close(self) -> None:
        """End the shell, and what runs in it. A later `send` opens another one."""
        if self._shell is not None:
            self._shell.close()
            self._shell = None

    def _alive(self) -> Shell:
        if self._shell is None or self._shell.dead:
            self._opening = True
            try:
                self._shell = Shell(self._connection, self._ends, self._words)
            finally:
                self._opening = False
            self.opened += 1
        return self._shell
