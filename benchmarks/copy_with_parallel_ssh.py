"""Copies with parallel-ssh: ``python copy_with_parallel_ssh.py TASK``, where it is installed.

Its native client copies over SFTP. It checks no host keys.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gevent import joinall
from pssh.clients import ParallelSSHClient


def main() -> None:
    task = json.loads(Path(sys.argv[1]).read_bytes())
    client = ParallelSSHClient(
        [host["address"] for host in task["hosts"]],
        user=task["user"],
        port=task["hosts"][0]["port"],
        pkey=task["key"],
        pool_size=len(task["hosts"]),
        allow_agent=False,
        identity_auth=False,
    )
    copy = client.copy_file if task["put"] else client.copy_remote_file
    joinall(copy(task["source"], task["target"], recurse=task["tree"]), raise_error=True)


if __name__ == "__main__":
    main()
