"""All checks and tests, several processes at a time: ``python tests/tools/together.py``.

Tests wait more than they compute, for servers, for programs and for limits to pass, so three times
as many processes run as there are processors. Each is a pytest of its own with some of the files,
and shares nothing with the others but the machine: a test may claim nothing that there is once on
it, be it a port, a user or a path. The contracts are held twice: on threads, and on greenlets in a
process that gevent has patched; but for those that no engine has a part in, see `ONCE`.

How long each file took is in seconds.tsv, which ``--record`` writes anew: the parts are of about
equal length, and the longest begin first. A file that is not there is taken for a middling one.

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

TOP = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
GEVENT = (sys.executable, "tests/tools/pytest_gevent.py")
HANGS = ("-o", "faulthandler_timeout=600", "-o", "faulthandler_exit_on_timeout=true")
"""A test that takes ten minutes never ends: it is shown where it stands, and its part ends."""
SELECTION = ("-q", "-m", "not soak", *HANGS)
MOST = 8
"""Processes at a time, however many processors there are: each may have fifty servers."""
PART = 600.0
"""Seconds of a part, about, of those that were recorded while several parts ran at a time. Each
is a pytest with fifty servers and two processes that commands are forked from: ten seconds of a
processor before its first test."""
ONCE: Mapping[str, str] = {
    "test_confirming.py": "what is asked before the first connection, and to whom",
    "test_copy_surprises.py": "names, users and files that a copy meets",
    "test_looped_blocks.py": "the order of tasks, made before any of them runs",
    "test_lying_hosts.py": "what is believed of an answer",
    "test_pending_handlers.py": "what is written down of handlers, and read again",
    "test_playbook_bad_input.py": "what is refused, and in which words",
    "test_playbook_gathering.py": "which plays gather facts",
    "test_playbook_secrets.py": "what events may contain",
    "test_sink_contract.py": "what is made of a stream of events, by one caller",
    "test_weak_servers.py": "which algorithms are refused",
}
"""Contracts that are held on greenlets alone, which the command line has, and what each is about:
nothing in them waits for another task, is given up or shares anything. `make soak` holds them on
both engines."""
SECONDS = Path(__file__).with_name("seconds.tsv")
"""Test file, and the seconds that it took."""


@dataclass(frozen=True, slots=True)
class Job:
    """One program to run at the top of the tree."""

    name: str
    argv: tuple[str, ...]
    expected: float = 0.0
    """Seconds that it will take, as far as is known."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a job ended."""

    job: Job
    status: int
    output: bytes
    seconds: float
    took: Mapping[str, float] = field(default_factory=dict)
    """Seconds of each test file."""

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


@cache
def measured() -> Mapping[str, float]:
    """The seconds of each test file that were recorded."""
    rows = (line.split("\t") for line in SECONDS.read_text().splitlines())
    return {name: float(seconds) for name, seconds in rows}


def expected(name: str, known: Mapping[str, float]) -> float:
    """How long a file will take; one that was never measured takes as long as half the others."""
    return known.get(name) or median([*known.values(), 1.0])


def parts(names: Sequence[str], known: Mapping[str, float], most: float) -> list[list[str]]:
    """As few parts as take about ``most`` seconds each: what takes longest goes first, and goes
    to the part that has the least."""
    count = max(1, min(len(names), round(sum(expected(name, known) for name in names) / most)))
    made: list[list[str]] = [[] for _ in range(count)]
    took = [0.0] * count
    for name in sorted(names, key=lambda name: -expected(name, known)):
        least = took.index(min(took))
        made[least].append(name)
        took[least] += expected(name, known)
    return made


def jobs_of(name: str, command: Sequence[str], names: Sequence[str]) -> list[Job]:
    """The jobs that run a set of test files with a command."""
    chunks = parts(names, measured(), PART)
    return [
        Job(
            f"{name} {number}/{len(chunks)}",
            (*command, *SELECTION, *chunk),
            sum(expected(each, measured()) for each in chunk),
        )
        for number, chunk in enumerate(chunks, 1)
    ]


def lint() -> list[Job]:
    """What reads the code and runs none of it."""
    checks = {"ruff check": 1, "ruff format --check": 1, "mypy --strict": 60, "lint-imports": 2}
    return [
        Job(check, (str(BIN / check.split()[0]), *check.split()[1:]), seconds)
        for check, seconds in checks.items()
    ]


def everything() -> list[Job]:
    """All checks and tests, the longest first."""
    contracts = files("contract")
    twice = [name for name in contracts if Path(name).name not in ONCE]
    jobs = [
        *jobs_of("integration", PYTEST, files("integration")),
        *jobs_of("conformance", PYTEST, files("conformance")),
        *jobs_of("contracts on greenlets", GEVENT, contracts),
        *jobs_of("contracts on threads", PYTEST, twice),
        *jobs_of("unit", PYTEST, files("unit")),
        *lint(),
    ]
    return sorted(jobs, key=lambda job: -job.expected)


def environment(scratch: Path) -> dict[str, str]:
    """For a job: ours, and a place of its own for what its tests write.

    pytest's own place has what former runs left, and each run begins by removing some of it. And
    what Python compiles is kept whatever we are told: hundreds of interpreters are started, and
    each would compile all of opsrun anew.
    """
    words = (
        os.environ.get("PYTEST_ADDOPTS", ""),
        f"--basetemp={scratch / 't'}",
        "-o junit_family=xunit1",
        f"--junitxml={scratch / 'x'}",
    )
    own = {"PYTEST_ADDOPTS": " ".join(words)}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | own


async def run(job: Job) -> Done:
    """Run it to its end; when we are given up, so is it, with time to tidy up."""
    began = time.monotonic()
    # A file, not a pipe: a server that a test forgot would hold a pipe open.
    with (
        tempfile.TemporaryFile() as output,
        tempfile.TemporaryDirectory(prefix="opsrun-", ignore_cleanup_errors=True) as scratch,
    ):
        process = await asyncio.create_subprocess_exec(
            *job.argv,
            cwd=TOP,
            env=environment(Path(scratch)),
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
        seconds = time.monotonic() - began
        return Done(job, status, output.read(), seconds, told(Path(scratch) / "x"))


def told(report: Path) -> dict[str, float]:
    """Seconds of each test file, by pytest's own report; nothing of what is no pytest."""
    took: dict[str, float] = {}
    if report.exists():
        for case in ElementTree.parse(report).iter("testcase"):
            name = case.attrib["file"]
            took[name] = took.get(name, 0.0) + float(case.attrib["time"])
    return took


def record(done: Iterable[Done]) -> None:
    """Write seconds.tsv: for each file that is still there the longest that it took."""
    longest = {name: seconds for name, seconds in measured().items() if (TOP / name).exists()}
    now: dict[str, float] = {}
    for name, seconds in chain.from_iterable(each.took.items() for each in done):
        now[name] = max(now.get(name, 0.0), seconds)
    rows = sorted((longest | now).items())
    SECONDS.write_text("".join(f"{name}\t{seconds:.1f}\n" for name, seconds in rows))


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
    usual = min(MOST, 3 * len(os.sched_getaffinity(0)))
    parser.add_argument("-j", "--jobs", type=int, default=usual, help="processes at a time")
    parser.add_argument("--record", action="store_true", help="write seconds.tsv anew")
    options = parser.parse_args()
    if options.jobs < 1:
        parser.error(f"--jobs takes a number from 1 on, not {options.jobs}")
    try:
        done = asyncio.run(interruptible(everything(), options.jobs))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    if options.record:
        record(done)
    print("\n" + "\n".join(each.summary for each in sorted(done, key=lambda each: each.well)))
    return 0 if all(each.well for each in done) else 1


if __name__ == "__main__":
    sys.exit(main())
