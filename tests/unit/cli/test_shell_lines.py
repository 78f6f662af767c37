"""What the lines of the shell mean."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from opsrun.cli.execution import Ended
from opsrun.cli.options import Show
from opsrun.cli.shell_input import history_path, make_history
from opsrun.cli.shell_lines import COMMANDS, Lines
from opsrun.composition.actions import ExecAction
from opsrun.events import Outcome, Result, WorkId
from opsrun.inventory import Host, load_inventory
from opsrun.report import Report


@dataclass
class Runs:
    """Stands for the hosts: remembers what was to be run."""

    bad: dict[str, Outcome] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    timeouts: list[float | None] = field(default_factory=list)
    hosts: list[list[str]] = field(default_factory=list)
    shows: list[Show] = field(default_factory=list)

    def __call__(self, action: ExecAction, hosts: Sequence[Host], show: Show) -> Ended:
        self.commands.append(action.command.script)
        self.timeouts.append(action.command.timeout)
        self.hosts.append([host.name for host in hosts])
        self.shows.append(show)
        works = [WorkId(host.name, ("exec",), "x") for host in hosts]
        results = [Result(w.host, w, self.bad.get(w.host, Outcome.OK)) for w in works]
        report = Report(results)
        return Ended(report.exit_status(), report, None, False)


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def lines(runs: Runs) -> Lines:
    inventory = load_inventory(["web01,web02,web03,db01,"])
    return Lines(inventory.select("web*"), Show(output="fold"), runs, inventory.select)


def test_a_line_runs_on_all_hosts(lines: Lines, runs: Runs) -> None:
    ended = lines.run("uptime -p")
    assert ended is not None
    assert ended.status == lines.status == 0
    assert runs.commands == ["uptime -p"]
    assert runs.hosts == [["web01", "web02", "web03"]]
    assert runs.shows == [Show(output="fold")]


@pytest.mark.parametrize("line", ["", "   ", "\t", "# a comment"])
def test_what_runs_nowhere(lines: Lines, runs: Runs, line: str) -> None:
    lines.status = 3
    assert lines.run(line) is None
    assert (runs.commands, lines.status) == ([], 3)


@pytest.mark.parametrize("line", [" :all", ": >/tmp/x", ":", ":; ls", ":>x"])
def test_a_colon_of_the_hosts_shell(lines: Lines, runs: Runs, line: str) -> None:
    lines.run(line)
    assert runs.commands == [line.strip()]


def test_the_prompt_folds_and_is_never_too_wide(lines: Lines) -> None:
    assert lines.prompt == "web[01-03] > "
    names = ",".join(f"h{chr(97 + n % 26) * 3}{chr(97 + n // 26)}" for n in range(200))
    inventory = load_inventory([names + ","])
    lines.hosts = inventory.select("all")
    assert lines.prompt.endswith("… (200) > ")
    assert len(lines.prompt) < 64


def test_hosts_narrow_and_widen(
    lines: Lines, runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    lines.run(":hosts web01")
    assert lines.prompt == "web01 > "
    lines.run(":hosts web01,db01")
    lines.run("x")
    assert runs.hosts == [["web01", "db01"]]
    lines.run(":hosts")
    assert capsys.readouterr().err == "db01,web01 (2)\n"
    lines.run(":all")
    assert lines.prompt == "web[01-03] > "


def test_failed_hosts(lines: Lines, runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    lines.run(":failed")
    assert "failed on no host" in capsys.readouterr().err
    assert lines.status == 2
    runs.bad = {"web02": Outcome.FAILED, "web03": Outcome.UNREACHABLE}
    lines.run("x")
    assert lines.status == 3
    lines.run(":hosts db01")
    lines.run(":failed")
    assert lines.prompt == "web[02-03] > "
    assert lines.status == 0


@pytest.mark.parametrize(
    ("line", "show"),
    [
        (":text", Show(output="text")),
        (":line", Show(output="line")),
        (":diff", Show(output="fold", diff=True)),
        (":fold", Show(output="fold")),
    ],
)
def test_how_it_is_shown(lines: Lines, runs: Runs, line: str, show: Show) -> None:
    lines.run(":diff")
    lines.run(line)
    lines.run("x")
    assert runs.shows == [show]


def test_timeouts(lines: Lines, runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    for line in ("x", ":timeout 2.5", ":timeout", "x", ":timeout off", "x", ":timeout"):
        lines.run(line)
    assert runs.timeouts == [None, 2.5, None]
    assert capsys.readouterr().err.splitlines() == [
        "2.5 s for a line on a host",
        "no limit for a line on a host",
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (":fiald", "no command ':fiald'; did you mean ':failed'?"),
        (":xyzzy", ":help lists them"),
        (":timeout soon", ":timeout: 'soon' is not a valid float"),
        (":timeout -1", ":timeout: "),
        (":timeout nan", "no number of seconds"),
        (":all web", ":all takes nothing behind it, not 'web'"),
        (":hosts wbe01", "did you mean 'web01'"),
        (":hosts web[", ""),
        ("x\0y", "NUL"),
    ],
)
def test_mistakes_are_told_and_change_nothing(
    lines: Lines, runs: Runs, capsys: pytest.CaptureFixture[str], line: str, words: str
) -> None:
    assert lines.run(line) is None
    assert (lines.status, runs.commands, lines.timeout) == (2, [], None)
    assert lines.prompt == "web[01-03] > "
    said = capsys.readouterr().err
    assert said.startswith("opsrun: ")
    assert words in said


def test_help_names_every_command(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    lines.run(":help")
    said = capsys.readouterr().err
    assert all(f"  :{name}" in said for name in COMMANDS)
    assert "`cd` and variables last as long as" in said
    assert not lines.over
    lines.run(":quit")
    assert lines.over


def test_the_status_is_that_of_the_last_line(lines: Lines, runs: Runs) -> None:
    runs.bad = {"web01": Outcome.LOST}
    lines.run("x")
    assert lines.status == 4
    runs.bad = {}
    lines.run("x")
    assert lines.status == 0


# -- history


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return history_path()


def test_the_history_is_its_owners_alone(state: Path) -> None:
    history = make_history()
    history.append_string("uptime")
    history.append_string(" echo secret")
    history.append_string("two\nlines")
    assert state.stat().st_mode & 0o777 == 0o600
    assert state.parent.stat().st_mode & 0o777 == 0o700
    assert b"secret" not in state.read_bytes()
    assert list(make_history().load_history_strings()) == ["two\nlines", "uptime"]


def test_a_history_that_others_could_read_is_closed_to_them(state: Path) -> None:
    state.parent.mkdir(parents=True)
    state.write_text("")
    state.chmod(0o644)
    make_history()
    assert state.stat().st_mode & 0o777 == 0o600


def test_without_a_file_there_is_a_history_all_the_same(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.parent.mkdir(parents=True)
    state.symlink_to(state.parent / "elsewhere")
    history = make_history()
    history.append_string("x")
    assert list(history.get_strings()) == ["x"]
    assert not (state.parent / "elsewhere").exists()
    assert capsys.readouterr().err.startswith("opsrun: no history: ")


def test_an_interrupted_line_is_told_apart(lines: Lines, runs: Runs) -> None:
    def interrupted(action: ExecAction, hosts: Sequence[Host], show: Show) -> Ended:
        return Ended(130, Report(), signal.SIGINT, False)

    lines._carry = interrupted
    ended = lines.run("x")
    assert ended is not None
    assert (lines.status, ended.signal) == (130, signal.SIGINT)
