"""What is offered to a server, in which order, and where it comes from.

1. certificates that were asked for (``CertificateFile``), with the key they are about;
2. identity files that were asked for, each after its ``KEY-cert.pub``; a key that the agent has is
   signed for by the agent, so that its passphrase is never asked for;
3. the agent's other keys, unless ``IdentitiesOnly``;
4. the usual ``~/.ssh/id_*``, if no identity file was asked for;
5. the password, also as the answer to keyboard-interactive.

OpenSSH has 3 before those of 2 that the agent doesn't hold, and so runs into a server's
``MaxAuthTries`` with the very key that was asked for still in its pocket.

A key that is encrypted stands in its place as a question: would the server take it (RFC 4252
section 7)? Only where it would, and nothing else got in, is its passphrase asked for.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from paramiko import PKey
from paramiko.pkey import PublicBlob

from opsrun.errors import AuthenticationFailed
from opsrun.secret import Secret
from opsrun.transports.credentials.agent import (
    ANSWER_TIMEOUT,
    Agent,
    AgentError,
    AgentKey,
    Identity,
)
from opsrun.transports.credentials.files import (
    KeyFile,
    Unusable,
    read_certificate,
    read_key_file,
)
from opsrun.transports.credentials.wire import CERTIFICATE, plain_blob, type_of
from opsrun.transports.targets.target import SSHTarget

DEFAULT_IDENTITIES = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")


@dataclass(frozen=True, slots=True)
class Credential:
    """One thing to offer."""

    label: str
    """What the operator knows it as."""
    methods: tuple[str, ...]
    """The ways in which it may be used, in order: ``publickey``, or those of a password."""
    _key: PKey | None = field(default=None, repr=False)
    _password: Secret | None = None
    _problem: str = ""
    locked: KeyFile | None = None
    """The file, while it is encrypted: the server can be asked whether it would take its key."""
    public: bytes | None = field(default=None, repr=False)
    """Of a locked key: the public key or certificate; None if only the encrypted part has it."""

    @property
    def is_usable(self) -> bool:
        """False for what was asked for and can't be offered; it is listed so that errors say so."""
        return not self._problem

    def key(self) -> PKey:
        """The key to sign with.

        Raises:
            ValueError: why it can't be used.
        """
        if self._key is None:
            raise ValueError(self._problem or "not a key")
        return self._key

    def password(self) -> Secret:
        """The password.

        Raises:
            ValueError: it is none.
        """
        if self._password is None:
            raise ValueError("not a password")
        return self._password


class KeyRing:
    """All keys of a run: each file read once, one agent connection.

    Args:
        can_ask: whether there is somebody to ask for passphrases.
        lock: held while an agent is asked to sign, as all tasks share its connection.
        notify: takes a sentence for the operator, each once; without it they are in ``warnings``.
        tell: takes what belongs to the story that is told on demand.
        agent_timeout: seconds for each answer of an agent's.
    """

    def __init__(
        self,
        *,
        can_ask: bool = False,
        lock: AbstractContextManager[object] | None = None,
        notify: Callable[[str], None] | None = None,
        tell: Callable[[str], None] = lambda words: None,
        agent_timeout: float = ANSWER_TIMEOUT,
    ) -> None:
        self.warnings: list[str] = []
        """What the operator should know, in the order in which it came up."""
        self._can_ask = can_ask
        self._lock = lock
        self._notify = notify or self.warnings.append
        self._tell = tell
        self._agent_timeout = agent_timeout
        self._files: dict[str, KeyFile] = {}
        self._certificates: dict[str, bytes | str] = {}
        self._agents: dict[str, tuple[Agent, list[Identity]]] = {}

    def prepare(self, targets: Iterable[SSHTarget]) -> None:
        """Read all keys and list the agents', before the first connection.

        What can't be had is no error here: `offers` tells it to the hosts that it is for.
        """
        for target in targets:
            for _ in self._in_order(target):
                pass

    def offers(self, target: SSHTarget) -> list[Credential]:
        """What to offer to a target, in order. Never asks, and never waits for an agent once
        `prepare` has seen the target.

        Raises:
            AuthenticationFailed: nothing at all can be offered.
        """
        found = list(self._in_order(target))
        if not any(one.is_usable for one in found):
            raise _nothing(target, [*found, *self._empty_agent(target)])
        return found

    def close(self) -> None:
        """Hang up on the agents."""
        for agent, _ in self._agents.values():
            agent.close()

    def _in_order(self, target: SSHTarget) -> Iterator[Credential]:
        methods = target.auth_methods
        keys = list(self._keys(target)) if "publickey" in methods else []
        spoken = tuple(one for one in methods if one in ("password", "keyboard-interactive"))
        words = []
        if target.password is not None and spoken:
            words = [Credential("password", spoken, _password=target.password)]
        if keys and words and methods.index(spoken[0]) < methods.index("publickey"):
            keys, words = words, keys
        yield from keys
        yield from words

    def _keys(self, target: SSHTarget) -> Iterator[Credential]:
        asked = [self._file(path) for path in target.identity_files]
        defaults = [self._file(path) for path in _defaults_of(target)]
        shown: set[bytes] = set()
        for path in target.certificate_files:
            yield from self._certified(target, path, [*asked, *defaults])
        for found in asked:
            yield from self._of_file(target, found, shown)
        agent, identities = self._agent_of(target)
        listed = {found.public for found in defaults}
        for one in identities:
            mine = not target.identities_only or plain_blob(one.blob) in listed
            if agent is not None and mine and one.blob not in shown:
                shown.add(one.blob)
                yield _from_agent(agent, one)
        for found in defaults:
            if not found.missing:
                yield from self._of_file(target, found, shown)

    def _of_file(
        self, target: SSHTarget, found: KeyFile, shown: set[bytes]
    ) -> Iterator[Credential]:
        if found.public is not None and found.public in shown:
            return
        key = self._in_agent(target, found) or found.key
        if key is None:
            yield from self._locked(target, found, shown)
            return
        if not target.certificate_files:
            for blob in found.certificates:
                shown.add(blob)
                yield _credential(f"{found.path}-cert.pub", _certify(key, blob))
        shown.add(found.public or key.asbytes())
        yield _credential(found.path, key)

    def _locked(self, target: SSHTarget, found: KeyFile, shown: set[bytes]) -> Iterator[Credential]:
        if not self._can_be_unlocked(target, found):
            yield Credential(found.path, ("publickey",), _problem=self._problem_of(target, found))
            return
        if not target.certificate_files:
            for blob in found.certificates:
                shown.add(blob)
                yield _question(f"{found.path}-cert.pub", found, blob)
        if found.public is not None:
            shown.add(found.public)
        yield _question(found.path, found, found.public)

    def _can_be_unlocked(self, target: SSHTarget, found: KeyFile) -> bool:
        return found.encrypted and not found.refused and self._can_ask and target.may_ask

    def _problem_of(self, target: SSHTarget, found: KeyFile) -> str:
        if found.encrypted and not target.may_ask:
            return "encrypted, and BatchMode says that nobody is asked for its passphrase"
        if found.encrypted and not self._can_ask:
            return "encrypted, and there is nobody to ask for its passphrase"
        return found.problem

    def _certified(
        self, target: SSHTarget, path: str, files: list[KeyFile]
    ) -> Iterator[Credential]:
        if path not in self._certificates:
            try:
                self._certificates[path] = read_certificate(path)
            except Unusable as error:
                self._certificates[path] = str(error)
        blob = self._certificates[path]
        if isinstance(blob, str):
            yield Credential(path, ("publickey",), _problem=blob)
            return
        public = plain_blob(blob)
        mine = next((one for one in files if one.public == public), None)
        key = self._agent_key(target, public) or (mine.key if mine else None)
        if key is not None:
            yield _credential(path, _certify(key, blob))
        elif mine is None or not mine.encrypted:
            yield Credential(path, ("publickey",), _problem="its private key is not at hand")
        elif not self._can_be_unlocked(target, mine):
            yield Credential(path, ("publickey",), _problem=self._problem_of(target, mine))
        else:
            yield _question(path, mine, blob)

    def _file(self, path: str) -> KeyFile:
        full = os.path.expanduser(path)
        if full not in self._files:
            self._files[full] = read_key_file(full)
        return self._files[full]

    def _empty_agent(self, target: SSHTarget) -> Iterator[Credential]:
        agent, identities = self._agent_of(target)
        if agent is not None and not identities and agent.answered:
            skipped = f"; not usable: {', '.join(agent.skipped)}" if agent.skipped else ""
            problem = f"it has no key, or is locked{skipped}"
            yield Credential("ssh-agent", ("publickey",), _problem=problem)

    def _in_agent(self, target: SSHTarget, found: KeyFile) -> AgentKey | None:
        return None if found.public is None else self._agent_key(target, found.public)

    def _agent_key(self, target: SSHTarget, public: bytes) -> AgentKey | None:
        agent, identities = self._agent_of(target)
        for one in identities:
            if agent is not None and one.blob == public:
                return AgentKey(agent, one)
        return None

    def _agent_of(self, target: SSHTarget) -> tuple[Agent | None, list[Identity]]:
        path = target.agent_socket or os.environ.get("SSH_AUTH_SOCK")
        if not target.use_agent or not path:
            return None, []
        if path not in self._agents:
            agent = Agent(path, timeout=self._agent_timeout, lock=self._lock)
            self._agents[path] = (agent, self._listed(agent, target.agent_socket is not None))
        return self._agents[path]

    def _listed(self, agent: Agent, asked_for: bool) -> list[Identity]:
        try:
            found = agent.identities()
        except AgentError as error:
            # As with ssh, a stale SSH_AUTH_SOCK is not worth a word; an agent that hangs is.
            if asked_for or not agent.absent:
                self._notify(f"{error}; going on without it")
            return []
        agent.notify = self._notify
        self._tell(f"auth: {_holding(agent, found)}")
        return found


def _holding(agent: Agent, found: list[Identity]) -> str:
    words = f"ssh-agent {agent.path} holds {len(found)} key{'' if len(found) == 1 else 's'}"
    if agent.skipped:
        skipped = ", ".join(agent.skipped)
        words += f" and some that are skipped: {skipped} (ansible_connection=ssh_binary takes them)"
    return words


def _defaults_of(target: SSHTarget) -> tuple[str, ...]:
    asked = target.identity_files or not target.default_identities
    return () if asked else DEFAULT_IDENTITIES


def _credential(label: str, key: PKey) -> Credential:
    return Credential(label, ("publickey",), _key=key)


def _question(label: str, found: KeyFile, public: bytes | None) -> Credential:
    return Credential(label, ("publickey",), locked=found, public=public)


def _from_agent(agent: Agent, identity: Identity) -> Credential:
    kind = "certificate" if identity.key_type.endswith(CERTIFICATE) else "key"
    return _credential(f"agent {kind} {identity.comment}", AgentKey(agent, identity))


def _certify(key: PKey, certificate: bytes) -> PKey:
    certified = copy.copy(key)
    certified.public_blob = PublicBlob(type_of(certificate), certificate)
    return certified


def _nothing(target: SSHTarget, found: list[Credential]) -> AuthenticationFailed:
    listed = "; ".join(f"{one.label}: {one._problem}" for one in found)
    return AuthenticationFailed(
        f"there is nothing to log in with{f' ({listed})' if listed else ''}",
        host=target.host,
        phase="auth",
        hint="give a key (--private-key) or a password (-k), or start ssh-agent",
    )
