"""Offers credentials in order, on one connection, until the server is satisfied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from paramiko.common import MSG_USERAUTH_REQUEST
from paramiko.message import Message
from paramiko.ssh_exception import SSHException

from opsrun.errors import AuthenticationFailed, ConnectionFailed
from opsrun.remote.deadline import Deadline
from opsrun.secret import MASK, Secret
from opsrun.transports.credentials.keyring import Credential
from opsrun.transports.credentials.wire import Malformed, type_of
from opsrun.transports.ssh.link import Link
from opsrun.transports.ssh.paramiko_seam import AuthHandlerBase
from opsrun.transports.ssh.wire import message_of
from opsrun.transports.targets.target import SSHTarget

_IN_ORDER = "SSH-2.0-OpenSSH"
"""Who has this version reads one message after the other: the first attempt may follow its request
for the service at once (RFC 4253 section 10 asks nobody to wait), and a round trip is saved. Of
others that is not known."""
_ONE_KEY = "too many keys? Say which: --private-key, and -O IdentitiesOnly=yes"


class PassphraseWanted(ConnectionFailed):
    """What there was let us in nowhere, and the server would take a key that is encrypted.

    Args:
        credential: the key.
        failure: what is to be raised if its passphrase is not to be had.
    """

    transient = False

    def __init__(self, credential: Credential, failure: ConnectionFailed) -> None:
        super().__init__(failure.message, host=failure.host, phase="auth", hint=failure.hint)
        self.credential = credential
        self.failure = failure


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
        self.taken: bytes | None = None
        """The key of which the server just said that it would take it."""
        self.expired = ""
        """What the server said as it asked for another password (RFC 4252 section 8)."""

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

    def ask(self, public: bytes) -> None:
        """Ask whether the server would take a key, without a signature (RFC 4252 section 7)."""
        self.auth_method, self.answered, self.taken = "publickey", False, None
        request = message_of(MSG_USERAUTH_REQUEST)
        for word in (self.username, "ssh-connection", "publickey"):
            request.add_string(word)  # type: ignore[arg-type]
        request.add_boolean(False)
        request.add_string(self._finalize_pubkey_algorithm(type_of(public)))
        request.add_string(public)
        self.transport._send_message(request)

    def _parse_userauth_info_request(self, m: Message) -> None:
        # One number, three messages: which of them it is depends on what was asked for.
        if self.auth_method == "keyboard-interactive":
            super()._parse_userauth_info_request(m)
            return
        if self.auth_method == "publickey":
            m.get_text()
            self.taken = m.get_binary()
        elif self.auth_method == "password":
            self.expired = m.get_text() or "password change required"
        self.answered = True
        self.auth_event.set()

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
        self._locked: Credential | None = None
        """The first key that would get us in, were it not encrypted."""
        self._unasked: Credential | None = None
        """An encrypted key of which nothing can be shown before its passphrase is known."""

    def authenticate(self, transport: Any) -> None:
        """Log in.

        Raises:
            AuthenticationFailed: nothing that there was to offer was accepted.
            PassphraseWanted: nothing was, but an encrypted key would be.
            ConnectionFailed: the connection ended, or the deadline passed.
        """
        try:
            self._authenticate(transport)
        except ConnectionFailed as error:
            # Also where the server hung up because of too many keys: the next time this one is
            # the first of all.
            wanted = self._locked or self._unasked
            if wanted is None:
                raise
            raise PassphraseWanted(wanted, error) from error

    def _authenticate(self, transport: Any) -> None:
        link: Link = transport
        deadline = Deadline("auth", self._target.timeouts.auth, link.now)
        handler = _AuthHandler(link)
        handler.auth_event = link.progress
        link.auth_handler = handler
        link.request_service("ssh-userauth")
        if not link.remote_version.startswith(_IN_ORDER):
            link.wait_until(lambda: handler.service_accepted, deadline)
        handler.username = self._target.user
        for credential in self._credentials:
            if not self._worth_trying(credential, handler):
                continue
            if credential.locked is not None:
                self._question(link, handler, credential, deadline)
            elif self._offer(link, handler, credential, deadline):
                return
            if handler.expired:
                raise self._expired(handler)
        raise self._refused(handler, deadline)

    def _question(
        self, link: Link, handler: _AuthHandler, credential: Credential, deadline: Deadline
    ) -> None:
        if credential.public is None:
            self._unasked = self._unasked or credential
            self._tried.append(f"{credential.label} (encrypted)")
            return
        self._tried.append(credential.label)
        link.tell(f"auth: asking whether {credential.label} would do, which is encrypted")
        try:
            handler.ask(credential.public)
        except (SSHException, Malformed) as error:
            self._tried[-1] += f" (not usable: {error})"
            return
        self._await(link, handler, deadline)
        if handler.taken == credential.public:
            link.tell(f"auth: {credential.label} would do")
            self._tried[-1] += " (encrypted; the server would take it)"
            self._locked = self._locked or credential

    def _worth_trying(self, credential: Credential, handler: _AuthHandler) -> bool:
        return not handler.allowed or any(
            method in handler.allowed for method in credential.methods
        )

    def _offer(
        self, link: Link, handler: _AuthHandler, credential: Credential, deadline: Deadline
    ) -> bool:
        self._tried.append(credential.label)
        link.tell(f"auth: offering {credential.label}")
        for method in credential.methods:
            if handler.allowed and method not in handler.allowed:
                continue
            if self._attempt(link, handler, method, credential, deadline):
                link.tell(f"auth: {credential.label} accepted as {self._target.user} ({method})")
                return True
            if handler.expired:
                break
            verdict = "accepted, but not enough" if handler.partial else "refused"
            link.tell(f"auth: {credential.label} {verdict} ({method})")
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
            if _is_rsa(handler.private_key):
                # Which hash to sign with stands in what the server says first (RFC 8308).
                link.wait_until(lambda: handler.service_accepted, deadline)
            handler.send()
        except (SSHException, OSError, ValueError) as error:
            # A key that can't sign (agent gone, no common algorithm) is one that was not accepted.
            self._tried[-1] += f" (not usable: {error})"
            return False
        self._await(link, handler, deadline)
        return handler.is_authenticated()

    def _await(self, link: Link, handler: _AuthHandler, deadline: Deadline) -> None:
        try:
            link.wait_until(lambda: handler.answered or handler.is_authenticated(), deadline)
        except ConnectionFailed as error:
            raise self._interrupted(error) from error

    def _load(self, handler: _AuthHandler, method: str, credential: Credential) -> None:
        if method == "publickey":
            handler.private_key = credential.key()
            return
        password = credential.password()
        handler.password = password.reveal()
        handler.submethods = ""
        handler.interactive_handler = _Answerer(password, self._asked)

    def _asked(self, question: str) -> None:
        """Somebody wants to know more than the password: a code, or a new password."""
        self._tried[-1] += f" (the server then asked {question!r})"

    def _interrupted(self, error: ConnectionFailed) -> ConnectionFailed:
        tried = f"; offered: {', '.join(self._tried)}" if self._tried else ""
        # Most servers hang up after six keys; what was offered stays the same the next time.
        several = len(self._tried) > 1
        words, hint = f"{error.message}{tried}", _ONE_KEY if several else error.hint
        again = ConnectionFailed(words, host=error.host, phase="auth", hint=hint)
        again.transient = not several
        return again

    def _expired(self, handler: _AuthHandler) -> AuthenticationFailed:
        said = handler.expired.strip()
        return AuthenticationFailed(
            f"{self._target.user}@{self._target.address}{self._target.via}: the password is right, "
            f"but the server wants another one first: {said}",
            host=self._target.host,
            phase="auth",
            hint="it has expired; log in with ssh(1) once and change it",
        )

    def _refused(self, handler: _AuthHandler, deadline: Deadline) -> AuthenticationFailed:
        wants = f"; the server takes {', '.join(handler.allowed)}" if handler.allowed else ""
        tried = ", ".join(self._tried) or "nothing, for there was nothing to offer"
        return AuthenticationFailed(
            f"{self._target.user}@{self._target.address}{self._target.via}: permission denied "
            f"{deadline.after()} (offered: {tried}{wants})",
            host=self._target.host,
            phase="auth",
            hint="check user and key (--private-key, -u, -k)",
        )


def _is_rsa(key: Any) -> bool:
    return key is not None and str(key.get_name()).startswith("ssh-rsa")


class _Answerer:
    """Answers one hidden prompt with the password, and nothing else (RFC 4256)."""

    def __init__(self, password: Secret, asked: Callable[[str], None]) -> None:
        self._password = password
        self._asked = asked
        self._answered = False

    def __call__(
        self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str]:
        """The answers, in the order of the questions; empty ones where it is not the password."""
        if [echo for _, echo in prompts] == [False] and not self._answered:
            self._answered = True
            return [self._password.reveal()]
        for prompt, _ in prompts:
            # It was sent there, but must not come back to be shown.
            self._asked(prompt.strip().replace(self._password.reveal() or MASK, MASK))
        return [""] * len(prompts)
