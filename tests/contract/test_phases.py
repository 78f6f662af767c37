"""Every phase of a connection, failing at once and not at all: what its error has to say.

That is the host, its address, the phase, the seconds that it took, and what to do next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import paramiko
import pytest
from support import evil
from support.addresses import refusing, swallowing
from support.evil import EvilSSH
from support.native import NativeCall
from support.reach import Ran, Reach
from support.servers import LoopbackServer, greeting, hanging_up, silent

from opsrun.engine.base import Engine
from opsrun.errors import PHASES, ConnectionFailed, ConnectionLost, HostError
from opsrun.remote.command import Command
from opsrun.remote.connection import Manner, Terminal
from opsrun.remote.deadline import Timeouts
from opsrun.secret import Secret
from opsrun.transports.credentials.keyring import Credential
from opsrun.transports.ssh.client import SSHShared, SSHTransport
from opsrun.transports.ssh.dial import AddressInfo, Resolver
from opsrun.transports.targets.target import SSHTarget

SHORT = 0.2
LONG = 30.0

SECONDS = r"(within|after|for) \d+(\.\d+)? s"


@dataclass
class Way:
    """To a host whose fault lies in one phase; that one alone has little time."""

    engine: Engine
    stack: ExitStack
    phase: str
    address: str = "127.0.0.1"
    port: int = 0
    resolver: Resolver = field(default=lambda name, port: [])
    command: Command = field(default_factory=lambda: Command("uptime"))
    keepalive: float = 0.0

    def over(self, server: LoopbackServer | EvilSSH) -> Way:
        return replace(self, port=self.stack.enter_context(server).port)

    def resolving(self, resolver: Resolver) -> Way:
        return replace(self, address="web01.invalid", port=22, resolver=resolver)

    def error(self) -> BaseException | None:
        waits = dict.fromkeys(("dns", "tcp", "banner", "kex", "auth", "open", "exec"), LONG)
        if self.phase in waits:
            waits[self.phase] = SHORT
        timeouts = Timeouts(**waits, keepalive=self.keepalive)
        target = SSHTarget("web01", self.address, self.port, "alice", timeouts=timeouts)
        password = Credential("password", ("password",), _password=Secret(evil.FULL))
        shared = SSHShared(
            self.engine,
            lambda target: [password],
            lambda *host_key: None,
            lambda target: (),
            resolver=self.resolver,
        )
        transport = SSHTransport(target, shared)
        ran = Ran(Reach("evil", self.engine, lambda: transport), self.command)
        try:
            ran.on(transport.connect())
        except HostError as error:
            return error
        finally:
            transport.close()
        return None


# -- faults


def no_answer_from_the_resolver(way: Way) -> Way:
    stuck = way.stack.enter_context(NativeCall())

    def resolver(name: str, port: int) -> list[AddressInfo]:
        stuck()
        return []

    return way.resolving(resolver)


def no_such_name(way: Way) -> Way:
    def resolver(name: str, port: int) -> list[AddressInfo]:
        raise OSError(-2, "Name or service not known")

    return way.resolving(resolver)


def no_name_at_all(way: Way) -> Way:
    def resolver(name: str, port: int) -> list[AddressInfo]:
        raise UnicodeError("label empty or too long")

    return way.resolving(resolver)


def no_address(way: Way) -> Way:
    return way.resolving(lambda name, port: [])


def black_hole(way: Way) -> Way:
    return replace(way, port=way.stack.enter_context(swallowing())[1][1])


def two_that_lead_nowhere(way: Way) -> Way:
    both = [way.stack.enter_context(kind()) for kind in (swallowing, refusing)]
    return way.resolving(lambda name, port: both)


def nobody_listens(way: Way) -> Way:
    return replace(way, port=way.stack.enter_context(refusing())[1][1])


def before_keys(behaviour: Callable[[Any], None]) -> Callable[[Way], Way]:
    return lambda way: way.over(LoopbackServer(behaviour))


def blocking(answer: int) -> Callable[[EvilSSH], int]:
    def block(server: EvilSSH) -> int:
        server.block()
        return answer

    return block


def behind_keys(**hooks: Any) -> Callable[[Way], Way]:
    return lambda way: way.over(EvilSSH(**hooks))


def blocking_exec(command: evil.Command) -> bool:
    command.server.block()
    return False


def hanging_up_on(server: EvilSSH) -> int:
    server.hang_up()
    return paramiko.AUTH_FAILED


def no_terminal(way: Way) -> Way:
    manner = Manner(terminal=Terminal())
    return replace(way.over(EvilSSH()), command=Command("uptime", manner=manner))


def output_then_reset(command: evil.Command) -> None:
    command.channel.sendall(b"partial output")
    evil.reset(command.connection)


def disconnecting(command: evil.Command) -> None:
    command.disconnect("going down for maintenance")


def falling_silent(way: Way) -> Way:
    def freeze(command: evil.Command) -> bool:
        # The request is answered, and then nothing is, not even the keepalive.
        command.accept()
        command.server.block()
        return True

    return replace(way.over(EvilSSH(on_exec=freeze)), keepalive=0.05)


REFUSED = paramiko.OPEN_FAILED_CONNECT_FAILED

FAULTS: list[tuple[str, str, Callable[[Way], Way], type[HostError]]] = [
    ("dns", "never answers", no_answer_from_the_resolver, ConnectionFailed),
    ("dns", "no such name", no_such_name, ConnectionFailed),
    ("dns", "no name at all", no_name_at_all, ConnectionFailed),
    ("dns", "no address", no_address, ConnectionFailed),
    ("tcp", "never answers", black_hole, ConnectionFailed),
    ("tcp", "refuses", nobody_listens, ConnectionFailed),
    ("tcp", "two addresses", two_that_lead_nowhere, ConnectionFailed),
    ("banner", "never comes", before_keys(silent), ConnectionFailed),
    ("banner", "hangs up", before_keys(hanging_up), ConnectionFailed),
    ("kex", "never begins", before_keys(greeting(evil.BANNER)), ConnectionFailed),
    ("kex", "hangs up", before_keys(evil.saying(evil.BANNER)), ConnectionFailed),
    ("auth", "never answers", behind_keys(on_password=blocking(1)), ConnectionFailed),
    ("auth", "refuses", behind_keys(on_password=lambda server: 2), ConnectionFailed),
    ("auth", "hangs up", behind_keys(on_password=hanging_up_on), ConnectionFailed),
    ("open", "never answers", behind_keys(on_open=blocking(REFUSED)), ConnectionFailed),
    ("open", "refuses", behind_keys(on_open=lambda server: REFUSED), ConnectionFailed),
    ("open", "hangs up", behind_keys(on_open=hanging_up_on), ConnectionFailed),
    ("exec", "never answers", behind_keys(on_exec=blocking_exec), ConnectionLost),
    ("exec", "refuses", behind_keys(on_exec=lambda command: False), ConnectionFailed),
    ("exec", "no terminal", no_terminal, ConnectionFailed),
    ("run", "resets", behind_keys(run=output_then_reset), ConnectionLost),
    ("run", "hangs up", behind_keys(run=disconnecting), ConnectionLost),
    ("run", "falls silent", falling_silent, ConnectionLost),
]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize(
    ("phase", "fault", "kind"),
    [(phase, fault, kind) for phase, _, fault, kind in FAULTS],
    ids=[f"{phase} {words}" for phase, words, *_ in FAULTS],
)
def test_an_error_names_host_address_phase_seconds_and_what_to_do(
    engine: Engine,
    stack: ExitStack,
    phase: str,
    fault: Callable[[Way], Way],
    kind: type[HostError],
) -> None:
    way = fault(Way(engine, stack, phase))
    error = way.error()
    assert isinstance(error, kind), error
    assert (error.host, error.phase) == ("web01", phase)
    assert way.address in error.message or "127.0.0.1 port" in error.message
    assert re.search(SECONDS, error.message), error.message
    assert error.hint, error.message


def test_what_can_be_no_name_is_not_asked_for_again(engine: Engine, stack: ExitStack) -> None:
    error = no_name_at_all(Way(engine, stack, "dns")).error()
    assert isinstance(error, ConnectionFailed)
    assert not error.transient
    assert "a part of the name is empty, or longer than 63 characters" in error.message


def test_no_phase_is_left_out() -> None:
    """Of these two the errors are other rooms', and other tests'."""
    assert {phase for phase, *_ in FAULTS} == set(PHASES) - {"hostkey", "become"}
