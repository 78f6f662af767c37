"""A host that can be rebooted: sshd as the first process of namespaces with a boot id of their own.

``kill -TERM 1`` there is its reboot: sshd ends, and with it the kernel ends all that runs in its
namespace and shuts all their connections, as when a machine goes down. It is started again, with
another boot id, as soon as the power is on.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from opsrun.lab import Lab
from opsrun.lab.launch import SEARCH_PATH
from opsrun.lab.openssh import find_sshd

_HERE = '[ "$(cat /proc/1/comm)" = sshd ] || exit 99'
"""Wherever else it might get to, nothing is ended."""

REBOOT = f"{_HERE}; kill -TERM 1"

HANG_UP = (
    f"{_HERE}; cd /proc; for p in [0-9]*; do "
    'case "$p $(cat "$p/comm")" in "1 "*) ;; *" sshd"*) kill -KILL "$p";; esac; done'
)
"""Ends all connections; the host stays up, and so does its server."""

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_NAMESPACES = ("--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL")

_MACHINE = f"""\
number=1
while :; do
  printf '00000000-0000-4000-8000-%012d\\n' "$number" >"$1/boot_id"
  unshare {" ".join(_NAMESPACES)} /bin/sh -c \\
    'mount --bind "$0/boot_id" {_BOOT_ID} && exec "$1" -D -e -f "$2"' "$1" "$2" "$3" 2>>"$1/log"
  number=$((number + 1))
  while ! [ -e "$1/power" ]; do read -r _ <"$1/switch"; done
done
"""


def obstacle() -> str | None:
    """Why there can be no such host here; None when nothing is in the way."""
    if os.geteuid() != 0:
        return "namespaces with a boot id of their own need root"
    unshare = shutil.which("unshare", path=SEARCH_PATH)
    if unshare is None:
        return "there is no unshare(1)"
    bind = f'f=$(mktemp) && mount --bind "$f" {_BOOT_ID}; status=$?; rm -f "$f"; exit $status'
    done = subprocess.run(
        [unshare, *_NAMESPACES, "/bin/sh", "-c", bind],
        env={"PATH": SEARCH_PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else f"no namespaces: {done.stderr.strip()}"


def boot_id(number: int) -> str:
    """What it shows after its ``number``-th start."""
    return f"00000000-0000-4000-8000-{number:012}"


class Machine:
    """Takes the place of the one host of a lab.

    Args:
        lab: up; its server is ended, and another one serves the same address.
        folder: for what the machine has of its own.
    """

    def __init__(self, lab: Lab, folder: Path) -> None:
        [host] = lab.hosts
        process = lab.state.process_of(host.name)
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)
        self._folder = folder
        self._switch = folder / "switch"
        self._power = folder / "power"
        os.mkfifo(self._switch)
        self._power.touch()
        sshd = find_sshd()
        assert sshd is not None
        config = lab.directory / "servers" / f"{host.name}.conf"
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _MACHINE, "machine", folder, sshd, config],
            env={"PATH": SEARCH_PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def power(self, on: bool) -> None:
        """Whether it starts again once it has gone down; it does, if nobody says otherwise."""
        if not on:
            self._power.unlink()
            return
        self._power.touch()
        # Waits until the machine is down, and reads.
        self._switch.write_text("on\n")

    def close(self) -> None:
        """End it with all that runs on it."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
