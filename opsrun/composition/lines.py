"""A connection of a playbook's run, and the shells of one identity each that live on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opsrun.composition.pool import PooledConnection
from opsrun.composition.ways import Way
from opsrun.errors import ConnectionFailed, HostError
from opsrun.remote.become import BecomeConnection, BecomeSpec
from opsrun.remote.capture import KEEP_PER_STREAM, Capture
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.connection import USUAL, Connection, Manner, Process, Transport
from opsrun.remote.conversing import Conversed, Conversing, Hear
from opsrun.remote.deadline import Deadline
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.remote.running import Running
from opsrun.remote.session import Session
from opsrun.transports.targets.target import LocalTarget, SSHTarget

if TYPE_CHECKING:
    from opsrun.composition.reach import FleetReach

_PATIENCE = 3.0
"""Seconds for a further channel where shells that nobody uses may be what keeps it back."""


_AGAIN = 0.05
"""Seconds between attempts."""

_BY_SSH = "ansible_connection: ssh does, and local on this machine"


class Narrow:
    """A line's `Connection` for one of its shells, or for none of them.

    A server may allow no channel beside those that are open (``MaxSessions 1``). What keeps them
    open is then this line itself, whose other shells nobody uses: they give way.
    """

    def __init__(self, line: Line, shell: Shell | None) -> None:
        self._line = line
        self._shell = shell

    def start(self, script: str, manner: Manner = USUAL) -> Process:
        """See `Connection.start`."""
        line = self._line
        connection = line.connection()
        if not line.others(self._shell):
            return connection.start(script, manner)
        if line.narrow:
            return self._alone(connection, script, manner)
        patience = _PATIENCE if manner.patience is None else min(manner.patience, _PATIENCE)
        try:
            return connection.start(script, replace(manner, patience=patience))
        except ConnectionFailed as error:
            if error.phase != "open" or not line.usable:
                raise
        process = self._alone(connection, script, manner)
        line.narrow = True
        return process

    def _alone(self, connection: Connection, script: str, manner: Manner) -> Process:
        """Start it once the server has noticed that the other channels are closed."""
        self._line.drop_others(self._shell)
        patience = Deadline("open", _PATIENCE, self._line.now)
        while True:
            try:
                return connection.start(script, manner)
            except ConnectionFailed as error:
                over = not patience.remaining() or not self._line.usable
                if error.phase != "open" or over or self._line.waits(_AGAIN):
                    raise

    def close(self) -> None:
        """See `Connection.close`."""
        self._line.connection().close()


class Line:
    """A connection that is open, and the shells on it."""

    def __init__(self, reach: FleetReach, way: Way, transport: Transport) -> None:
        self._reach = reach
        self._way = way
        self.target = way.target
        self.transport: Transport | None = transport
        self._connection: Connection | None = None
        self._shells: dict[BecomeSpec | None, Shell] = {}
        self.narrow = False
        """The server allows too few channels for all its shells."""

    def now(self) -> float:
        """Monotonic seconds."""
        return self._reach.now()

    def waits(self, seconds: float) -> bool:
        """Do nothing for so long; whether the run has been ended meanwhile."""
        return self._reach.stop.wait(seconds)

    def others(self, shell: Shell | None) -> list[Shell]:
        """The shells beside ``shell`` that hold a channel."""
        return [each for each in self._shells.values() if each is not shell and each.is_open]

    def drop_others(self, shell: Shell | None) -> None:
        """Close all shells but ``shell``; each comes up again when it is used."""
        for each in self.others(shell):
            each.drop()

    def connection(self) -> Connection:
        """The login; made anew after `forget`."""
        if self._connection is None:
            transport = self.transport or self._reach.transport(self._way)
            self.transport = transport
            self._connection = self._reach.connect(transport, self._way.host)
        return self._connection

    def shell(self, become: BecomeSpec | None) -> Shell:
        """The shell of an identity, made if need be."""
        found = self._shells.get(become)
        if found is None:
            found = self._shells[become] = Shell(self._reach, self, self._way.host, become)
        return found

    def has(self, become: BecomeSpec | None) -> bool:
        """Whether there is a shell of this identity."""
        return become in self._shells

    @property
    def usable(self) -> bool:
        """Whether the connection hasn't been seen to end."""
        alive = getattr(self._connection, "is_alive", True)
        return self._connection is None or bool(alive)

    def forget(self) -> None:
        """Close everything; the next use logs in again."""
        connection = self._connection
        if isinstance(connection, PooledConnection):
            # Not to be had again by the next use, nor another that was kept for later.
            connection.close()
            self._reach.let_go(self.target)
        self.rest()

    def rest(self) -> None:
        """Done with it: what keeps connections may keep this one."""
        for shell in self._shells.values():
            shell.drop()
        if self.transport is not None:
            self.transport.close()
        self.transport = self._connection = None


class Shell:
    """See `opsrun.playbook.interfaces.HostShell`."""

    def __init__(self, reach: FleetReach, line: Line, host: str, become: BecomeSpec | None) -> None:
        self._reach = reach
        self._line = line
        self._host = host
        self._become = become
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        """The persistent shell."""
        if self._session is None:
            reach = self._reach
            connection = self._as(Narrow(self._line, self))
            # Logged in here, and not under the session's own patience.
            self._line.connection()
            self._session = Session(connection, reach.now, host=self._host, stop=reach.stop)
        return self._session

    def _as(self, connection: Connection) -> Connection:
        if self._become is None:
            return connection
        return BecomeConnection(connection, self._become, self._reach.now, self._host)

    def files(self) -> RemoteFiles:
        """See `HostShell.files`."""
        return RemoteFiles(self.session, self._host)

    def command(self, command: Command) -> CommandResult:
        """See `HostShell.command`."""
        if self._become is not None or not isinstance(self._line.target, SSHTarget):
            # All that is no ssh is a shell on this machine, or in a container: it needs no care.
            command = replace(command, manner=USUAL)
        budget = self._reach.budget
        out, err = (Capture(KEEP_PER_STREAM, budget, None) for _ in range(2))
        running = Running(command, out, err, self._reach.now, None, None)
        try:
            with self._reach.stop.closing(running.interrupt):
                connection = self._as(Narrow(self._line, None))
                ended = running.run(connection, self._reach.stop, self._host)
        finally:
            out.close()
            err.close()
        return ended

    def converse(self, command: Command, hear: Hear, patience: float | None) -> Conversed:
        """See `HostShell.converse`."""
        target = self._line.target
        if not isinstance(target, (SSHTarget, LocalTarget)):
            raise self._no_terminal("this connection gives programs no terminal", _BY_SSH)
        output = Capture(KEEP_PER_STREAM, self._reach.budget, None)
        conversing = Conversing(command, output, self._reach.now, hear, patience)
        try:
            with self._reach.stop.closing(conversing.interrupt):
                connection = self._as(Narrow(self._line, None))
                return conversing.converse(connection, self._reach.stop, self._host)
        except ConnectionFailed as error:
            if error.phase != "exec":
                raise
            raise self._no_terminal(error.message, error.hint) from error

    def _no_terminal(self, message: str, hint: str) -> HostError:
        """No other task of this host's needs one: it is no unreachable host."""
        return HostError(message, host=self._host, phase="exec", hint=hint)

    def forget(self) -> None:
        """See `HostShell.forget`."""
        self._line.forget()

    @property
    def is_open(self) -> bool:
        """Whether there has been a session since the last `drop`."""
        return self._session is not None

    def drop(self) -> None:
        """The shell is gone with its connection, or is to go."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def interrupt(self) -> None:
        """Have whoever waits for this shell look at the stop."""
        if self._session is not None:
            self._session.interrupt()
