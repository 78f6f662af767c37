"""OpenSSH's client as the tests' independent witness."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from opsrun.lab import Lab

QUICK = (
    "-o",
    "KexAlgorithms=curve25519-sha256,curve25519-sha256@libssh.org",
    "-o",
    "BatchMode=yes",
    "-o",
    "LogLevel=ERROR",
)
"""Its default key exchange costs seven times the CPU time of all the rest."""


def ssh_command(lab: Lab, host: str, *command: str, options: Sequence[str] = ()) -> list[str]:
    """Words that run ``command`` on ``host`` of ``lab``; ``options`` win over ours."""
    return ["ssh", "-F", str(lab.ssh_config), *options, *QUICK, host, *command]


def ssh(
    lab: Lab, host: str, *command: str, stdin: bytes = b"", options: Sequence[str] = ()
) -> subprocess.CompletedProcess[bytes]:
    """Run ``command`` and wait for its end."""
    words = ssh_command(lab, host, *command, options=options)
    return subprocess.run(words, input=stdin, capture_output=True, check=False)
