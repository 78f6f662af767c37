"""The same work with asyncssh: ``python with_asyncssh.py TASK``, in an environment that has it.

Known hosts are read once for all connections; given a path, asyncssh would read the file anew for
each of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import asyncssh

PATIENCE = 120


async def run(task: dict[str, Any], known: Any, host: dict[str, Any]) -> dict[str, Any]:
    """Log in, run the command, read all of it, log out."""
    try:
        async with asyncssh.connect(
            host["address"],
            host["port"],
            username=task["user"],
            client_keys=[task["loaded"]],
            known_hosts=known,
            config=None,
            agent_path=None,
            connect_timeout=PATIENCE,
            login_timeout=PATIENCE,
        ) as connection:
            done = await connection.run(task["command"], stdin=asyncssh.DEVNULL)
    except Exception as error:
        return {"host": host["name"], "rc": None, "stdout": "", "stderr": repr(error)}
    rc = done.exit_status
    return {"host": host["name"], "rc": rc, "stdout": done.stdout, "stderr": done.stderr}


async def main() -> None:
    task = json.loads(Path(sys.argv[1]).read_bytes())
    task["loaded"] = asyncssh.read_private_key(task["key"])
    known = asyncssh.read_known_hosts(task["known_hosts"])
    places = asyncio.Semaphore(task["forks"])

    async def bounded(host: dict[str, Any]) -> None:
        async with places:
            print(json.dumps(await run(task, known, host)))

    await asyncio.gather(*map(bounded, task["hosts"]))


if __name__ == "__main__":
    asyncio.run(main())
