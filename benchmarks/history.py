"""How long ``opsrun history`` takes over a journal of many runs; whole processes.

python -m benchmarks.history [RUNS]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from opsrun.journal.opening import to_write

HOSTS = 20
QUESTIONS = (
    ("list",),
    ("list", "-n", "0"),
    ("list", "--failed"),
    ("list", "--host", "web03", "--grep", "restart"),
    ("list", "--json", "-n", "0"),
    ("show", "last"),
    ("show", "last~5000"),
    ("show", "last", "--failed"),
    ("stats",),
    ("diff", "last~7", "last"),
)


def make(path: Path, runs: int) -> None:
    """A journal of so many runs of a command on `HOSTS` hosts."""
    connection = to_write(path)
    hosts = [f"web{number:02}" for number in range(1, HOSTS + 1)]
    now = time.time()
    connection.execute("BEGIN")
    for number in range(1, runs + 1):
        id, started = f"{number * 2654435761 % 2**48:012x}", now - (runs - number) * 60
        command = f"systemctl restart app{number % 7}"
        counts = {"ok": HOSTS - 1, "failed": 1} if number % 5 == 0 else {"ok": HOSTS}
        argv = ["exec", "--hosts", "web", "--", *command.split()]
        connection.execute(
            "INSERT INTO runs VALUES (?, ?, 'exec', ?, ?, ?, ?, 2.5, ?, 0, ?, 'root', 'control', "
            "'/srv', ?, 'none', '1', NULL, '{}')",
            (
                *(number, id, command, json.dumps(hosts), started, started + 2.5),
                *(int(number % 5 == 0), json.dumps(counts), json.dumps(argv)),
            ),
        )
        _events(connection, number, id, command, hosts, started)
    connection.execute("COMMIT")
    connection.close()


def _events(connection, number, id, command, hosts, started) -> None:  # type: ignore[no-untyped-def]
    add = "INSERT INTO events VALUES (?, ?, ?, ?, NULL, ?, ?, ?)"
    first = {"run": id, "action": "exec", "command": command, "hosts": hosts, "started": started}
    connection.execute(add, (number, 1, "run", None, None, None, json.dumps(first)))
    for seq, host in enumerate(hosts, 2):
        outcome = "failed" if number % 5 == 0 and seq == 4 else "ok"
        body = {
            "host": host,
            "work": {"host": host, "path": ["exec"], "digest": "a1b2c3d4e5f6"},
            "outcome": outcome,
            "rc": int(outcome != "ok"),
            "signal": None,
            "stdout": {"$opsrun.bytes": "cmVzdGFydGVkCg=="},
            "stderr": {"$opsrun.bytes": ""},
            "truncated": False,
            "started": started,
            "duration": 0.1 * seq,
            "error": None,
            "attempts": 1,
            "data": {},
        }
        row = (number, seq, "result", host, outcome, 0.1 * seq, json.dumps(body))
        connection.execute(add, row)


def main() -> None:
    """Make one, and time each question: the best of five."""
    runs = int(sys.argv[1]) if sys.argv[1:] else 10_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal.sqlite")
        make(path, runs)
        print(f"{runs} runs, {path.stat().st_size / 1e6:.0f} MB")
        for words in QUESTIONS:
            times = []
            for _ in range(5):
                before = time.perf_counter()
                call = (sys.executable, "-m", "opsrun", "history", *words, "--journal", str(path))
                ended = subprocess.run(call, capture_output=True, check=False)
                times.append(time.perf_counter() - before)
            print(f"{min(times) * 1000:7.0f} ms  {ended.returncode}  history {' '.join(words)}")


if __name__ == "__main__":
    main()
