"""The floor: paramiko under gevent in a bare loop, as one writes it in ten minutes.

Run as ``python bare.py TASK``; TASK is a JSON file, see `harness.contestants.write_task`. Prints a
JSON object for each host. It checks no host keys, has no deadlines worth the name, and keeps
nothing: what any real tool does beyond that has to be paid for out of the difference.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import paramiko  # noqa: E402
from gevent.pool import Pool  # noqa: E402

PATIENCE = 120
"""Seconds for each wait of paramiko's: a thousand logins at once keep two cores busy for long."""


class Unchecked(paramiko.MissingHostKeyPolicy):
    """Takes any host key."""

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:
        """Nothing."""


def run(task: dict[str, Any], key: paramiko.PKey, host: dict[str, Any]) -> dict[str, Any]:
    """Log in, run the command, read all of it, log out."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(Unchecked)
    try:
        client.connect(
            host["address"],
            host["port"],
            task["user"],
            pkey=key,
            look_for_keys=False,
            allow_agent=False,
            timeout=PATIENCE,
            banner_timeout=PATIENCE,
            auth_timeout=PATIENCE,
        )
        _, stdout, stderr = client.exec_command(task["command"])
        out, err = stdout.read(), stderr.read()
        rc = stdout.channel.recv_exit_status()
        return {"host": host["name"], "rc": rc, "stdout": out.decode(), "stderr": err.decode()}
    except Exception as error:
        return {"host": host["name"], "rc": None, "stdout": "", "stderr": repr(error)}
    finally:
        client.close()


def main() -> None:
    task = json.loads(Path(sys.argv[1]).read_bytes())
    key = paramiko.Ed25519Key.from_private_key_file(task["key"])
    pool = Pool(task["forks"])
    for end in pool.imap_unordered(lambda host: run(task, key, host), task["hosts"]):
        print(json.dumps(end))


if __name__ == "__main__":
    main()
