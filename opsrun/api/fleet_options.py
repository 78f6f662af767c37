"""How the hosts of a `Fleet` are reached, whatever is done with them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from opsrun.composition import arguments
from opsrun.composition.protection import Confirm
from opsrun.composition.run import ENGINES
from opsrun.journal.about import Journaling
from opsrun.secret import Secret
from opsrun.transports.targets.become import Become
from opsrun.transports.targets.build import ConnectionDefaults
from opsrun.transports.targets.target import HostKeyChecking
from opsrun.vault.vault import Vault, VaultSecrets

PathLike = str | os.PathLike[str]
VaultPassword = str | Secret | Mapping[str, str | Secret] | VaultSecrets | None
"""One password for everything, passwords by vault id, or what `VaultSecrets.read` read."""


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """The options of a `Fleet`, each with its meaning there; no password shows in its ``repr``.

    >>> from opsrun import Fleet, FleetOptions
    >>> production = FleetOptions(user="deploy", password="hunter2", forks=20)
    >>> production.password
    ********
    >>> Fleet.with_options("web01,web02,", production).options is production
    True

    Raises:
        UsageError: one of them can't be used.
    """

    user: str | None = None
    password: str | Secret | None = None
    private_key: PathLike | Sequence[PathLike] = ()
    port: int | None = None
    forks: int = 50
    engine: str = "auto"
    host_key_checking: HostKeyChecking | None = None
    connect_timeout: float | None = None
    ssh_config: PathLike | None = None
    ssh_options: Sequence[str] = ()
    jump: str | None = None
    become: bool | str | Become = False
    vault: VaultPassword = None
    yes: bool = False
    confirm: Confirm | None = None
    journal: PathLike | Journaling | None = None

    def __post_init__(self) -> None:
        if self.vault is not None and not isinstance(self.vault, VaultSecrets):
            object.__setattr__(self, "vault", VaultSecrets.of(self.vault))
        arguments.choice("engine", str(self.engine), ENGINES)
        arguments.choice("host_key_checking", self.host_key_checking, get_args(HostKeyChecking))
        arguments.secret_text("password", self.password, Secret)
        if isinstance(self.password, str):
            object.__setattr__(self, "password", Secret.noted(self.password))
        arguments.whole("forks", self.forks, least=1)
        arguments.flag("yes", self.yes)
        if self.confirm is not None and not callable(self.confirm):
            raise arguments.wrong("confirm", "something to call with a Danger", self.confirm)
        journaling(self)
        self.defaults()

    def defaults(self) -> ConnectionDefaults:
        """What they say for all hosts; a host's own variables win.

        Raises:
            UsageError: one of them can't be used.
        """
        password, port = self.password, self.port
        return ConnectionDefaults(
            user=arguments.text("user", self.user),
            password=Secret(password) if isinstance(password, str) else password,
            private_keys=arguments.paths("private_key", self.private_key),
            port=None if port is None else arguments.whole("port", port, least=1, most=65535),
            connect_timeout=arguments.seconds("connect_timeout", self.connect_timeout),
            host_key_checking=self.host_key_checking,
            ssh_config=arguments.path("ssh_config", self.ssh_config),
            ssh_options=arguments.texts("ssh_options", self.ssh_options),
            jump=arguments.text("jump", self.jump),
            become=_become(self.become),
        )


def journaling(options: FleetOptions) -> Journaling | None:
    """Where its runs are written down; None where they aren't."""
    said = options.journal
    if said is None or isinstance(said, Journaling):
        return said
    if not isinstance(said, (str, os.PathLike)) or not os.fspath(said):
        raise arguments.wrong("journal", "a path", said)
    return Journaling(Path(said))


def opener(options: FleetOptions) -> Vault | None:
    """What opens files and values that are encrypted; None where there is nothing to open with."""
    secrets = options.vault
    return Vault(secrets) if isinstance(secrets, VaultSecrets) else None


def _become(value: bool | str | Become) -> Become | None:
    if isinstance(value, str):
        return Become(user=value)
    if isinstance(value, (bool, Become)):
        return value if isinstance(value, Become) else Become() if value else None
    raise arguments.wrong("become", "True, False, a user's name or a Become", value)
