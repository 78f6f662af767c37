"""Hosts on other addresses of loopback, for targets that name them: one real sshd behind all.

Their inventories say neither port nor user, so this takes port 22 of addresses that nobody else
has, and to be root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ADDRESSES = ("127.0.0.3", "127.0.0.4", "127.0.0.254")
_CONFIG = """\
{listen}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
MaxStartups 100
AcceptEnv LC_*
"""


def possible() -> bool:
    """Whether there can be such hosts here."""
    if os.getuid() != 0 or shutil.which("sshd") is None:
        return False
    try:
        for address in ADDRESSES:
            with socket.socket() as tried:
                tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind((address, 22))
    except OSError:
        return False
    return True


@contextmanager
def loopback_hosts(folder: Path, home: Path) -> Iterator[None]:
    """Have them as long as the context lasts.

    Args:
        folder: an empty one, for keys and configuration.
        home: of who logs in; gets the key.

    Raises:
        OSError, subprocess.CalledProcessError: they can't be had.
    """
    for name in ("host_key", "user_key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True)
    (home / ".ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(folder / "user_key", home / ".ssh" / "id_ed25519")
    listen = "\n".join(f"ListenAddress {address}:22" for address in ADDRESSES)
    (folder / "sshd_config").write_text(_CONFIG.format(listen=listen, folder=folder))
    Path("/run/sshd").mkdir(exist_ok=True)
    program = shutil.which("sshd") or "sshd"
    words = [program, "-D", "-f", str(folder / "sshd_config")]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(server)
            yield
        finally:
            server.terminate()


def _wait_for(server: subprocess.Popen[bytes]) -> None:
    """Until the last address takes connections. OSError, where the server has ended."""
    while server.poll() is None:
        with suppress(OSError), socket.create_connection((ADDRESSES[-1], 22), 1):
            return
        time.sleep(0.05)
    raise OSError(f"sshd ended with status {server.returncode}")
