"""Journals that can't be written: before the first connection, and while hosts are at work."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from support.background import finished, opsrun_started
from support.cli import Ran, command, opsrun
from support.remote_files import mounts

from opsrun.engine.threads import ThreadEngine
from opsrun.events import Notice, RunStarted, Summary
from opsrun.journal.history import History
from opsrun.journal.recorder import Recorder
from opsrun.lab import Lab


def journal_of(path: Path, events: int = 0) -> Path:
    """One with a run in it."""
    engine = ThreadEngine()
    recorder = Recorder(path)
    recorder.begin(engine, RunStarted("3f2a", "exec", "df", ("web01",), 1.0))
    for number in range(events):
        recorder.record(number, Notice("info", f"{number} {'x' * 400}"))
    recorder.record(events, Summary("3f2a", {}, 1.0))
    recorder.commit()
    recorder.close()
    engine.close(5)
    return path


def words(lab: Lab, journal: Path, text: str) -> list[str]:
    common = ["-i", str(lab.inventory), "--journal", str(journal), "-o", "jsonl"]
    return ["exec", *common, "--hosts", "web*", "--", text]


def limited(blocks: int, told: list[str], cwd: Path) -> Ran:
    """With files of so many blocks of 512 bytes at most."""
    script = f'ulimit -f {blocks}; exec "$@"'
    argv = ["sh", "-c", script, "sh", *command(*told)]
    done = subprocess.run(argv, capture_output=True, cwd=cwd, timeout=120, check=False, text=True)
    return Ran(done.returncode, done.stdout, done.stderr)


def no_database(path: Path) -> None:
    path.write_bytes(b"no database at all\n" * 300)


def header(path: Path) -> None:
    with journal_of(path).open("r+b") as file:
        file.write(b"\xff" * 100)


def cut(path: Path) -> None:
    os.truncate(journal_of(path), 5000)


def later(path: Path) -> None:
    with closing(sqlite3.connect(journal_of(path))) as connection:
        connection.execute("PRAGMA user_version = 99")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


def its_link(path: Path) -> None:
    path.symlink_to(journal_of(path.with_name("other")))


BEFORE = (
    (no_database, "it is no journal"),
    (header, "it is no journal"),
    (cut, "it is damaged"),
    (later, "version 99"),
    (pipe, "not a plain file"),
    (below_a_file, "[Nn]ot a directory|File exists"),
    (its_link, "symbolic link"),
)


@pytest.mark.parametrize(("spoil", "why"), BEFORE, ids=lambda each: getattr(each, "__name__", ""))
def test_trouble_before_the_first_connection(
    few_hosts: Lab, tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    journal = tmp_path / "state" / "journal"
    journal.parent.mkdir()
    spoil(journal)
    ran = opsrun(*words(few_hosts, journal, f"echo >>{tmp_path}/reached"), cwd=tmp_path)
    assert (ran.status, ran.out) == (2, "")
    [line] = ran.err.splitlines()
    assert str(journal) in line
    assert re.search(why, line), line
    assert not (tmp_path / "reached").exists()


def test_no_room_before_the_first_connection(few_hosts: Lab, tmp_path: Path) -> None:
    told = words(few_hosts, tmp_path / "journal", f"echo >>{tmp_path}/reached")
    ran = limited(8, told, tmp_path)
    assert (ran.status, ran.out) == (2, "")
    assert "the journal can't be written" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not (tmp_path / "reached").exists()


def spoiled(ran: Ran, shown: int = 3) -> None:
    """Every result is shown, the reason is told, and it is no success."""
    assert len([line for line in ran.lines if line["type"] == "result"]) == shown
    assert ran.lines[-1]["type"] == "summary"
    assert ran.lines[-1]["exit_status"] == ran.status == 1
    assert "the journal can't be written" in ran.out


def test_no_room_in_mid_run(few_hosts: Lab, tmp_path: Path) -> None:
    journal = journal_of(tmp_path / "journal")
    told = words(few_hosts, journal, "head -c 900000 /dev/urandom | od -An -tx1; echo done")
    spoiled(limited(600, told, tmp_path))
    with History(journal) as history:
        run = history.find("last")
        assert run.state == "cut off"
        assert len(history.unknown(run)) == 3


def test_a_page_that_is_damaged_in_mid_run(few_hosts: Lab, tmp_path: Path) -> None:
    journal = journal_of(tmp_path / "journal", 300)
    with closing(sqlite3.connect(journal)) as connection:
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'intents'")
        [(size,)] = connection.execute("PRAGMA page_size")
    with journal.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xee" * size)
    ran = opsrun(*words(few_hosts, journal, f"echo >>{tmp_path}/reached"), cwd=tmp_path)
    spoiled(ran)
    assert "it is damaged" in ran.out
    assert {result["outcome"] for result in ran.results.values()} == {"cancelled"}
    assert not (tmp_path / "reached").exists()


def test_a_journal_that_is_removed_in_mid_run(few_hosts: Lab, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    ran = opsrun(*words(few_hosts, journal, f"rm -f {journal}*"), cwd=tmp_path)
    spoiled(ran)
    assert "removed or replaced" in ran.out


def test_an_interrupt_while_another_program_holds_the_journal(
    few_hosts: Lab, tmp_path: Path
) -> None:
    journal = journal_of(tmp_path / "journal")
    os.mkfifo(tmp_path / "begun")
    os.mkfifo(tmp_path / "go")
    text = f"echo >{tmp_path}/begun; read x <{tmp_path}/go"
    told = [word if word != "web*" else "web01" for word in words(few_hosts, journal, text)]
    running = opsrun_started(*told, cwd=tmp_path)
    assert (tmp_path / "begun").read_text() == "\n"
    with closing(sqlite3.connect(journal, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        (tmp_path / "go").write_text("on\n")
        running.send_signal(signal.SIGINT)
        status, out, err = finished(running)
    assert status == 130
    ran = Ran(status, out, err)
    assert ran.lines[-1]["type"] == "summary"
    assert "does not let go" in out
    assert list(ran.results) == ["web01"]


def test_an_interrupt_while_the_journal_is_waited_for(few_hosts: Lab, tmp_path: Path) -> None:
    journal = journal_of(tmp_path / "journal")
    with closing(sqlite3.connect(journal, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        running = opsrun_started(*words(few_hosts, journal, "true"), cwd=tmp_path)
        while not has_open(running.pid, journal):
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        status, out, err = finished(running)
    assert (status, out) == (130, "")
    assert "another program holds it" in err


def has_open(pid: int, path: Path) -> bool:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(os.readlink(descriptor))
        except OSError:
            # Closed meanwhile.
            pass
    return str(path) in found


def test_many_runs_at_once_on_one_new_journal(few_hosts: Lab, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    told = words(few_hosts, journal, "seq 99")
    started = [opsrun_started(*told, cwd=tmp_path) for _ in range(5)]
    for status, _, err in map(finished, started):
        assert (status, err) == (0, "")
    with History(journal) as history:
        runs = history.runs()
        assert [(run.state, run.exit_status) for run in runs] == [("ended", 0)] * 5
        for run in runs:
            events = [event for _, event in history.events(run)]
            assert sum(event.type == "result" for event in events) == 3
            assert history.unknown(run) == []


@pytest.mark.parametrize("options", ["size=80k", "size=600k"], ids=["full", "soon full"])
def test_a_disk_that_is_full(few_hosts: Lab, tmp_path: Path, options: str) -> None:
    (tmp_path / "state").mkdir()
    journal = tmp_path / "state" / "journal"
    told = words(few_hosts, journal, "head -c 900000 /dev/urandom | od -An -tx1; echo done")
    with mounts(f"mount -t tmpfs -o {options} none {journal.parent}") as (enter, _):
        ran = within(enter, told, tmp_path)
        assert "the disk is full" in ran.out + ran.err
        if options == "size=600k":
            spoiled(ran)
        else:
            assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)


def test_a_folder_that_can_only_be_read(few_hosts: Lab, tmp_path: Path) -> None:
    journal = journal_of(tmp_path / "state" / "journal")
    told = words(few_hosts, journal, f"echo >>{tmp_path}/reached")
    bind = f"mount --bind {journal.parent} {journal.parent}"
    with mounts(f"{bind} && mount -o remount,bind,ro {journal.parent}") as (enter, _):
        ran = within(enter, told, tmp_path)
        shown = within(enter, ["history", "list", "--journal", str(journal)], tmp_path)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert "Read-only file system" in ran.err
    assert not (tmp_path / "reached").exists()
    assert (shown.status, shown.err) == (0, "")
    assert "3f2a" in shown.out


def within(enter: Sequence[str], told: list[str], cwd: Path) -> Ran:
    argv = [*enter, shlex.join(command(*told))]
    done = subprocess.run(argv, capture_output=True, cwd=cwd, timeout=120, check=False, text=True)
    return Ran(done.returncode, done.stdout, done.stderr)
