"""A host with users of its own and real sudo and su: an sshd in a root that is thrown away.

The root is an overlay of this machine's on a tmpfs, in mount and process namespaces of its own, so
that users, passwords and sudoers files are made in it alone. All of it is gone with its process.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opsrun.lab.layout import LabHost, place
from opsrun.lab.openssh import find_sshd
from opsrun.lab.ready import silent_hosts

PASSWORDS = {"alice": 'alice\'s "secret" $x', "bob": "bob-secret", "carol": "carol-secret"}
"""alice may do all with her password, carol nothing; bob has no place in sudoers."""

_SUDOERS = """\
Defaults lecture=always, passwd_tries=3
alice ALL=(ALL) ALL
free ALL=(ALL) NOPASSWD: ALL
tied ALL=(ALL) NOPASSWD: ALL
Defaults:tied requiretty
narrow ALL=(ALL) NOPASSWD: /bin/ls
"""
USERS = ("alice", "bob", "carol", "free", "tied", "narrow")

_SETUP = """\
set -eu
base=$1 ssh=$2
mount --make-rprivate /
mount -t tmpfs none "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay none -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
mount -t proc none "$base/root/proc"
mount --rbind /dev "$base/root/dev"
mkdir -p "$base/root/opsrun" "$base/root/run/sshd"
mount --bind "$ssh" "$base/root/opsrun"
exec chroot "$base/root" /bin/sh -eu /opsrun/inside
"""

_INSIDE = """\
cd /
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
for user in {users}; do useradd -m -s /bin/sh -p "*" "$user"; done
useradd -m -s /usr/sbin/nologin -p "*" service
chpasswd </opsrun/passwords
rm -f /etc/sudoers.d/*
install -m 440 /opsrun/sudoers /etc/sudoers.d/test
# The delay after a wrong password proves nothing here.
sed -i 's/pam_unix.so.*/& nodelay/' /etc/pam.d/common-auth
sed -i 's/^auth.*pam_faildelay.*//' /etc/pam.d/login
exec {sshd} -D -e -f /opsrun/sshd_config
"""

_CONFIG = """\
ListenAddress {host.address}
Port {host.port}
HostKey /opsrun/host_key
AuthorizedKeysFile /opsrun/key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
MaxStartups 100
Subsystem sftp internal-sftp
"""


def obstacle() -> str | None:
    """Why there can be no such host; None when nothing is in the way."""
    if os.geteuid() != 0:
        return "needs root"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for program in ("sudo", "su", "unshare", "useradd", "chpasswd"):
        if shutil.which(program, path=path) is None:
            return f"there is no {program}"
    if find_sshd() is None:
        return "there is no sshd"
    tried = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "sh", "-c", _TRIAL],
        capture_output=True,
        check=False,
    )
    return None if tried.returncode == 0 else f"no disposable root: {tried.stderr.decode().strip()}"


_TRIAL = """\
set -eu
mount --make-rprivate /
mount -t tmpfs none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay none -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
"""


@dataclass(frozen=True, slots=True)
class BecomeHost:
    """The host, up."""

    directory: Path
    host: LabHost

    def inventory(self, user: str = "alice", **variables: object) -> Path:
        """An inventory with the one host ``box``, logged in to as ``user``."""
        known = self.directory / "known_hosts"
        pairs = {
            "ansible_host": self.host.address,
            "ansible_port": self.host.port,
            "ansible_user": user,
            "ansible_ssh_private_key_file": str(self.directory / "key"),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={known}",
            **variables,
        }
        # JSON is YAML: nothing in a password has to be quoted by hand.
        import json

        path = self.directory / f"inventory{random.randrange(10**9)}.yml"
        path.write_text(json.dumps({"all": {"hosts": {"box": pairs}}}))
        return path


def _prepare(directory: Path, host: LabHost) -> None:
    for name in ("key", "host_key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test"]
        subprocess.run([*words, "-f", str(directory / name)], check=True)
    public = (directory / "host_key.pub").read_text()
    (directory / "known_hosts").write_text(f"[{host.address}]:{host.port} {public}")
    lines = "".join(f"{user}:{password}\n" for user, password in PASSWORDS.items())
    (directory / "passwords").write_text(lines)
    (directory / "sudoers").write_text(_SUDOERS)
    (directory / "sshd_config").write_text(_CONFIG.format(host=host))
    inside = _INSIDE.format(users=" ".join(USERS), sshd=find_sshd())
    (directory / "inside").write_text(inside)


@contextmanager
def become_host(directory: Path) -> Iterator[BecomeHost]:
    """The host, for as long as the block lasts."""
    base, ssh = directory / "base", directory / "ssh"
    base.mkdir()
    ssh.mkdir()
    (host,) = place(["box1"])
    _prepare(ssh, host)
    log = (directory / "log").open("wb")
    process = subprocess.Popen(
        [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--"),
            *("sh", "-c", _SETUP, "sh", str(base), str(ssh)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    try:
        silent = silent_hosts([host], 60.0, patient=True)
        assert not silent, (directory / "log").read_text()
        yield BecomeHost(ssh, host)
    finally:
        process.kill()
        process.wait()
        log.close()
