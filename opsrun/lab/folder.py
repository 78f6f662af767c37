"""The folder of a lab: where each file lies, and what is written into it.

::

    .lab/                   0700, and all files in it 0600
        lab.json            what runs: `opsrun.lab.state`
        inventory.yml       for opsrun, and for Ansible
        ssh_config          for ``ssh -F``, and for the static ``inventories/lab.yml``
        known_hosts
        id_ed25519          the client's key; .pub beside it
        authorized_keys
        host_keys/NAME      one a host (one for all in a shared lab)
        servers/NAME.conf   configuration and log of one server process
        home/NAME/          HOME of the sessions on that host
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opsrun.errors import LabError, UsageError
from opsrun.lab.layout import LabHost

_AWKWARD = re.compile(r"[\x00-\x1f\x7f\"'\\%$`#{}]")
"""What ssh_config, sshd_config, shell words or templates read as more than itself."""

_GO_HOME = "cd\n"
"""For a shell that sshd started in the home of the real account, with HOME pointing here."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths in a lab's folder; ``root`` is absolute."""

    root: Path

    @classmethod
    def at(cls, directory: str | os.PathLike[str]) -> Folder:
        """The folder at ``directory``, which need not exist.

        Raises:
            UsageError: its path holds what SSH's configuration files can't.
        """
        path = os.path.abspath(directory)
        if found := _AWKWARD.search(path):
            raise UsageError(f"a lab can't live in {path!r}: {found[0]!r} in a path confuses ssh")
        return cls(Path(path))

    @property
    def state(self) -> Path:
        return self.root / "lab.json"

    @property
    def inventory(self) -> Path:
        return self.root / "inventory.yml"

    @property
    def ssh_config(self) -> Path:
        return self.root / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def private_key(self) -> Path:
        return self.root / "id_ed25519"

    @property
    def authorized_keys(self) -> Path:
        return self.root / "authorized_keys"

    def host_key(self, name: str) -> Path:
        return self.root / "host_keys" / name

    def config(self, server: str) -> Path:
        return self.root / "servers" / f"{server}.conf"

    def log(self, server: str) -> Path:
        return self.root / "servers" / f"{server}.log"

    def home(self, host: str) -> Path:
        return self.root / "home" / host

    def make(self) -> None:
        """Create the folder itself, 0700, unless it is there.

        Raises:
            LabError: it can't be created, or isn't ours alone.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.root.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
                raise LabError(f"{self.root} is no directory of ours: give another --dir")
        except OSError as error:
            raise LabError(f"can't make {self.root}: {error.strerror}") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep any other opsrun from starting or ending the lab in this folder.

        Raises:
            LabError: another one is at it.
        """
        busy = LabError(f"another opsrun is starting or ending the lab in {self.root}")
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not self.is_at(descriptor):
                raise busy
            yield
        except BlockingIOError:
            raise busy from None
        finally:
            os.close(descriptor)

    def is_at(self, descriptor: int) -> bool:
        """Whether this open directory still is the one at the folder's path."""
        # Whoever held the lock before may have removed the folder that we opened.
        try:
            return os.path.samestat(os.fstat(descriptor), self.root.stat())
        except FileNotFoundError:
            return False

    def require_empty(self) -> None:
        """Make sure that nothing of anybody's is in it, and that nobody else can look into it.

        Raises:
            LabError: there is something.
        """
        if any(self.root.iterdir()):
            raise LabError(f"{self.root} is not empty, and not a lab: give another --dir")
        self.root.chmod(0o700)

    def make_rooms(self) -> None:
        """Create the folders below it."""
        for name in ("host_keys", "servers", "home"):
            (self.root / name).mkdir(mode=0o700)

    def make_home(self, host: str) -> None:
        """A home for the sessions on ``host``: bash and zsh go there when they start."""
        home = self.home(host)
        home.mkdir(mode=0o700)
        for name in (".bashrc", ".zshenv"):
            write_private(home / name, _GO_HOME)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file whole, 0600 from its first moment, in one step for whoever reads it."""
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)


def _yaml(value: str | int) -> str:
    # Every JSON scalar is a YAML scalar.
    return json.dumps(value)


def inventory_text(hosts: Sequence[LabHost], user: str, folder: Folder) -> str:
    """The inventory: one group a kind of host, with all that is needed to log in."""
    known_hosts = f'UserKnownHostsFile="{folder.known_hosts}"'
    if " " not in known_hosts:
        known_hosts = known_hosts.replace('"', "")
    lines = [
        "# Written by `opsrun lab up`, and removed by `opsrun lab down`.",
        "all:",
        "  vars:",
        f"    ansible_user: {_yaml(user)}",
        f"    ansible_ssh_private_key_file: {_yaml(str(folder.private_key))}",
        f"    ansible_ssh_common_args: {_yaml(_option(known_hosts))}",
        "  children:",
    ]
    for group in dict.fromkeys(host.group for host in hosts):
        lines += [f"    {group}:", "      hosts:"]
        for host in hosts:
            if host.group == group:
                lines += [
                    f"        {host.name}:",
                    f"          ansible_host: {host.address}",
                    f"          ansible_port: {host.port}",
                ]
    return "\n".join(lines) + "\n"


def _option(setting: str) -> str:
    return f"-o '{setting}'" if " " in setting else f"-o {setting}"


def ssh_config_text(hosts: Sequence[LabHost], user: str, folder: Folder) -> str:
    """What ``ssh -F`` needs to reach each host by its name."""
    lines = ["# Written by `opsrun lab up`, and removed by `opsrun lab down`."]
    for host in hosts:
        lines += [f"Host {host.name}", f"    HostName {host.address}", f"    Port {host.port}"]
    lines += [
        f"Host {' '.join(host.name for host in hosts)}",
        f"    User {user}",
        f'    IdentityFile "{folder.private_key}"',
        "    IdentitiesOnly yes",
        f'    UserKnownHostsFile "{folder.known_hosts}"',
        "    StrictHostKeyChecking yes",
    ]
    return "\n".join(lines) + "\n"


def known_hosts_text(hosts: Sequence[LabHost], keys: dict[str, str]) -> str:
    """One line a host: ``[address]:port ssh-ed25519 …``; ``keys`` holds the public keys."""
    return "".join(f"[{host.address}]:{host.port} {keys[host.name]}\n" for host in hosts)
