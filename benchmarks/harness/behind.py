"""A lab's hosts at other ports: the same names, addresses and keys, with something in between."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opsrun.lab import LabHost
from opsrun.lab.layout import is_free

_PORTS = range(20_000, 32_768)


@dataclass(frozen=True, slots=True)
class Hosts:
    """How hosts of a lab are reached, directly or through something."""

    hosts: tuple[LabHost, ...]
    inventory: Path
    ssh_config: Path
    known_hosts: Path
    private_key: Path
    user: str


@dataclass(frozen=True, slots=True)
class Files:
    """The folder of a lab whose hosts all listen on one port, each at an address of its own."""

    folder: Path
    hosts: tuple[LabHost, ...]
    user: str

    def direct(self) -> Hosts:
        """The hosts as they are."""
        return self._at(self.folder, self.hosts)

    def behind(self, folder: Path, port: int) -> Hosts:
        """The hosts as they are reached at another port; ``folder`` gets files that say so."""
        folder.mkdir(parents=True, exist_ok=True)
        old = self.hosts[0].port
        for name, before, after in (
            ("inventory.yml", f"ansible_port: {old}\n", f"ansible_port: {port}\n"),
            ("ssh_config", f"Port {old}\n", f"Port {port}\n"),
            ("known_hosts", f"]:{old} ", f"]:{port} "),
        ):
            text = (self.folder / name).read_text().replace(before, after)
            here = str(self.folder / "known_hosts"), str(folder / "known_hosts")
            (folder / name).write_text(text.replace(*here))
        moved = tuple(LabHost(host.name, host.address, port) for host in self.hosts)
        return self._at(folder, moved)

    def _at(self, folder: Path, hosts: tuple[LabHost, ...]) -> Hosts:
        return Hosts(
            hosts,
            folder / "inventory.yml",
            folder / "ssh_config",
            folder / "known_hosts",
            self.folder / "id_ed25519",
            self.user,
        )


def free_port(addresses: Sequence[str]) -> int:
    """A port on which all of these can be listened."""
    for _ in range(50):
        port = random.SystemRandom().choice(_PORTS)
        if all(is_free(address, port) for address in addresses):
            return port
    raise OSError("no port is free at all of these addresses")
