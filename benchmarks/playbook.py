"""One playbook of 21 tasks on many hosts: opsrun beside Ansible, Mitogen, pyinfra and a bare login.

Every program carries the same work out, first on new trees, then on converged ones, over links with
so many milliseconds of round trip (`harness/relay.py`). They take turns, each has its own trees and
no connection of an earlier run's; what a run says and what it left on the hosts is verified. Exit
status 1 if a run went wrong.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import fmean

from harness import machine, tour
from harness.behind import Files, Hosts
from harness.command import command_line, numbers
from harness.delayed import Delayed
from harness.environments import NoPeer, Peers, version_of
from harness.measure import clean_environment, measure
from harness.played import Figures, Played, Setting, tables, targets
from harness.players import FLOOR, OURS, PLAYERS, Job, Player
from harness.server import Server
from harness.session import say
from harness.where import where_it_goes

from opsrun.lab import Lab

HERE = Path(__file__).resolve().parent
_LONGEST = 1800
"""Seconds after which a run is ended and counts as failed."""


@dataclass(slots=True)
class Session:
    """Runs on one lab after the other."""

    folder: Path
    pythons: dict[str, Path]
    players: Sequence[Player]
    reps: int
    slow_reps: int
    played: Played = field(default_factory=Played)
    server: str = ""
    _count: int = 0

    def on(self, lab: Lab, rtts: Sequence[int]) -> None:
        """All runs on one lab."""
        self.server = lab.state.version
        server = Server(lab)
        for rtt in rtts:
            with link(lab, self.folder / f"link{len(lab.hosts)}-{rtt}", rtt) as (hosts, passed):
                for turn in range(self.reps):
                    for player in self.players:
                        if turn < (self.slow_reps if player.slow else self.reps):
                            self._both(player, hosts, passed, rtt, server)

    def _both(
        self, player: Player, hosts: Hosts, passed: Callable[[], Passing], rtt: int, server: Server
    ) -> None:
        self._count += 1
        root = self.folder / f"trees{self._count}"
        root.mkdir()
        for new in (True, False) if player.name != FLOOR else (False,):
            server.settle()
            setting = Setting(len(hosts.hosts), rtt, new)
            folder = self.folder / f"run{self._count}{'n' if new else 'c'}"
            folder.mkdir()
            job = Job(hosts, root, folder, self.pythons[player.name], new)
            self._once(player, job, setting, passed)
        shutil.rmtree(root)

    def _once(
        self, player: Player, job: Job, setting: Setting, passed: Callable[[], Passing]
    ) -> None:
        env = clean_environment(job.folder) | dict(player.env(job))
        passed()
        done, out, err = measure(player.argv(job), env, job.folder, _LONGEST)
        wrong = f"status {done.status}" if done.status else player.problem(job, out, err)
        if wrong:
            self.played.failed.append(f"{setting}: {player.name}: {wrong}")
            say(f"{self.played.failed[-1]}\n{out[-2000:]}{err[-2000:]}")
            return
        figures = Figures(done.wall, done.cpu, done.total_kb / 1024, *passed())
        self.played.found.setdefault((setting, player.name), []).append(figures)
        say(f"{setting}: {player.name:8} {done.wall:7.2f} s, CPU {done.cpu:6.2f} s")


Passing = tuple[float | None, float | None, float | None]
"""Round trips, kilobytes and connections a host."""


@contextmanager
def link(lab: Lab, folder: Path, rtt: int) -> Iterator[tuple[Hosts, Callable[[], Passing]]]:
    """The way to a lab's hosts: with nothing in between, or with a relay."""
    if rtt == 0:
        yield Files(lab.directory, lab.hosts, lab.user).direct(), lambda: (None, None, None)
        return
    with Delayed(lab, folder, rtt) as delayed:

        def passing() -> Passing:
            rows = delayed.passed().values()
            return (
                fmean(row.turns for row in rows),
                fmean((row.up + row.down) / 1000 for row in rows),
                fmean(row.connections for row in rows),
            )

        yield delayed.hosts, passing


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    names = [player.name for player in PLAYERS]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--hosts", type=numbers, default=[10], metavar="N,M")
    add("--rtt", type=_rtts, default=[0, 50], metavar="MS,MS", help="milliseconds of round trip")
    add("--reps", type=int, default=3, metavar="N", help="runs of each in each state")
    add("--slow-reps", type=int, default=1, metavar="N", help="the same of Ansible's own")
    add("--only", type=lambda text: text.split(","), default=names, metavar="A,B")
    add("--quick", action="store_true", help="one run of each but Ansible's own, on loopback")
    add("--where", action="store_true", help="only the table of where opsrun's own time goes")
    add("--peers-python", type=Path, metavar="PATH", help="has all of them installed already")
    add("--results", type=Path, default=HERE / "results" / "playbook.md", metavar="FILE")
    options = parser.parse_args(words)
    if unknown := set(options.only) - set(names):
        parser.error(f"no program {min(unknown)!r}; there are {', '.join(names)}")
    if options.quick:
        options.reps, options.slow_reps, options.rtt = 1, 0, [0]
    return options


def _rtts(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def prepare(options: argparse.Namespace, folder: Path) -> tuple[Session, list[str]]:
    """Find or make each program's environment; notes tell of those that have none."""
    peers = Peers(HERE.parent / ".bench", options.peers_python)
    pythons, notes = {}, []
    for player in PLAYERS:
        try:
            wanted = player.requires
            pythons[player.name] = peers.python(*wanted) if wanted else Path(sys.executable)
        except NoPeer as error:
            notes.append(f"{player.name} did not take part: {error}")
            say(notes[-1])
    # opsrun goes first of those with trees, so that nobody's caches are warmer than its own.
    players = [each for each in PLAYERS if each.name in pythons and each.name in options.only]
    return Session(folder, pythons, players, options.reps, options.slow_reps), notes


def page(session: Session, notes: Sequence[str], load: float, where: str) -> str:
    """``results/playbook.md``."""
    words = command_line("playbook.py", sys.argv[1:], ("--peers-python", "--results"))
    parts = [
        "# A playbook beside Ansible, Mitogen and pyinfra\n",
        f"{datetime.date.today().isoformat()} · {machine.describe()} · server {session.server} · "
        f"{machine.ssh_version()} · load average {load:.1f} before it began\n\n`{words}`\n",
        "".join(f"- `{each.name}`: {each.about} ({versions(session, each)})\n" for each in PLAYERS),
        f"{tour.TASKS} tasks (`benchmarks/tour/tour.yml`: files, templates, a loop of five, "
        "commands, assertions), all hosts at once; medians of runs that take turns, from the start "
        "of the program to its end. Servers and clients share the processors, so ratios say more "
        "than times; *client CPU* counts the program and its children, and not the servers'. "
        "*round trips* (those of the TCP connection not among them) and *KB* are a host's, as the "
        "relay saw them.\n",
    ]
    if verdicts := targets(session.played):
        parts.append(f"## Targets\n\n{verdicts}")
    parts += tables(session.played)
    if where:
        parts.append(where)
    if remarks := [*notes, *session.played.failed]:
        parts.append("## Remarks\n\n" + "".join(f"- {remark}\n" for remark in remarks))
    return "\n".join(parts)


def versions(session: Session, player: Player) -> str:
    """What was measured."""
    if player.name == OURS:
        return f"opsrun {version('opsrun')}"
    if player.name == FLOOR:
        return f"paramiko {version('paramiko')}, gevent {version('gevent')}"
    if player.name not in session.pythons:
        return "not there"
    python = session.pythons[player.name]
    return ", ".join(f"{each} {version_of(python, each)}" for each in player.shown)


def main() -> int:
    options = parse(sys.argv[1:])
    load = os.getloadavg()[0]
    folder = Path(tempfile.mkdtemp(prefix="opsrun-bench-"))
    try:
        if options.where:
            print(where_it_goes(folder, options.hosts[0]))
            return 0
        session, notes = prepare(options, folder)
        for count in options.hosts:
            say(f"{count} hosts: starting the lab")
            with Lab(folder / f"lab{count}", hosts=count) as lab:
                session.on(lab, options.rtt)
        where = where_it_goes(folder, options.hosts[0]) if OURS in options.only else ""
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = page(session, notes, load, where)
    options.results.write_text(text)
    print(text)
    return int(bool(session.played.failed))


if __name__ == "__main__":
    sys.exit(main())
