"""The same work with parallel-ssh: ``python with_parallel_ssh.py TASK``, where it is installed.

It checks no host keys. Its pool bounds how many logins are under way, not how many connections
are open: all hosts stay connected until the last one has started.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pssh.clients import ParallelSSHClient


def main() -> None:
    task = json.loads(Path(sys.argv[1]).read_bytes())
    names = {host["address"]: host["name"] for host in task["hosts"]}
    client = ParallelSSHClient(
        list(names),
        user=task["user"],
        port=task["hosts"][0]["port"],
        pkey=task["key"],
        pool_size=task["forks"],
        allow_agent=False,
        identity_auth=False,
    )
    ended = client.run_command(task["command"], stop_on_errors=False)
    client.join(ended)
    for host in ended:
        print(json.dumps(_end(host, names)))


def _end(host: Any, names: dict[str, str]) -> dict[str, Any]:
    if host.exception is not None:
        error = repr(host.exception)
        return {"host": names.get(host.host, ""), "rc": None, "stdout": "", "stderr": error}
    stdout, stderr = ("".join(f"{line}\n" for line in part) for part in (host.stdout, host.stderr))
    return {"host": names[host.host], "rc": host.exit_code, "stdout": stdout, "stderr": stderr}


if __name__ == "__main__":
    main()
