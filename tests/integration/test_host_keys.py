"""Host keys of real servers, where a server has several."""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import opsrun

from opsrun.lab import Lab
from opsrun.transports.hostkeys.known import SCAN_LIMIT


def hashed(name: str, key: str) -> str:
    salt = hashlib.sha1(name.encode()).digest()
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()} {key}"


@pytest.mark.parametrize("others", [0, SCAN_LIMIT + 1])
def test_a_host_known_by_its_rsa_key_alone_is_asked_for_that_key(
    sshd: Callable[..., Lab], tmp_path: Path, others: int
) -> None:
    rsa = tmp_path / "host_rsa"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", rsa], check=True)
    lab = sshd(f"HostKey {rsa}")
    host = lab.hosts[0]
    key = " ".join((tmp_path / "host_rsa.pub").read_text().split()[:2])
    known = tmp_path / "known_hosts"
    names = [f"other{number}" for number in range(others)]
    names.append(f"[{host.address}]:{host.port}")
    known.write_text("".join(hashed(name, key) + "\n" for name in names))
    inventory = tmp_path / "hosts"
    inventory.write_text(
        f"{host.name} ansible_host={host.address} ansible_port={host.port} "
        f"ansible_user={lab.user} ansible_ssh_private_key_file={lab.private_key} "
        f"ansible_ssh_common_args='-o UserKnownHostsFile={known}'\n"
    )
    ran = opsrun("exec", "-i", inventory, "-w", host.name, "-o", "json", "--", "true")
    assert ran.status == 0, ran.results[host.name]["error"]
