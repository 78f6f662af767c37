"""Feeds a module's requests from a host: what the runner, ad-hoc calls and tests share."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from opsrun.errors import (
    AuthenticationFailed,
    CommandTimeout,
    ConnectionFailed,
    ConnectionLost,
    HostError,
    TransferFailed,
    UsageError,
)
from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, NotLeftAlone
from opsrun.modules.refusing import REFUSALS
from opsrun.modules.requests import (
    Converse,
    Elsewhere,
    Fetch,
    Fetched,
    Pack,
    Reconnect,
    Request,
    Run,
    Sleep,
    Upload,
)
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.connection import Manner, Terminal
from opsrun.remote.conversing import Conversed, Hear
from opsrun.remote.files.delivery import Delivered, FilePart
from opsrun.remote.files.host_files import HostFiles
from opsrun.remote.session import Session, Ticket
from opsrun.remote.wording import for_any_shell

_PATH = """\
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin
export PATH
"""
"""As sessions have it."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Hands(Protocol):
    """Does on a host what a module asks for; what each raises is said in `requests`."""

    def run(self, request: Run) -> CommandResult:
        """Run a script in the session."""

    def raw(self, request: Run) -> CommandResult:
        """Send words to the login shell, without a session."""

    def converse(self, request: Converse) -> Conversed:
        """Run a script on a terminal, and answer it."""

    def upload(self, request: Upload) -> Delivered:
        """Put files in their places."""

    def fetch(self, request: Fetch) -> Fetched:
        """Read a file."""

    def pack(self, request: Pack) -> Mapping[bytes, str]:
        """Read many."""

    @property
    def elsewhere(self) -> Hands | None:
        """The task's own host, for a module between two."""

    def reconnect(self, request: Reconnect) -> None:
        """Log in again."""

    def sleep(self, seconds: float) -> None:
        """Wait, unless the run ends."""


def drive(module: Module, context: Context, host: Hands) -> ModuleResult:
    """Run a module to its end.

    Args:
        module: with its parameters.
        context: in which circumstances.
        host: does what it asks for.

    Returns:
        Its result; a failed one where it raised `ModuleError`, or the host refused a transfer, or
        an argument turned out to be none.

    Raises:
        HostError: all others: the connection broke, the run was cancelled …
        NotLeftAlone: it was asked to leave its work to the host, and can't.
        RuntimeError: in check mode it asked for a change: a bug of the module's.
    """
    if context.check and not module.checks:
        return ModuleResult(skipped=True)
    steps = module.steps(context)
    try:
        return _fed(steps, module, context, host)
    except NotLeftAlone:
        raise
    except ModuleError as error:
        return error.result()
    except HostError as error:
        if type(error) not in REFUSALS:
            raise
        hint = f" ({error.hint})" if error.hint else ""
        return ModuleResult(failed=True, msg=f"{error.message}{hint}")
    except UsageError as error:
        return ModuleResult(failed=True, msg=str(error))
    finally:
        steps.close()


def _fed(steps: Any, module: Module, context: Context, host: Hands) -> ModuleResult:
    answer: Any = None
    failure: Exception | None = None
    while True:
        try:
            request = steps.send(answer) if failure is None else steps.throw(failure)
        except StopIteration as ended:
            result: ModuleResult = ended.value
            return result
        if context.check and _changes(request):
            raise RuntimeError(f"{module.name} asked for a change in check mode: {request!r:.200}")
        answer, failure = None, None
        try:
            answer = _answered(request, module, host)
        except HostError as error:
            if type(error) not in REFUSALS and not _may_be_away(request, error):
                raise
            failure = error


_AWAY = (AuthenticationFailed, ConnectionFailed, ConnectionLost)


def _may_be_away(request: Request, error: HostError) -> bool:
    """Whether a host that is not reached is what a module waits out, and no end of the task."""
    if isinstance(request, Run) and request.away:
        return isinstance(error, (*_AWAY, CommandTimeout))
    return isinstance(request, Reconnect) and isinstance(error, _AWAY)


def _changes(request: Request) -> bool:
    if isinstance(request, Elsewhere):
        return _changes(request.request)
    if isinstance(request, Run):
        return request.effect == "changes"
    return isinstance(request, (Converse, Upload))


def _answered(request: Request, module: Module, host: Hands) -> Any:
    match request:
        case Run():
            return host.raw(request) if module.raw else host.run(request)
        case Converse():
            return host.converse(request)
        case Upload():
            return host.upload(request)
        case Fetch():
            return host.fetch(request)
        case Pack():
            return host.pack(request)
        case Elsewhere():
            if host.elsewhere is None:
                raise UsageError(f"{module.name} has no other host here")
            return _answered(request.request, module, host.elsewhere)
        case Reconnect():
            return host.reconnect(request)
        case Sleep():
            return host.sleep(request.seconds)


class Reached(Protocol):
    """A host that has been reached, as one identity."""

    @property
    def session(self) -> Session:
        """Its persistent shell."""

    def files(self) -> HostFiles:
        """Its files, over the session."""

    def command(self, command: Command) -> CommandResult:
        """Run a command on a channel of its own."""

    def converse(self, command: Command, hear: Hear, patience: float | None) -> Conversed:
        """Run a command on a terminal of its own, and answer it. HostError: it gives none."""


Pause = Callable[[float], None]
Again = Callable[[Reconnect], None]


@dataclass(slots=True)
class SessionHands:
    """`Hands` over a real session.

    Raises:
        UsageError: a name in ``environment`` that no shell takes for a variable.
    """

    shell: Reached
    environment: Mapping[str, str] = field(default_factory=dict)
    """Exported to the user's own commands."""
    pause: Pause | None = None
    """Waits so many seconds, and raises `Cancelled` when the run ends."""
    again: Again | None = None
    """Gives the connection up and logs in again; see `Reconnect`."""

    elsewhere: Hands | None = None

    def __post_init__(self) -> None:
        for name in self.environment:
            if not _NAME.match(name):
                raise UsageError(f"environment: {name!r} is no name for a variable")

    def run(self, request: Run) -> CommandResult:
        return self.send(request).result()

    def send(self, request: Run) -> Ticket:
        """Send a script without waiting for its end. HostError: there is no shell to be had."""
        return self.shell.session.send(
            self.script(request),
            timeout=request.timeout,
            data=request.data,
            apart=request.apart,
            cap=request.cap,
            on_stdout=request.take,
        )

    def script(self, request: Run) -> str:
        """What the session runs for a request."""
        return script_of(request, self.environment)

    def raw(self, request: Run) -> CommandResult:
        return self.shell.command(
            Command(request.script, timeout=request.timeout, manner=Manner(raw=True))
        )

    def converse(self, request: Converse) -> Conversed:
        script = for_any_shell(f"{_PATH}{_exports(self.environment)}{request.script}")
        manner = Manner(terminal=Terminal(returns=True))
        command = Command(script, timeout=request.timeout, manner=manner)
        return self.shell.converse(command, request.hear, request.patience)

    def upload(self, request: Upload) -> Delivered:
        if request.digests is not None:
            return self.shell.files().deliver(request.delivery, request.chunks, request.digests)
        digests = _Digests(request)
        return self.shell.files().deliver(request.delivery, digests.passing(), digests.made)

    def fetch(self, request: Fetch) -> Fetched:
        came = bytearray()
        digest = hashlib.sha256()
        name = request.path.decode("utf-8", "backslashreplace")

        def take(data: bytes) -> None:
            digest.update(data)
            if request.take is not None:
                request.take(data)
                return
            if len(came) + len(data) > request.limit:
                raise TransferFailed(f"{name}: more than {request.limit} bytes")
            came.extend(data)

        sums = self.shell.files().read(request.path, take)
        if sums and sums != digest.hexdigest():
            raise TransferFailed(f"{name}: it changed while it was read")
        return Fetched(bytes(came))

    def pack(self, request: Pack) -> Mapping[bytes, str]:
        return self.shell.files().pack(request.top, request.entries, request.take)

    def reconnect(self, request: Reconnect) -> None:
        if self.again is None:
            raise UsageError("this host's connection can't be made again from here")
        self.again(request)

    def sleep(self, seconds: float) -> None:
        if self.pause is None:
            raise UsageError("nothing here can wait")
        self.pause(seconds)


def script_of(request: Run, environment: Mapping[str, str]) -> str:
    """What a session runs for a request of a task with this environment."""
    if request.environment:
        return f"unset LC_ALL\n{_exports(environment)}{request.script}"
    return ("umask 077\n" if request.effect == "changes" else "") + request.script


def _exports(environment: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in environment.items())


class _Digests:
    """Makes the checksums of a delivery's files while their bytes pass."""

    def __init__(self, request: Upload) -> None:
        self._chunks: Iterable[bytes] = request.chunks
        self._parts = []
        for part in request.delivery.parts:
            if not isinstance(part, FilePart):
                raise UsageError("modules send each file as a part of its own")
            self._parts.append((part.name, part.sent))
        self._sums: dict[bytes, str] = {}

    def made(self) -> Mapping[bytes, str]:
        return self._sums

    def passing(self) -> Iterator[bytes]:
        left = iter(self._parts)
        name, room = next(left, (b"", 0))
        digest = hashlib.sha256()
        for chunk in self._chunks:
            yield chunk
            view = memoryview(chunk)
            while len(view) > room:
                digest.update(view[:room])
                view = view[room:]
                self._sums[name] = digest.hexdigest()
                name, room = next(left)
                digest = hashlib.sha256()
            digest.update(view)
            room -= len(view)
        # What is left are the last file, and empty ones behind it.
        while name:
            self._sums[name] = digest.hexdigest()
            name, _ = next(left, (b"", 0))
            digest = hashlib.sha256()
