"""A lab in a process namespace of its own, in which the kernel numbers what is started from one.

Run as ``python -m harness.counted_hosts FOLDER HOSTS``, as the first process of a namespace (see
`counting.py`). Prints what the lab is as a line of JSON; then, for each line on standard input, the
number of the latest process (/proc/sys/kernel/ns_last_pid, proc(5)). Ends with standard input.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from harness.packets import LOG_LEVEL
from opsrun.lab import Lab

_LATEST = Path("/proc/sys/kernel/ns_last_pid")


def main() -> None:
    folder, count = sys.argv[1:]
    with Lab(
        folder, hosts=int(count), server="sshd", shared=False, sshd_options=(LOG_LEVEL,)
    ) as lab:
        hosts = [asdict(host) | {"log": str(lab.log(host.name))} for host in lab.hosts]
        answer = {"hosts": hosts, "user": lab.user, "version": lab.state.version}
        print(json.dumps(answer), flush=True)
        for _ in sys.stdin:
            print(_LATEST.read_text().strip(), flush=True)


if __name__ == "__main__":
    main()
