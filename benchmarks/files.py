"""``opsrun put`` and ``get`` beside other tools, on real SSH servers on loopback.

Copies a large file and a tree of small ones to one host and to twenty, and back, with every
contestant in turn (A B C, A B C, …), compares what arrived byte by byte, and writes medians and
ratios to ``benchmarks/results/files.md``. A still larger file shows whether memory stays flat.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from copying import page
from copying.contestants import CONTESTANTS, Contestant
from copying.plan import MB, Scenario, Sizes, plan
from copying.session import Session
from harness import machine
from harness.command import command_line, numbers
from harness.environments import Peers
from harness.plan import Clock
from harness.session import say

_HERE = Path(__file__).resolve().parent
_FULL_SECONDS, _QUICK_SECONDS = 24 * 60.0, 95.0
_FULL_LONGEST, _QUICK_LONGEST = 180, 10
_IN_MEMORY = "/dev/shm"

_FULL = Sizes(1000 * MB, 200 * MB, 4000 * MB, 5000)
_QUICK = Sizes(100 * MB, 10 * MB, 400 * MB, 500)
_QUICK_MANY = 5


def main() -> int:
    options = parse(sys.argv[1:])
    work = plan(options.hosts, options.sizes, options.reps)
    above = options.folder or roomy(work)
    folder = Path(tempfile.mkdtemp(prefix="opsrun-files-", dir=above))
    session = Session(
        chosen(options.only),
        Peers(_HERE.parent / ".bench", options.peers_python),
        Clock(0),
        folder,
        _QUICK_LONGEST if options.quick else _FULL_LONGEST,
    )
    try:
        session.prepare()
        # Installing peers is not part of the time.
        session.clock = Clock(options.minutes * 60)
        session.run(work)
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    place = "file system in memory" if str(above) == _IN_MEMORY else "file system"
    words = command_line("files.py", sys.argv[1:], ("--peers-python", "--results", "--folder"))
    text = page.render(session, datetime.date.today(), words, place)
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(text)
    print(text)
    ours = [row for row in session.rows if row.name == "opsrun"]
    return 1 if any(len(row.good) < len(row.runs) for row in ours) else 0


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog=f"Contestants: {', '.join(each.name for each in CONTESTANTS)}.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="small files, one round: under two minutes")
    add("--only", metavar="A,B", help="these contestants")
    add("--hosts", type=numbers, metavar="N,M", help="numbers of hosts; else 1,20, or 1,5 if quick")
    add("--reps", type=int, metavar="N", help="rounds for one host; one less for several")
    add("--big", type=int, metavar="MB", help="size of the file for one host")
    add("--big-for-many", type=int, metavar="MB", help="size of the file for several hosts")
    add("--huge", type=int, metavar="MB", help="size of the file that shows memory; 0 for none")
    add("--files", type=int, metavar="N", help="files in the tree")
    add("--minutes", type=float, metavar="N", help="start nothing that would end later than this")
    add(
        "--folder",
        type=Path,
        metavar="DIR",
        help=f"where all that is copied lies; else {_IN_MEMORY} if there is room",
    )
    add(
        "--peers-python",
        type=Path,
        metavar="PATH",
        help="a Python that has all peers installed; else each gets an environment in .bench/",
    )
    add("--results", type=Path, default=_HERE / "results" / "files.md", metavar="FILE")
    options = parser.parse_args(words)
    usual = _QUICK if options.quick else _FULL
    options.sizes = Sizes(
        usual.big if options.big is None else options.big * MB,
        usual.big_for_many if options.big_for_many is None else options.big_for_many * MB,
        usual.huge if options.huge is None else options.huge * MB,
        usual.files if options.files is None else options.files,
    )
    options.hosts = options.hosts or [1, _QUICK_MANY if options.quick else 20]
    options.reps = options.reps or (1 if options.quick else 3)
    seconds = _QUICK_SECONDS if options.quick else _FULL_SECONDS
    options.minutes = options.minutes or seconds / 60
    return options


def chosen(only: str | None) -> list[Contestant]:
    """The contestants that take part."""
    if only is None:
        return list(CONTESTANTS)
    names = only.split(",")
    known = [each.name for each in CONTESTANTS]
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"files.py: no contestant {unknown[0]!r}; there are {', '.join(known)}")
    return [each for each in CONTESTANTS if each.name in names]


def roomy(work: Sequence[Scenario]) -> Path:
    """Memory where it holds all of it twice over, so that no disk is measured; else a disk."""
    files = [each for each in work if each.what != "tree"]
    most = max(each.amount * (each.hosts + 1) for each in files)
    memory = Path(_IN_MEMORY)
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if memory.is_dir() and min(free, shutil.disk_usage(memory).free) > 2 * most:
        return memory
    return Path(tempfile.gettempdir())


if __name__ == "__main__":
    say(machine.describe())
    sys.exit(main())
