"""What the SSH transport has to know of a host before it can reach it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from opsrun.remote.deadline import Timeouts
from opsrun.secret import Secret

ContainerProgram = Literal["docker", "podman", "kubectl"]
HostKeyChecking = Literal["strict", "accept-new", "off"]


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """This machine itself: ``ansible_connection: local``."""

    host: str
    """Inventory name."""


@dataclass(frozen=True, slots=True)
class ProgramTarget:
    """A host that a local program gives a shell on."""

    host: str
    """Inventory name."""
    program: Literal["ssh"] | ContainerProgram
    """Which family of programs it is of, whatever it is called."""
    argv: tuple[str, ...]
    """Its words, up to those that are run on the host; never a secret."""
    place: str
    """Container, pod or address, for messages."""
    patience: float = 60.0
    """Seconds that it has to reach the host's shell."""


@dataclass(frozen=True, slots=True)
class SSHTarget:
    """One host, every question of configuration answered."""

    host: str
    """Inventory name: what the operator calls it, and what errors say."""
    address: str
    """Name or address to dial."""
    port: int
    user: str
    password: Secret | None = None
    identity_files: tuple[str, ...] = ()
    """Private keys that were asked for, in the order in which they are to be offered."""
    certificate_files: tuple[str, ...] = ()
    """User certificates that were asked for, beside the ``KEY-cert.pub`` of each key."""
    identities_only: bool = False
    """Offer no other key of the agent's than those of ``identity_files``."""
    default_identities: bool = True
    """No key was asked for: the usual ``~/.ssh/id_*`` are tried."""
    use_agent: bool = True
    agent_socket: str | None = None
    """Path of the agent's socket; None for that of ``SSH_AUTH_SOCK``."""
    may_ask: bool = True
    """The operator may be asked for a passphrase (BatchMode in ssh_config(5) is off)."""
    auth_methods: tuple[str, ...] = ("publickey", "password", "keyboard-interactive")
    """Ways to log in that may be used, in order."""
    address_family: Literal["any", "inet", "inet6"] = "any"
    """Which of the name's addresses may be dialled."""
    connection_attempts: int = 1
    """How often they are dialled before that failed, all within the one deadline."""
    host_key_alias: str | None = None
    """Looked up in known_hosts in place of address and port."""
    known_hosts: tuple[str, ...] = ()
    """The files to look in, existing or not; the first one takes new keys."""
    host_key_checking: HostKeyChecking = "strict"
    hash_known_hosts: bool = False
    """Names of new keys are recorded as hashes."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    jump: SSHTarget | None = None
    """The host through which this one is reached; it may itself be behind another."""
    proxy_command: str | None = None
    """A command of this machine's shell whose standard input and output lead to the host."""
    without_effect: tuple[str, ...] = field(default=(), compare=False)
    """What ssh_config asks for and opsrun doesn't do, each with its place."""

    @property
    def place(self) -> str:
        """Address and port, and what lies between, for messages."""
        return f"{self.address} port {self.port}{self.via}"

    @property
    def via(self) -> str:
        """`` through jump host b``, or nothing: the end of a sentence about this host."""
        if self.proxy_command is not None:
            return " through ProxyCommand"
        hops = [hop.host for hop in self.hops]
        if not hops:
            return ""
        return f" through jump host{'s' if hops[1:] else ''} {', '.join(hops)}"

    @property
    def hops(self) -> tuple[SSHTarget, ...]:
        """The hosts between, in the order in which they are dialled."""
        return () if self.jump is None else (*self.jump.hops, self.jump)

    @property
    def lookup_name(self) -> str:
        """The name under which known_hosts lists this host: ``web``, or ``[web]:2222``."""
        if self.host_key_alias:
            return self.host_key_alias
        return self.address if self.port == 22 else f"[{self.address}]:{self.port}"


Target = LocalTarget | ProgramTarget | SSHTarget
"""A host, in whatever way it is reached."""
