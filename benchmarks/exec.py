"""``opsrun exec`` beside other tools, on real SSH servers on loopback.

Starts labs of 100 and 1,000 hosts, runs the same commands on them with every contestant in turn
(A B C, A B C, …), verifies what each of them says about each host, and writes medians to
``benchmarks/results/exec.md``. The servers share the machine's processors with the client, and a
login costs the server several times what it costs a good client: walls on loopback are mostly the
servers' time, and the client's processor time a host is the figure to look at.
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness import machine, plan, report
from harness.command import command_line, numbers
from harness.contestants import CONTESTANTS, FLOOR, Contestant
from harness.environments import Peers
from harness.session import Session, say

_HERE = Path(__file__).resolve().parent
_FULL_SECONDS, _QUICK_SECONDS = 24 * 60.0, 170.0


def main() -> int:
    options = parse(sys.argv[1:])
    folder = Path(tempfile.mkdtemp(prefix="opsrun-bench-"))
    seconds = options.minutes * 60 if options.minutes else None
    seconds = seconds or (_QUICK_SECONDS if options.quick else _FULL_SECONDS)
    session = Session(
        chosen(options.only),
        Peers(_HERE.parent / ".bench", options.peers_python),
        plan.Clock(0),
        folder,
        start_reps=5 if options.quick else 12,
    )
    try:
        session.prepare()
        # Installing peers is not part of the time.
        session.clock = plan.Clock(seconds)
        make = plan.quick if options.quick else plan.full
        session.run(make(options.hosts, options.reps))
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    words = command_line("exec.py", sys.argv[1:], ("--peers-python", "--results"))
    text = report.render(session, datetime.date.today(), words)
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text(text)
    print(text)
    return 1 if any(row.failed for row in session.rows if row.name.startswith("opsrun")) else 0


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog=f"Contestants: {', '.join(each.name for each in CONTESTANTS)}.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="100 hosts and few runs: under three minutes")
    add("--only", metavar="A,B", help="these contestants, and the floor")
    add("--hosts", type=numbers, metavar="N,M", help="numbers of hosts")
    add("--reps", type=int, metavar="N", help="runs of each; slow contestants have one")
    add("--minutes", type=float, metavar="N", help="start nothing that would end later than this")
    add(
        "--peers-python",
        type=Path,
        metavar="PATH",
        help="a Python that has all peers installed; else each gets an environment in .bench/",
    )
    add("--results", type=Path, default=_HERE / "results" / "exec.md", metavar="FILE")
    options = parser.parse_args(words)
    options.hosts = options.hosts or ([100] if options.quick else [100, 1000])
    options.reps = options.reps or (2 if options.quick else 3)
    return options


def chosen(only: str | None) -> list[Contestant]:
    """The contestants that take part; the floor always does."""
    if only is None:
        return list(CONTESTANTS)
    names = only.split(",")
    known = [each.name for each in CONTESTANTS]
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"exec.py: no contestant {unknown[0]!r}; there are {', '.join(known)}")
    return [each for each in CONTESTANTS if each.name in (*names, FLOOR)]


if __name__ == "__main__":
    say(machine.describe())
    sys.exit(main())
