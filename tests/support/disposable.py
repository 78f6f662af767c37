"""Machines to be thrown away: this one's files under an overlay, in namespaces of their own.

Mount, process, host name and network namespaces; ``/`` is an overlay of this machine's on a tmpfs.
Whatever is done inside (users, packages, routes) is gone with the machine. It is logged in to with
``nsenter`` and an sshd of its own at the other end of a ProxyCommand, so that it needs no address.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from opsrun.lab.openssh import find_sshd

_SETUP = """\
set -eu
base=$1 keys=$2 group=$3
shift 3
mount --make-rprivate /
mount -t tmpfs -o mode=755 none "$base"
mkdir "$base/upper" "$base/work" "$base/root"
# What is mounted below / is not seen through an overlay of it.
mount -t overlay none -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
root=$base/root
mount -t proc none "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t tmpfs -o mode=755 none "$root/run"
mount -t tmpfs -o mode=1777 none "$root/tmp"
mount -t tmpfs -o mode=755 none "$root/dev"
for name in null zero full random urandom tty; do
    : >"$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/run/sshd" "$root/run/opsrun"
mount -t devpts -o newinstance,ptmxmode=666 none "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs none "$root/dev/shm"
mount --bind "$keys" "$root/run/opsrun"
for path; do
    # What runs the tests may lie where something else is mounted now.
    [ ! -e "$root$path" ] || continue
    mkdir -p "$root$path"
    mount --bind "$path" "$root$path"
    mount -o remount,bind,ro "$root$path"
done
hostname disposable
ip link set lo up 2>/dev/null || :
cd "$root"
if [ -z "$group" ]; then
    exec chroot . /bin/sh -c 'cd /; echo up; exec >&2; exec sleep 100000000'
fi
# A group of its own, so that nothing is written to this machine's.
mkdir "$base/groups"
mount -t cgroup2 none "$base/groups"
mkdir "$base/groups/$group"
echo 0 >"$base/groups/$group/cgroup.procs"
umount "$base/groups"
mount -t sysfs none "$root/sys"
rm -f "$root"/etc/systemd/system/*.wants/* "$root/etc/machine-id"
ln -sf /dev/null "$root/etc/systemd/system/systemd-sysctl.service"
systemd=$(command -v systemd || echo /lib/systemd/systemd)
exec unshare --cgroup chroot . /bin/sh -c '
  cd /
  mount -t cgroup2 none /sys/fs/cgroup || exit
  systemd-machine-id-setup >/dev/null 2>&1
  echo up
  exec >&2
  # There is one clock for all machines, and a boot with an odd zone would set it.
  exec setpriv --bounding-set=-sys_time --inh-caps=-sys_time \
    env -i container=opsrun LC_ALL=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    "$0" --system --unit=basic.target' "$systemd"
"""

_SEEN = tuple(dict.fromkeys([str(Path(__file__).parents[2]), sys.prefix, sys.base_prefix]))
"""The project, and the Python that runs it: seen inside wherever they are."""

_SWEEP = """\
mount --make-rprivate /
mount -t cgroup2 none /mnt
for _ in 1 2 3 4 5 6 7 8 9 10; do
    find "/mnt/$1" -depth -type d -exec rmdir {} \\;
    [ -d "/mnt/$1" ] || exit 0
    # Whoever was in it is still going down.
    sleep 0.1
done
"""

_CONFIG = """\
HostKey /run/opsrun/host_key
AuthorizedKeysFile /run/opsrun/key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
UseDNS no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
"""


def obstacle() -> str | None:
    """Why there can be no such machine; None when nothing is in the way."""
    if os.geteuid() != 0:
        return "needs root"
    if find_sshd() is None:
        return "there is no sshd"
    for program in ("unshare", "nsenter", "setpriv", "ssh-keygen"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    trial = (
        "set -eu; mount --make-rprivate /; mount -t tmpfs none /mnt; "
        "mkdir /mnt/u /mnt/w /mnt/r; "
        "mount -t overlay none -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r"
    )
    words = ["unshare", "--mount", "--pid", "--fork", "--net", "--uts", "sh", "-c", trial]
    tried = subprocess.run(words, capture_output=True, check=False)
    return None if tried.returncode == 0 else f"no disposable root: {tried.stderr.decode().strip()}"


def no_systemd() -> str | None:
    """Why no machine here can be booted with systemd; None when nothing is in the way."""
    if reason := obstacle():
        return reason
    if not any(Path(each).exists() for each in ("/lib/systemd/systemd", "/usr/bin/systemd")):
        return "there is no systemd (Debian: apt-get install systemd dbus)"
    trial = "mount --make-rprivate / && mount -t cgroup2 none /mnt && [ -w /mnt/cgroup.procs ]"
    words = ["unshare", "--mount", "--cgroup", "sh", "-c", trial]
    tried = subprocess.run(words, capture_output=True, check=False)
    return None if tried.returncode == 0 else f"no disposable groups: {tried.stderr.decode()}"


_BOOTED = """\
until [ -S /run/systemd/private ]; do sleep 0.05; done
systemctl is-system-running --wait >/dev/null || systemctl is-active basic.target
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """One that is up."""

    directory: Path
    """Keys and inventories; seen inside as ``/run/opsrun``."""
    pid: int
    """Of its first process, as this machine counts."""
    root: Path
    """Its files, for whoever enters its mount namespace; see `run`."""

    def _enter(self) -> list[str]:
        """Before a program's words. Its clock is this machine's, and not to be set from there."""
        space = ["nsenter", f"--target={self.pid}", "--all", f"--root=/proc/{self.pid}/root"]
        return [*space, "--wd=/", "setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time"]

    def entering(self, *words: str) -> list[str]:
        """The words that run a program inside, as root, with our own environment."""
        return [*self._enter(), *words]

    def run(
        self, *words: str, stdin: bytes = b"", check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        """A program inside, as root."""
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        command = self.entering("env", "-i", path, "HOME=/root", "LC_ALL=C.UTF-8", *words)
        return subprocess.run(command, input=stdin, capture_output=True, check=check)

    def sh(self, script: str, *words: str, check: bool = True) -> str:
        """What a script inside prints."""
        return self.run("sh", "-c", script, "sh", *words, check=check).stdout.decode()

    def variables(self, user: str = "root", **more: object) -> dict[str, object]:
        """What an inventory says of it."""
        inside = [*self._enter(), f"{find_sshd()}", "-i", "-f", "/run/opsrun/sshd_config"]
        known = self.directory / "known_hosts"
        return {
            "ansible_host": "disposable",
            "ansible_user": user,
            "ansible_ssh_private_key_file": str(self.directory / "key"),
            "ansible_ssh_common_args": (
                f"-F none -o UserKnownHostsFile={known} -o HostKeyAlias=disposable "
                f"-o ProxyCommand={shlex.quote(shlex.join(inside))}"
            ),
            "ansible_python_interpreter": "/usr/bin/python3",
            **more,
        }

    def inventory(
        self, names: Sequence[str] = ("box",), user: str = "root", **variables: object
    ) -> Path:
        """An inventory in which hosts of all these names are this machine."""
        told = {name: self.variables(user, **variables) for name in names}
        number = len(list(self.directory.glob("inventory*.yml")))
        path = self.directory / f"inventory{number}.yml"
        # JSON is YAML, and needs no quoting by hand.
        path.write_text(json.dumps({"all": {"hosts": told}}))
        return path


def _prepare(directory: Path) -> None:
    directory.mkdir(parents=True)
    for name in ("key", "host_key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test"]
        subprocess.run([*words, "-f", str(directory / name)], check=True)
    public = (directory / "host_key.pub").read_text()
    (directory / "known_hosts").write_text(f"disposable {public}")
    (directory / "sshd_config").write_text(_CONFIG)


@contextmanager
def machine(
    directory: Path, prepare: str = "", *args: str, booted: bool = False, seen: bool = True
) -> Iterator[Machine]:
    """A machine, for as long as the block lasts; comes up in well under a second.

    Args:
        directory: of its own, empty or not there yet.
        prepare: a script that is run inside first; ``args`` are its arguments.
        booted: whether its first process is systemd, see `no_systemd`; that takes a second.
        seen: whether what runs the tests is mounted inside, where it is not there by itself.
    """
    keys, base = directory / "keys", directory / "base"
    base.mkdir(parents=True)
    _prepare(keys)
    words = ["unshare", "--mount", "--pid", "--fork", "--net", "--uts", "--kill-child", "--"]
    group = f"disposable-{os.getpid()}-{secrets.token_hex(4)}" if booted else ""
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *words,
                "sh",
                "-c",
                _SETUP,
                "sh",
                str(base),
                str(keys),
                group,
                *(_SEEN if seen else ()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"up\n", (directory / "log").read_text()
        made = Machine(keys, _first_child(process.pid), base / "root")
        if booted:
            made.run("sh", "-c", _BOOTED)
        if prepare:
            made.sh(prepare, *args)
        yield made
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        if booted:
            sweep = ["unshare", "--mount", "sh", "-c", _SWEEP, "sh", group]
            subprocess.run(sweep, check=True, stderr=subprocess.DEVNULL)


def _first_child(pid: int) -> int:
    """The process that `unshare` made; the kernel lists children of each thread."""
    [child] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def environment(**more: str) -> Mapping[str, str]:
    """For the peer's programs: nothing of the operator's settings."""
    return {"ANSIBLE_HOST_KEY_CHECKING": "True", "ANSIBLE_NOCOLOR": "1", **more}
