"""Programs of opsrun that have been loaded, and begin a run at once: by a fork of theirs.

To start Python and to load opsrun takes most of what a small playbook takes. Here a process does it
once and forks for every run; the run then has its own working directory, environment, descriptors
and end, as a program of its own would have. Nothing has been run in the process that forks.
"""

from __future__ import annotations

import json
import os
import queue
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True, slots=True)
class Wish:
    """A run of ``opsrun``."""

    words: tuple[str, ...]
    cwd: str
    environment: Mapping[str, str]
    stdout: str
    stderr: str


class Kept:
    """One process that forks; one run at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._wishes, self._answers = self._process.stdin, self._process.stdout

    def run(self, wish: Wish, limit: float) -> int:
        """The exit status, negative for a signal. AssertionError after ``limit`` seconds."""
        self._wishes.write(json.dumps(asdict(wish)).encode() + b"\n")
        self._wishes.flush()
        if not select.select([self._answers], [], [], limit)[0]:
            # With the run that hangs: it is in the same group.
            os.killpg(self._process.pid, signal.SIGKILL)
        line = self._answers.readline()
        assert line, f"opsrun {' '.join(wish.words)} has not ended after {limit:.0f} s"
        return int(line)

    def close(self) -> None:
        """End it."""
        self._wishes.close()
        self._process.wait()
        self._answers.close()


class Programs:
    """As many of them as runs go on at a time; each begins when it is needed first."""

    def __init__(self) -> None:
        self._idle: queue.SimpleQueue[Kept] = queue.SimpleQueue()
        self._every: list[Kept] = []

    def run(self, wish: Wish, limit: float) -> int:
        """See `Kept.run`."""
        kept = self._one()
        status = kept.run(wish, limit)
        self._idle.put(kept)
        return status

    def _one(self) -> Kept:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            self._every.append(Kept())
            return self._every[-1]

    def close(self) -> None:
        """End them all."""
        for kept in self._every:
            kept.close()


@contextmanager
def programs() -> Iterator[Programs]:
    """`Programs`, until the block ends."""
    made = Programs()
    try:
        yield made
    finally:
        made.close()


def _load() -> None:
    """What runs of playbooks import, but nothing of gevent's."""
    import opsrun.api
    import opsrun.cli.execution
    import opsrun.cli.playbook
    import opsrun.composition.playbooks
    import opsrun.playbook.extra_vars
    import opsrun.playbook.templating.filters
    import opsrun.playbook.templating.lookups
    import opsrun.playbook.templating.tests
    import opsrun.sinks.jsonl
    import opsrun.transports.pipe  # noqa: F401


def _become(wish: Mapping[str, Any]) -> None:
    os.chdir(wish["cwd"])
    os.environ.clear()
    os.environ.update(wish["environment"])
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        opened = os.open(wish[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = ["opsrun", *wish["words"]]


def _serve(wishes: IO[bytes], answers: IO[bytes]) -> list[str] | None:
    """The words of a run in the process that is to do it; None when no more are wanted."""
    for line in iter(wishes.readline, b""):
        pid = os.fork()
        if pid == 0:
            wishes.close()
            answers.close()
            wish = json.loads(line)
            _become(wish)
            return list(wish["words"])
        _, status = os.waitpid(pid, 0)
        answers.write(b"%d\n" % os.waitstatus_to_exitcode(status))
        answers.flush()
    return None


def _main() -> None:
    wishes, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    _load()
    words = _serve(wishes, answers)
    if words is not None:
        from opsrun.cli.main import entry_point

        entry_point(words)


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))
    _main()
