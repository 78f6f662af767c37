"""Runs that are killed, hosts that count what was done, and what the journal must know then."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import crash_program

from opsrun.journal.history import History, KnownRun
from opsrun.lab import Lab

Pair = tuple[str, str]
"""Host, and task; empty for a command's run."""

_EFFECT = """\
echo "$1 $2" >>@folder@/effects
if [ -e @folder@/dies ] && [ "$(wc -l <@folder@/effects)" -ge "$(cat @folder@/dies)" ]; then
  kill -9 "$(cat @folder@/pid)"
fi
"""
PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: first
      shell: sh {{ folder }}/effect {{ inventory_hostname }} 0/tasks/0
      notify: handled
    - name: elsewhere
      shell: sh {{ folder }}/effect {{ inventory_hostname }} 0/tasks/1
      delegate_to: web01
    - name: each
      shell: sh {{ folder }}/effect {{ inventory_hostname }} 0/tasks/2:{{ item }}
      loop: [1, 2]
    - name: file
      copy: {content: "{{ inventory_hostname }}", dest: "{{ folder }}/{{ inventory_hostname }}"}
  handlers:
    - name: handled
      shell: sh {{ folder }}/effect {{ inventory_hostname }} 0/handlers/0
"""
TASKS = ("0/tasks/0", "0/tasks/1", "0/tasks/2:1", "0/tasks/2:2", "0/handlers/0")
"""What each host counts in a whole run of it."""

_UNCOUNTED = "0/tasks/3"


@dataclass(frozen=True)
class Point:
    """Where a run is killed."""

    what: str
    """``sql``: see `crash_program`; ``line``, ``effect``: at that one; ``time``; ``never``."""
    number: float = 0
    sql: str = ""

    def __str__(self) -> str:
        return self.sql.replace(" ", "-") or f"{self.what}-{self.number:g}"


def points(seed: int, count: int, *, playbook: bool, timed: int = 0) -> list[Point]:
    """So many at random, the same for the same seed; the last ones are by time."""
    draw = random.Random(seed)
    statements, lines, effects = (120, 55, 25) if playbook else (24, 18, 5)
    found = []
    for number in range(count):
        kind = "time" if number >= count - timed else draw.choice(("sql", "sql", "line", "effect"))
        if kind == "sql":
            when = draw.choice(("before", "after", "half"))
            begins = draw.choice(("", "", "COMMIT", "INSERT INTO intents", "INSERT INTO events"))
            most = statements if not begins else statements // 4
            found.append(Point("sql", sql=f"{when}:{begins}:{draw.randint(1, most)}"))
        elif kind == "time":
            found.append(Point("time", draw.uniform(0.1, 3.0)))
        else:
            found.append(Point(kind, draw.randint(1, lines if kind == "line" else effects)))
    return found


@dataclass
class Crash:
    """A lab's hosts, a folder in which they count, and a journal."""

    lab: Lab
    folder: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    """What was shown, whole lines alone."""
    status: int = 0

    def __post_init__(self) -> None:
        (self.folder / "effect").write_text(_EFFECT.replace("@folder@", str(self.folder)))
        (self.folder / "play.yml").write_text(PLAYBOOK)

    @property
    def journal(self) -> Path:
        """Its file."""
        return self.folder / "journal"

    def exec_words(self, *more: str) -> list[str]:
        """A command that counts itself."""
        command = f"sh {self.folder}/effect $(set -- $SSH_CONNECTION; echo $3) exec"
        return ["exec", *self._common(), *more, "--hosts", "all", "--", command]

    def playbook_words(self, *more: str) -> list[str]:
        """A playbook whose tasks count themselves."""
        about = ("-e", f"folder={self.folder}")
        return ["playbook", *self._common(), *about, *more, str(self.folder / "play.yml")]

    def _common(self) -> list[str]:
        return ["-i", str(self.lab.inventory), "--journal", str(self.journal), "-o", "jsonl"]

    def run(self, words: list[str], point: Point) -> None:
        """Run it until it ends or is killed."""
        dies = self.folder / "dies"
        dies.unlink(missing_ok=True)
        if point.what == "effect":
            dies.write_text(str(self._counted() + int(point.number)))
        argv = [crash_program.__file__, str(self.folder / "pid"), point.sql, *words]
        with (self.folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-W", "error", *argv],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        timer = threading.Timer(point.number if point.what == "time" else 300, process.kill)
        timer.start()
        self.lines = []
        assert process.stdout is not None
        with process.stdout as out:
            for raw in out:
                if raw.endswith(b"\n"):
                    self.lines.append(json.loads(raw))
                if point.what == "line" and len(self.lines) == point.number:
                    process.kill()
        self.status = process.wait()
        timer.cancel()
        timer.join()
        said = (self.folder / "stderr").read_text()
        assert self.status in (0, -signal.SIGKILL), said
        dies.unlink(missing_ok=True)

    def _counted(self) -> int:
        return sum(self.effects().values())

    def effects(self) -> Counter[Pair]:
        """What hosts count, by host and task; an item is written behind a colon."""
        path = self.folder / "effects"
        text = path.read_text() if path.exists() else ""
        names = {host.address: host.name for host in self.lab.hosts}
        pairs = (line.split() for line in text.splitlines())
        return Counter((names.get(host, host), task) for host, task in pairs)

    def check(self) -> None:
        """Hold the journal to what was shown and to what hosts have counted."""
        shown = [line for line in self.lines if line["type"] in ("result", "task_result")]
        if not self.journal.exists():
            assert not shown
            assert not self.effects()
            return
        with closing(sqlite3.connect(self.journal)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        if self._is_empty():
            assert not shown
            assert not self.effects()
            return
        with History(self.journal) as history:
            runs = history.runs()
            if not runs:
                assert not shown
                assert not self.effects()
                return
            self._check_run(history, runs[0], shown)

    def _is_empty(self) -> bool:
        with closing(sqlite3.connect(self.journal)) as connection:
            return bool(connection.execute("PRAGMA user_version").fetchone() == (0,))

    def _check_run(self, history: History, run: KnownRun, shown: list[dict[str, Any]]) -> None:
        known = {seq: event.to_dict() for seq, event in history.events(run)}
        for line in shown:
            assert {"seq": line["seq"], **known[line["seq"]]} == line
        finished = {line["host"] for line in known.values() if line["type"] == "result"}
        if run.ended is not None:
            assert finished == set(run.hosts)
            assert run.state == "ended"
        else:
            assert run.state == "cut off"
            assert not any(line["type"] == "summary" for line in self.lines)
        self._check_effects(history, run, known.values())

    def _check_effects(self, history: History, run: KnownRun, known: Any) -> None:
        effects = Counter[Pair]()
        for (host, task), count in self.effects().items():
            effects[host, "" if task == "exec" else task.partition(":")[0]] += count
        unknown = {(each.host, each.task) for each in history.unknown(run)}
        ends = _ends(run, known)
        ended = {pair for pair in ends if pair[1] != _UNCOUNTED}
        with closing(sqlite3.connect(self.journal)) as connection:
            text = "SELECT host, task FROM intents WHERE run = ?"
            intents = set(connection.execute(text, (run.number,)))
        assert set(effects) <= intents, "done, and nobody had said that it would be"
        assert ended <= set(effects), "ended in the journal, and never done"
        assert set(effects) <= ended | unknown, "done, and the journal knows nothing of it"
        assert not ended & unknown, "ended, and said to be unknown"


def _ends(run: KnownRun, known: Any) -> set[Pair]:
    if run.action == "exec":
        return {(line["host"], "") for line in known if line["type"] == "result"}
    return {
        (line["host"], line["task"])
        for line in known
        if line["type"] == "task_result" and line["item"] is None and line["retries_left"] is None
    }
