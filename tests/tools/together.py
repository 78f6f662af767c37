"""All checks and tests, several processes at a time: ``python tests/tools/together.py``.

Tests wait more than they compute, for servers, for programs and for limits to pass, so twice as
many processes run as there are processors. Each is a pytest of its own with some of the files,
and shares nothing with the others but the machine: a test may claim nothing that there is once on
it, be it a port, a user or a path. The contracts are held twice: on threads, and on greenlets in a
process that gevent has patched.

What a job prints is shown whole when it ends. All jobs are done whatever the others say; the exit
status is 0 if all of them were well, and 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
GEVENT = (sys.executable, "tests/tools/pytest_gevent.py")
SELECTION = ("-q", "-m", "not soak")
MOST = 8
"""Processes at a time, however many processors there are: each may have fifty servers."""


@dataclass(frozen=True, slots=True)
class Job:
    """One program to run at the top of the tree."""

    name: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """How a job ended."""

    job: Job
    status: int
    output: bytes
    seconds: float

    @property
    def well(self) -> bool:
        return self.status == 0

    @property
    def summary(self) -> str:
        """One line: what it was, how it ended, what it said last."""
        last = self.output.decode(errors="replace").strip().rpartition("\n")[2]
        word = "ok" if self.well else f"FAILED ({self.status})"
        return f"{word:12} {self.seconds:6.1f} s  {self.job.name}: {last}"


def files(folder: str, top: Path = TOP) -> list[str]:
    """All test files of a folder, at any depth, relative to the tree, sorted."""
    found = (top / "tests" / folder).rglob("test_*.py")
    return sorted(str(path.relative_to(top)) for path in found)


def parts(names: Sequence[str], size: int) -> list[list[str]]:
    """As few parts as hold about ``size`` names each; neighbours, often alike, are kept apart."""
    count = -(-len(names) // size)
    return [list(names[first::count]) for first in range(count)]


def jobs_of(name: str, command: Sequence[str], names: Sequence[str], size: int) -> list[Job]:
    """The jobs that run a set of test files with a command."""
    chunks = parts(names, size)
    return [
        Job(f"{name} {number}/{len(chunks)}", (*command, *SELECTION, *chunk))
        for number, chunk in enumerate(chunks, 1)
    ]


def lint() -> list[Job]:
    """What reads the code and runs none of it."""
    checks = ("ruff check", "ruff format --check", "mypy --strict", "lint-imports")
    return [Job(check, (str(BIN / check.split()[0]), *check.split()[1:])) for check in checks]


def everything() -> list[Job]:
    """All checks and tests; kinds take turns, as some wait and some compute."""
    contracts = files("contract")
    kinds = (
        jobs_of("integration", PYTEST, files("integration"), 4),
        jobs_of("conformance", PYTEST, files("conformance"), 1),
        jobs_of("contracts on greenlets", GEVENT, contracts, 7),
        jobs_of("contracts on threads", PYTEST, contracts, 7),
        jobs_of("unit", PYTEST, files("unit"), 20),
        lint(),
    )
    return [job for job in chain.from_iterable(zip_longest(*kinds)) if job is not None]


async def run(job: Job) -> Done:
    """Run it to its end; when we are given up, so is it, with time to tidy up."""
    began = time.monotonic()
    # A file, not a pipe: a server that a test forgot would hold a pipe open.
    with tempfile.TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(
            *job.argv,
            cwd=TOP,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            # A terminal's interrupt comes from us alone: a second one would break pytest's tidying.
            start_new_session=True,
        )
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            process.send_signal(signal.SIGINT)
            await process.wait()
            raise
        output.seek(0)
        return Done(job, status, output.read(), time.monotonic() - began)


async def run_all(jobs: Iterable[Job], at_once: int) -> list[Done]:
    """Run jobs, so many at a time, and show each as it ends."""
    places = asyncio.Semaphore(at_once)

    async def in_turn(job: Job) -> Done:
        async with places:
            return await run(job)

    done = []
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(in_turn(job)) for job in jobs]
        for ended in asyncio.as_completed(tasks):
            done.append(await ended)
            show(done[-1])
    return done


def show(done: Done) -> None:
    """Print all that a job said, under the command that it was."""
    print(f"\n$ {shlex.join(done.job.argv)}", flush=True)
    sys.stdout.buffer.write(done.output)
    print(done.summary, flush=True)


async def interruptible(jobs: Iterable[Job], at_once: int) -> list[Done]:
    """`run_all`, given up at the signals that end programs."""
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, me.cancel)
    return await run_all(jobs, at_once)


def main() -> int:
    """Run all that there is; the exit status."""
    parser = argparse.ArgumentParser(description="Run all checks and tests.")
    usual = min(MOST, 2 * len(os.sched_getaffinity(0)))
    parser.add_argument("-j", "--jobs", type=int, default=usual, help="processes at a time")
    options = parser.parse_args()
    if options.jobs < 1:
        parser.error(f"--jobs takes a number from 1 on, not {options.jobs}")
    try:
        done = asyncio.run(interruptible(everything(), options.jobs))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    print("\n" + "\n".join(each.summary for each in sorted(done, key=lambda each: each.well)))
    return 0 if all(each.well for each in done) else 1


if __name__ == "__main__":
    sys.exit(main())
