"""Offers credentials in order, on one connection, until the server is satisfied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from paramiko.message import Message
from paramiko.ssh_exception import SSHException

from opsrun.errors import AuthenticationFailed, ConnectionFailed
from opsrun.remote.deadline import Deadline
from opsrun.secret import Secret
from opsrun.transports.credentials.keyring import Credential
from opsrun.transports.ssh.link import Link
from opsrun.transports.ssh.paramiko_seam import AuthHandlerBase
from opsrun.transports.targets.target import SSHTarget


class _AuthHandler(AuthHandlerBase):
    """paramiko's, for any number of attempts on one service request, answering by an event."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self.service_accepted = False
        self.answered = False
        self.allowed: tuple[str, ...] = ()
        """Methods that the server would go on with, from its latest refusal."""
        self.partial = False
        """The latest attempt was right, but the server wants another method as well."""

    def _parse_service_accept(self, m: Message) -> None:
        self.service_accepted = True
        self.auth_event.set()

    def send(self) -> None:
        """Send the request that the attributes describe; signs in the caller's task."""
        accept = Message()
        accept.add_string("ssh-userauth")
        accept.rewind()
        # paramiko builds the request where it parses the server's "go on".
        super()._parse_service_accept(accept)

    def _parse_userauth_failure(self, m: Message) -> None:
        self.allowed = tuple(m.get_list())
        self.partial = m.get_boolean()
        self.answered = True
        self.auth_event.set()


class Authenticator:
    """Logs one link in; the ``auth_strategy`` of `paramiko.SSHClient.connect`.

    Args:
        target: whom to log in as, and what errors call the host.
        credentials: in the order in which they are to be offered.
    """

    def __init__(self, target: SSHTarget, credentials: Iterable[Credential]) -> None:
        self._target = target
        self._credentials = credentials
        self._tried: list[str] = []

    def authenticate(self, transport: Any) -> None:
        """Log in.

        Raises:
            AuthenticationFailed: nothing that there was to offer was accepted.
            ConnectionFailed: the connection ended, or the deadline passed.
        """
        link: Link = transport
        deadline = Deadline("auth", self._target.timeouts.auth, link.now)
        handler = _AuthHandler(link)
        handler.auth_event = link.progress
        link.auth_handler = handler
        link.request_service("ssh-userauth")
        link.wait_until(lambda: handler.service_accepted, deadline)
        handler.username = self._target.user
        for credential in self._credentials:
            if self._worth_trying(credential, handler) and self._offer(
                link, handler, credential, deadline
            ):
                return
        raise self._refused(handler)

    def _worth_trying(self, credential: Credential, handler: _AuthHandler) -> bool:
        return not handler.allowed or any(
            method in handler.allowed for method in credential.methods
        )

    def _offer(
        self, link: Link, handler: _AuthHandler, credential: Credential, deadline: Deadline
    ) -> bool:
        self._tried.append(credential.label)
        link.tell(f"offering {credential.label}")
        for method in credential.methods:
            if handler.allowed and method not in handler.allowed:
                continue
            if self._attempt(link, handler, method, credential, deadline):
                link.tell(f"accepted {credential.label}")
                return True
        return False

    def _attempt(
        self,
        link: Link,
        handler: _AuthHandler,
        method: str,
        credential: Credential,
        deadline: Deadline,
    ) -> bool:
        handler.auth_method = method
        handler.answered = False
        try:
            self._load(handler, method, credential)
            handler.send()
        except (SSHException, OSError, ValueError) as error:
            # A key that can't sign (agent gone, no common algorithm) is one that was not accepted.
            self._tried[-1] += f" (not usable: {error})"
            return False
        try:
            link.wait_until(lambda: handler.answered or handler.is_authenticated(), deadline)
        except ConnectionFailed as error:
            raise self._interrupted(error) from error
        return handler.is_authenticated()

    def _load(self, handler: _AuthHandler, method: str, credential: Credential) -> None:
        if method == "publickey":
            handler.private_key = credential.key()
            return
        password = credential.password()
        handler.password = password.reveal()
        handler.submethods = ""
        handler.interactive_handler = _answerer(password)

    def _interrupted(self, error: ConnectionFailed) -> ConnectionFailed:
        tried = f"; offered: {', '.join(self._tried)}" if self._tried else ""
        again = ConnectionFailed(
            f"{error.message}{tried}", host=error.host, phase="auth", hint=error.hint
        )
        # Most servers hang up after six keys; what was offered stays the same the next time.
        again.transient = len(self._tried) < 2
        return again

    def _refused(self, handler: _AuthHandler) -> AuthenticationFailed:
        wants = f"; the server takes {', '.join(handler.allowed)}" if handler.allowed else ""
        tried = ", ".join(self._tried) or "nothing, for there was nothing to offer"
        return AuthenticationFailed(
            f"{self._target.user}@{self._target.address}{self._target.via}: permission denied "
            f"(offered: {tried}{wants})",
            host=self._target.host,
            phase="auth",
            hint="check user and key (--private-key, -u, -k)",
        )


def _answerer(password: Secret) -> Any:
    """Answers one hidden prompt with the password, and nothing else (RFC 4256)."""
    asked = False

    def answer(title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        nonlocal asked
        hidden = [prompt for prompt, echo in prompts if not echo]
        if not prompts or asked or len(hidden) != len(prompts) or len(prompts) != 1:
            return [""] * len(prompts)
        asked = True
        return [password.reveal()]

    return answer
