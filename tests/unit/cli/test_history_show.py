"""Runs shown again: all of one or a part, what is unknown, and exports that come back equal."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from support.journals import command, keep, work_of

from opsrun.cli.history.export import lines, read
from opsrun.cli.history.group import history
from opsrun.events import (
    Event,
    HandlersPending,
    Notice,
    Outcome,
    PlaybookStarted,
    PlayStarted,
    RunStarted,
    Summary,
    TaskResult,
    TaskStarted,
    WorkId,
)
from opsrun.events import Result as HostResult
from opsrun.journal.about import About
from opsrun.journal.history import History
from opsrun.journal.opening import to_write

OK, FAILED = (Outcome.OK, b"up\n"), (Outcome.FAILED, b"broken \x1b[2J\n")
HOSTS = ("web01", "web02")


def call(*words: Any) -> Result:
    return CliRunner().invoke(history, list(map(str, words)))


def plays() -> list[Event]:
    tasks = ("0/tasks/0", "install"), ("0/tasks/1", "restart")
    events: list[Event] = [
        RunStarted("dddd44440000", "playbook", "site.yml", HOSTS, 1700000000.0),
        PlaybookStarted("site.yml", 1),
        PlayStarted("all of it", HOSTS),
    ]
    for task, name in tasks:
        events.append(TaskStarted(task, name, "command"))
        for host in HOSTS:
            bad = (task, host) == ("0/tasks/1", "web02")
            outcome = Outcome.FAILED if bad else Outcome.CHANGED
            result = {"msg": f"{name} went wrong"} if bad else {"rc": 0, "changed": True}
            events.append(TaskResult(host, task, outcome, result, name=name))
    for host in HOSTS:
        bad = host == "web02"
        work = WorkId(host, ("playbook",), "a1b2c3d4e5f6")
        events.append(HostResult(host, work, Outcome.FAILED if bad else Outcome.CHANGED))
    counts = {Outcome.CHANGED: 1, Outcome.FAILED: 1}
    return [*events, Summary("dddd44440000", counts, 2.0, exit_status=1)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "j.sqlite"
    about = About(("exec", "--hosts", "web", "uptime"))
    keep(file, command("aaaa11110000", {"web01": OK, "web02": FAILED, "web03": OK}), about)
    keep(file, plays())
    return file


def test_a_command_is_shown_as_it_was_live(path: Path) -> None:
    found = call("show", "last~1", "--journal", path)
    assert "run aaaa11110000" in found.stdout
    assert "opsrun exec --hosts web uptime" in found.stdout
    assert "web02 | broken ^[[2J" in found.stdout
    assert "ok 2 · failed 1 · 1.5 s" in found.stderr


@pytest.mark.parametrize(
    ("words", "there", "gone"),
    [
        (("--host", "web01"), "web01 | up", "web02"),
        (("--failed",), "web02 | broken", "web01"),
        (("--host", "web0[1,3]", "--fold"), "web[01,03] (2)", "web02"),
    ],
)
def test_a_part_of_a_command(path: Path, words: tuple[str, ...], there: str, gone: str) -> None:
    found = call("show", "aaaa", "--journal", path, *words)
    assert there in found.stdout
    assert gone not in found.output


@pytest.mark.parametrize(
    ("words", "there", "gone"),
    [
        ((), "task install", "nothing"),
        (("--failed",), "restart went wrong", "install"),
        (("--task", "INST"), "task install", "restart"),
        (("--host", "web01"), "task restart", "web02"),
    ],
)
def test_a_part_of_a_playbook(path: Path, words: tuple[str, ...], there: str, gone: str) -> None:
    found = call("show", "last", "--journal", path, *words)
    assert there in found.stdout
    assert gone not in found.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "last", "--host", "web9"), "had no host 'web9'"),
        (("show", "last", "--task", "instal1"), "had no task 'instal1'; did you mean 'install'?"),
        (("show", "last", "-o", "line"), "has no output 'line'"),
        (("show", "last", "--json", "-o", "text"), "opposite"),
        (("show", "last~2"), "the journal has 2"),
        (("replay", "/nowhere/e.jsonl"), "No such file"),
    ],
)
def test_what_is_not_there_is_said(path: Path, words: tuple[str, ...], said: str) -> None:
    assert said in str(call(*words, "--journal", path).exception)


def test_what_is_unknown_of_a_run_that_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "j.sqlite"
    hosts = ["web01", "web02", "web03"]
    events = command("aaaa11110000", {"web01": OK}, hosts, ends=False)
    keep(file, events, intents=[work_of("web02")])
    assert "under way on web02" in call("show", "--journal", file).stdout
    connection = to_write(file)
    connection.execute("UPDATE runs SET process = 'x 1 2'")
    connection.close()
    found = call("show", "--journal", file).stdout
    assert "cut off" in found
    assert "outcome unknown on web02" in found
    assert "not finished: web03" in found
    data = json.loads(call("show", "--json", "--journal", file).stdout)
    assert data["summary"] is None


def test_an_event_that_is_none_is_told_with_its_line(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_text(call("export", "aaaa", "--journal", path).stdout + '{"type": "result"}\n')
    assert "e.jsonl:7: this is no event" in str(call("replay", file).exception)
    file.write_text('{"type": "run"}\n')
    assert "no run that was exported" in str(call("replay", file).exception)


TEXTS = st.text(max_size=30)
BYTES = st.binary(max_size=2000)
EVENTS = st.one_of(
    st.builds(Notice, st.sampled_from(["info", "error"]), TEXTS, TEXTS),
    st.builds(HandlersPending, TEXTS, st.lists(TEXTS, max_size=3).map(tuple)),
    st.builds(
        HostResult,
        TEXTS,
        st.just(work_of("web01")),
        st.sampled_from(Outcome),
        stdout=BYTES,
        stderr=BYTES,
    ),
    st.builds(
        TaskResult,
        TEXTS,
        st.just("0/tasks/0"),
        st.sampled_from(Outcome),
        st.dictionaries(TEXTS, st.one_of(TEXTS, st.integers(), st.lists(TEXTS, max_size=3))),
    ),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(EVENTS, max_size=6))
def test_what_is_exported_is_what_was_live(live: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "j.sqlite")
        live = [*live, Summary("aaaa11110000", {}, 1.0)]
        keep(file, [RunStarted("aaaa11110000", "exec", "df", ("web01",), 1.5), *live])
        out = Path(folder, "e.jsonl")
        with History(file) as kept:
            run = kept.find("last")
            out.write_text("".join(f"{line}\n" for line in lines(run, kept.events(run))))
        again, events = read(str(out))
        assert again == run
        assert [event for _, event in events][1:] == live
