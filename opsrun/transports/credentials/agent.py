"""A client of ssh-agent (draft-miller-ssh-agent), and its keys as paramiko wants them.

One connection for a whole run. Every answer has a deadline, which paramiko's own agent code lacks:
an agent that hangs, or answers nonsense, is given up once and for all hosts.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from paramiko.pkey import PKey, PublicBlob
from paramiko.ssh_exception import SSHException

from opsrun.transports.credentials.wire import (
    CERTIFICATE,
    Malformed,
    Parser,
    bits_of,
    is_supported,
    string,
    type_of,
)

ANSWER_TIMEOUT = 3.0
"""Seconds that an agent has for one answer."""

_MAX_ANSWER = 256 * 1024
_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_FLAGS = {"rsa-sha2-256": 2, "rsa-sha2-512": 4}


class AgentError(SSHException):
    """The agent can't be used, or would not sign."""


class AgentRefused(AgentError):
    """The agent is well, and says no: it is locked, or its owner did not confirm."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A key that the agent holds; with a certificate's type, a certificate."""

    blob: bytes
    comment: str

    @property
    def key_type(self) -> str:
        """``ssh-ed25519`` …"""
        return type_of(self.blob)


class Agent:
    """One agent, connected when first asked.

    Args:
        path: of its socket.
        timeout: seconds for each answer.
        lock: held from a question to its answer, as all tasks share the connection.
        clock: gives monotonic seconds.
    """

    def __init__(
        self,
        path: str,
        *,
        timeout: float = ANSWER_TIMEOUT,
        lock: AbstractContextManager[object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.skipped: list[str] = []
        """Types of keys that it holds and we can't use."""
        self.answered = False
        """It has told which keys it holds."""
        self.absent = False
        """Nobody listens at the socket: a left-over ``SSH_AUTH_SOCK``, rather than a fault."""
        self.notify: Callable[[str], None] = lambda sentence: None
        """Takes a sentence when it fails, or would not sign with a key; each once."""
        self._refused: set[bytes] = set()
        self._timeout = timeout
        self._lock = lock or nullcontext()
        self._clock = clock
        self._socket: socket.socket | None = None
        self._given_up: str | None = None

    def identities(self) -> list[Identity]:
        """The keys that it holds, in its order, without those of types that we can't use.

        Raises:
            AgentError: it can't be reached, is late, or talks nonsense.
        """
        answer = self._ask(bytes([_REQUEST_IDENTITIES]), _IDENTITIES_ANSWER)
        try:
            found = _identities(answer)
        except Malformed as error:
            self._give_up(f"its list of keys is malformed: {error}")
            raise AgentError(self._given_up) from error
        self.answered = True
        self.skipped = [one.key_type for one in found if not is_supported(one.key_type)]
        return [one for one in found if is_supported(one.key_type)]

    def sign(self, blob: bytes, data: bytes, algorithm: str) -> bytes:
        """Have it sign ``data``.

        Args:
            blob: the key or certificate, as listed.
            data: what is to be signed.
            algorithm: the signature's; decides between SHA-256 and SHA-512 for RSA.

        Raises:
            AgentError: it would not, or not with this algorithm, or as `identities`.
        """
        wanted = algorithm.removesuffix(CERTIFICATE)
        flags = _FLAGS.get(wanted, 0).to_bytes(4, "big")
        request = bytes([_SIGN_REQUEST]) + string(blob) + string(data) + flags
        try:
            answer = self._ask(request, _SIGN_RESPONSE)
        except AgentRefused:
            if blob not in self._refused:
                self._refused.add(blob)
                self.notify(f"ssh-agent {self.path} would not sign with {type_of(blob)} key")
            raise
        try:
            signature = answer.string()
            given = Parser(signature).text()
        except Malformed as error:
            self._give_up(f"its signature is malformed: {error}")
            raise AgentError(self._given_up) from error
        if given != wanted:
            raise AgentError(f"the agent signed with {given} instead of {wanted}")
        return signature

    def close(self) -> None:
        """Hang up; safe to call again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _give_up(self, reason: str) -> None:
        self._given_up = f"ssh-agent {self.path}: {reason}"
        self.close()
        self.notify(f"{self._given_up}; going on without it")

    def _ask(self, request: bytes, expected: int) -> Parser:
        with self._lock:
            if self._given_up:
                raise AgentError(self._given_up)
            try:
                answer = self._exchange(request)
            except TimeoutError as error:
                self._give_up(f"no answer within {self._timeout:g} s")
                raise AgentError(self._given_up) from error
            except (OSError, Malformed) as error:
                self.absent = isinstance(error, FileNotFoundError | ConnectionRefusedError)
                self._give_up(getattr(error, "strerror", None) or str(error))
                raise AgentError(self._given_up) from error
        kind = answer.take(1)[0]
        if kind != expected:
            raise AgentRefused("the agent refused")
        return answer

    def _exchange(self, request: bytes) -> Parser:
        deadline = self._clock() + self._timeout
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(self._timeout)
            self._socket.connect(self.path)
        self._socket.settimeout(max(0.001, deadline - self._clock()))
        self._socket.sendall(string(request))
        length = int.from_bytes(self._receive(self._socket, 4, deadline), "big")
        if not 0 < length <= _MAX_ANSWER:
            raise Malformed(f"an answer of {length} bytes")
        return Parser(self._receive(self._socket, length, deadline))

    def _receive(self, sock: socket.socket, length: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < length:
            left = deadline - self._clock()
            if left <= 0:
                raise TimeoutError
            sock.settimeout(left)
            chunk = sock.recv(length - len(received))
            if not chunk:
                raise Malformed("it hung up")
            received += chunk
        return bytes(received)


def _identities(answer: Parser) -> list[Identity]:
    found = []
    for _ in range(answer.number()):
        one = Identity(answer.string(), answer.text())
        type_of(one.blob)
        found.append(one)
    if not answer.done:
        raise Malformed("it goes on too long")
    return found


class AgentKey(PKey):
    """A key that stays in the agent: enough of paramiko's PKey for its ``auth_publickey``.

    Args:
        agent: who signs.
        identity: the key.
        certificate: a user certificate for the key, to be shown in its place.
    """

    def __init__(self, agent: Agent, identity: Identity, certificate: bytes | None = None) -> None:
        self.public_blob = (
            None if certificate is None else PublicBlob(type_of(certificate), certificate)
        )
        self.comment = identity.comment
        self._agent = agent
        self._identity = identity

    def asbytes(self) -> bytes:
        return self._identity.blob

    def get_name(self) -> str:
        return self._identity.key_type

    def get_bits(self) -> int:
        return bits_of(self._identity.blob)

    def can_sign(self) -> bool:
        return True

    @property
    def _fields(self) -> tuple[Any, ...]:
        return (self.get_name(), self._identity.blob)

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> Any:
        """The signature's bytes, which paramiko's messages take as well as a Message.

        Raises:
            AgentError: see `Agent.sign`.
        """
        name = self.get_name()
        default = "rsa-sha2-512" if name.removesuffix(CERTIFICATE) == "ssh-rsa" else name
        return self._agent.sign(self._identity.blob, data, algorithm or default)
