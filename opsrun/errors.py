"""Every error that opsrun raises on purpose.

::

    OpsrunError
    ├── UsageError               the caller's words or arguments are wrong
    │   └── NotBuiltError        understood, but this version can't do it: refused, never ignored
    ├── InputError               a file of the operator's is wrong: path, line, column, caret
    │   ├── InventoryError
    │   ├── PlaybookError        playbooks, task files, roles, variable files
    │   │   └── TemplateError    a template, or a condition, can't be rendered for a host
    │   │       └── UndefinedVariable
    │   └── ConfigError          opsrun.toml, ssh_config, known_hosts
    ├── PatternError             a host pattern is wrong, or selects nothing
    ├── RunFailed                some hosts did not end well: ``Report.raise_for_failures()``
    ├── GateTimeout              a gate did not open in time
    ├── SinkClosed               the reader of an output went away (``| head``)
    ├── JournalError             what runs did can't be written down, or read
    ├── LabError                 the fleet on loopback could not be started or ended
    └── HostError                one host: host, phase, hint
        ├── ConnectionFailed     nothing was sent to a shell: the host counts as unreachable
        │   ├── HostKeyError
        │   └── AuthenticationFailed
        ├── BecomeError          no shell as the other user: nothing was run as anybody
        ├── CommandFailed        the command ended with another status than 0, or by a signal
        ├── CommandTimeout       the command ran past a limit and was given up: failed
        ├── ConnectionLost       broke while the command was under way: what it did is not known
        └── Cancelled            the operator, or a failure threshold, ended the run

A user's mistake ends in exactly one of these and never in a traceback.
"""

from __future__ import annotations

from typing import Any

from opsrun.nearest import did_you_mean as did_you_mean
from opsrun.nearest import nearest as nearest
from opsrun.phases import PHASES as PHASES
from opsrun.phases import QUEUED as QUEUED
from opsrun.phases import WAITING as WAITING
from opsrun.phases import Drop as Drop


class OpsrunError(Exception):
    """Root of the tree. ``str(error)`` is one message fit for an operator to read.

    >>> from opsrun import Fleet, OpsrunError
    >>> try:
    ...     Fleet("web01,web02,").hosts("web03")
    ... except OpsrunError as error:
    ...     print(type(error).__name__)
    PatternError
    """

    host: str = ""
    """Inventory name of the host that it is about; empty where it is about none, or several."""
    phase: str = ""
    """How far that host had got, see `PHASES`; empty where no host is meant."""


class UsageError(OpsrunError):
    """The words on the command line, or the arguments of a call, can't be used.

    >>> from opsrun import Fleet
    >>> Fleet("web01,", forks=0)
    Traceback (most recent call last):
        ...
    opsrun.errors.UsageError: forks: expected a whole number from 1 on, found 0 (int)
    """


class NotBuiltError(UsageError):
    """What was asked for is understood, but this version of opsrun can't do it.

    >>> from opsrun import NotBuiltError, UsageError
    >>> issubclass(NotBuiltError, UsageError)
    True
    """


class InputError(OpsrunError):
    """A file of the operator's can't be used.

    Args:
        message: what is wrong and what was expected.
        path: the file, as the operator named it.
        line: 1-based, where known.
        column: 1-based, in characters, where known.
        text: the source line itself; printed with a caret under ``column``.

    >>> from opsrun import InputError
    >>> print(InputError("expected a port", path="a.ini", line=1, column=4, text="h1 p=x"))
    a.ini:1:4: expected a port
      h1 p=x
         ^
    """

    rule = ""
    """What lint calls it; empty where it has no name of its own."""
    sealed = False
    """It is encrypted, and can't be opened."""

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        column: int | None = None,
        text: str | None = None,
    ) -> None:
        super().__init__(message, path, line, column, text)
        self.message, self.path = message, path
        self.line, self.column, self.text = line, column, text

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        head = f"{place}: {self.message}" if place else self.message
        if self.text is None:
            return head
        source = self.text.rstrip("\n").replace("\t", " ")
        if self.column is None:
            return f"{head}\n  {source}"
        return f"{head}\n  {source}\n  {' ' * (self.column - 1)}^"

    def __reduce__(self) -> Any:
        return (_rebuild_input_error, (type(self), *self.args))


def _rebuild_input_error(
    kind: type[InputError],
    message: str,
    path: str | None,
    line: int | None,
    column: int | None,
    text: str | None,
) -> InputError:
    return kind(message, path=path, line=line, column=column, text=text)


class InventoryError(InputError):
    """An inventory source, ``group_vars`` or ``host_vars`` file can't be used.

    >>> from opsrun import InventoryError
    >>> print(InventoryError("no such option", path="hosts.ini", line=3))
    hosts.ini:3: no such option
    """


class PlaybookError(InputError):
    """A playbook, or a file that it leads to, can't be used.

    >>> from opsrun import PlaybookError
    >>> print(PlaybookError("no keyword 'tsaks'; did you mean 'tasks'?", path="a.yml", line=2))
    a.yml:2: no keyword 'tsaks'; did you mean 'tasks'?
    """


class TemplateError(PlaybookError):
    """A template or a condition can't be rendered with a host's variables.

    >>> from opsrun import PlaybookError, TemplateError
    >>> issubclass(TemplateError, PlaybookError)
    True
    """


class UndefinedVariable(TemplateError):
    """A template names a variable that the host does not have.

    >>> from opsrun import UndefinedVariable
    >>> print(UndefinedVariable("'prot' is undefined; did you mean 'port'?", path="a.j2", line=7))
    a.j2:7: 'prot' is undefined; did you mean 'port'?
    """


class ConfigError(InputError):
    """``opsrun.toml``, an ssh_config or a known_hosts file can't be used.

    >>> from opsrun import ConfigError
    >>> print(ConfigError("unknown word", path="~/.ssh/config", line=7, column=3))
    ~/.ssh/config:7:3: unknown word
    """


class PatternError(OpsrunError):
    """A host pattern is malformed, names something unknown, or selects no host.

    >>> from opsrun import Fleet
    >>> Fleet("web01,web02,").hosts("all:!all")
    Traceback (most recent call last):
        ...
    opsrun.errors.PatternError: the pattern 'all:!all' selects no host
    """


class RunFailed(OpsrunError):
    """Some hosts did not end well; ``report`` says which, and why.

    ``host`` and ``phase`` are those of the one host that failed, if it was only one; `errors` has
    an error for each.

    >>> from opsrun import Outcome, Report, Result, RunFailed, WorkId
    >>> work = WorkId("db01", ("exec",), "a1b2c3d4e5f6")
    >>> try:
    ...     Report([Result("db01", work, Outcome.FAILED, rc=3)]).raise_for_failures()
    ... except RunFailed as error:
    ...     print(error.host, error.phase, [str(each) for each in error.errors])
    db01 run ['db01: run: exit status 3']
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message, report)
        self.message = message
        self.report = report
        if len(self.errors) == 1:
            self.host, self.phase = self.errors[0].host, self.errors[0].phase

    @property
    def errors(self) -> tuple[HostError, ...]:
        """What became of each host that did not end well, in the report's order."""
        every = (result.exception() for result in self.report or ())
        return tuple(error for error in every if error is not None)

    def __str__(self) -> str:
        return self.message


class GateTimeout(OpsrunError):
    """A gate stayed shut for as long as its waiters were willing to wait.

    >>> from opsrun import GateTimeout
    >>> GateTimeout("tcp:5432 did not open within 60 s").phase
    'wait'
    """

    phase = WAITING


class SinkClosed(OpsrunError):
    """Whoever read this output has gone away: the run ends quietly."""


class JournalError(OpsrunError):
    """The journal can't be written, or read, or has no such run."""


class LabError(OpsrunError):
    """The fleet on loopback could not be started, found or ended."""


class HostError(OpsrunError):
    """Something went wrong with one host.

    Args:
        message: what happened, without the host's name.
        host: inventory name of the host.
        phase: one of `PHASES`.
        hint: what the operator can do next; empty where nothing sensible is known.

    >>> from opsrun import HostError
    >>> error = HostError("out of descriptors", host="web01", phase="open", hint="ulimit -n")
    >>> error.host, error.phase, error.hint
    ('web01', 'open', 'ulimit -n')
    """

    result: Any = None
    """The `opsrun.events.Result` that it was raised for, where there is one."""

    def __init__(self, message: str, *, host: str = "", phase: str = "run", hint: str = "") -> None:
        super().__init__(message, host, phase, hint)
        self.message = message
        self.host = host
        self.phase = phase
        self.hint = hint

    def __str__(self) -> str:
        where = f"{self.host}: {self.phase}" if self.host else self.phase
        tail = f" ({self.hint})" if self.hint else ""
        return f"{where}: {self.message}{tail}"

    def __reduce__(self) -> Any:
        return (_rebuild_host_error, (type(self), *self.args), self.__dict__)


def _rebuild_host_error(
    kind: type[HostError], message: str, host: str, phase: str, hint: str
) -> HostError:
    return kind(message, host=host, phase=phase, hint=hint)


class ConnectionFailed(HostError):
    """The host was never reached, or not let in: nothing was sent to a shell.

    ``transient`` says whether another attempt may end better (refused, reset, timed out), as
    opposed to an answer that will stay the same (host key, authentication). ``drop`` is set where
    one ought to be made without being asked for.

    >>> from opsrun import ConnectionFailed
    >>> ConnectionFailed("connection refused", host="web01", phase="tcp").transient
    True
    """

    transient = True
    drop: Drop | None = None
    refused = False
    """The host itself said that nobody listens at the port."""


class HostKeyError(ConnectionFailed):
    """The host's key is unknown, changed or revoked.

    >>> from opsrun import HostKeyError
    >>> print(HostKeyError("the key has changed", host="web01", phase="hostkey"))
    web01: hostkey: the key has changed
    """

    transient = False


class AuthenticationFailed(ConnectionFailed):
    """The server accepted none of the credentials that there were.

    >>> from opsrun import AuthenticationFailed, ConnectionFailed
    >>> issubclass(AuthenticationFailed, ConnectionFailed)
    True
    """

    transient = False


class BecomeError(HostError):
    """sudo, su or doas gave no shell as the other user; the command did not run.

    >>> from opsrun import BecomeError
    >>> print(BecomeError("a password is wanted", host="web01", phase="become", hint="-K"))
    web01: become: a password is wanted (-K)
    """


class CommandFailed(HostError):
    """The command ended with another status than 0, or by a signal; raised on demand only.

    >>> from opsrun import CommandFailed
    >>> print(CommandFailed("exit status 2: no such file", host="web01"))
    web01: run: exit status 2: no such file
    """


class CommandTimeout(HostError):
    """The command ran longer than it was allowed to.

    >>> from opsrun import CommandTimeout
    >>> print(CommandTimeout("ran longer than 5 s", host="web01"))
    web01: run: ran longer than 5 s
    """


class TransferFailed(HostError):
    """A file did not arrive whole; what was there before is still there.

    >>> from opsrun import TransferFailed
    >>> print(TransferFailed("/srv: no space left on device", host="web01"))
    web01: run: /srv: no space left on device
    """


class ConnectionLost(HostError):
    """The connection broke while a command was under way: what it did is not known.

    >>> from opsrun import ConnectionLost
    >>> print(ConnectionLost("reset by peer", host="web01"))
    web01: run: reset by peer
    """


class Cancelled(HostError):
    """The run was ended before this host was done.

    >>> from opsrun import Cancelled
    >>> print(Cancelled("interrupted", host="web01"))
    web01: run: interrupted
    """


def public_name(error: BaseException) -> str:
    """Name of the nearest class of this module that an error is of; empty for a stranger's."""
    return next((c.__name__ for c in type(error).__mro__ if c.__module__ == __name__), "")
