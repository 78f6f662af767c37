"""The library's ways to run things: narrowed fleets, one host, handles, callbacks; both engines."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsrun import (
    CommandFailed,
    CommandTimeout,
    Event,
    Fleet,
    FleetOptions,
    HostError,
    Outcome,
    PatternError,
    Result,
    RunHandle,
    UsageError,
)
from opsrun.lab import Lab

HERE = """
[web]
web01
web02
[db]
db01
[all:vars]
ansible_connection=local
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Three hosts that are all this machine."""
    path = tmp_path / "hosts.ini"
    path.write_text(HERE)
    return Fleet(path)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A FIFO that commands wait at."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


# -- which hosts


def test_a_narrowed_fleet_has_its_hosts_alone(fleet: Fleet) -> None:
    web = fleet.select("web")
    assert web.hosts() == ("web01", "web02")
    assert web.hosts("all:!web02") == ("web01",)
    assert {result.host for result in web.exec("true")} == {"web01", "web02"}
    assert web.ping().exit_status() == 0
    assert web.select("web02").hosts("all") == ("web02",)
    with pytest.raises(PatternError, match="'db' selects none of the 2 hosts"):
        web.exec("true", hosts="db")
    with pytest.raises(PatternError):
        web.select("web01").select("web02")
    assert repr(web) == "<Fleet 2 hosts>"


def test_all_hosts_are_only_meant_where_they_were_selected(fleet: Fleet) -> None:
    for call in (fleet.exec, fleet.stream):
        with pytest.raises(UsageError, match="hosts: expected a host pattern"):
            call("true")
    with pytest.raises(UsageError, match="hosts: expected a host pattern"):
        fleet.ping()
    assert len(fleet.select("all").exec("true")) == 3


def test_options_are_data(fleet: Fleet) -> None:
    options = FleetOptions(forks=2, password="hunter2", user="me")
    made = Fleet.with_options(fleet.inventory, options)
    assert made.options is options
    assert "hunter2" not in repr(options)
    assert fleet.select("web").options is fleet.options
    assert Fleet("a,").options == FleetOptions()
    with pytest.raises(UsageError, match="forks: expected a whole number"):
        FleetOptions(forks=0)
    with pytest.raises(AttributeError):
        options.forks = 3  # type: ignore[misc]


def test_a_host_that_a_list_names_twice_has_two_results(fleet: Fleet, tmp_path: Path) -> None:
    told = tmp_path / "told"
    report = fleet.exec(f"echo $$ | tee -a {told}", hosts=["web01", "db01", "web01"])
    assert [result.ok for result in report] == [True] * 3
    assert len(report.of("web01")) == 2
    first, second = report.of("web01")
    assert first.out != second.out
    assert first.work != second.work
    assert len(told.read_text().split()) == 3
    assert report.hosts.count("web01") == 2


@pytest.mark.parametrize("hosts", [["web", "web01"], ["web*", "web01", "all"], "web01,web01"])
def test_patterns_that_overlap_name_no_host_twice(fleet: Fleet, hosts: Any) -> None:
    report = fleet.exec("true", hosts=hosts)
    assert all(len(report.of(name)) == 1 for name in report.hosts)


def test_each_hosts_own_command(fleet: Fleet) -> None:
    by_name = fleet.exec("echo {host}", hosts="all")
    assert {result.host: result.out for result in by_name} == {
        "web01": "web01\n",
        "web02": "web02\n",
        "db01": "db01\n",
    }
    by_call = fleet.exec(lambda host: f"echo {host.groups[0]} {{host}}", hosts="db,web01")
    assert by_call["db01"].out == "db {host}\n"
    assert len({result.work.digest for result in by_call}) == 2
    started = next(iter(fleet.stream("echo {host}", hosts="web")))
    assert started.to_dict()["command"] == "echo {host}"


# -- one host


def test_one_host_gives_its_result_or_raises(fleet: Fleet, tmp_path: Path) -> None:
    db = fleet.on("db01")
    assert db.run("echo out; echo err >&2").err == "err\n"
    with pytest.raises(CommandFailed) as caught:
        db.run("echo out; echo no such thing >&2; exit 4")
    error = caught.value
    assert str(error) == "db01: run: exit status 4: no such thing"
    assert (error.host, error.phase) == ("db01", "run")
    assert (error.result.rc, error.result.out) == (4, "out\n")
    with pytest.raises(CommandTimeout, match="db01: run: "):
        db.run("sleep 600", timeout=0.2)
    assert db.run("exit 4", check=False).rc == 4
    assert db.put((), tmp_path / "there", content=b"x").outcome is Outcome.CHANGED
    db.get(tmp_path / "there", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"x"
    with pytest.raises(HostError, match="db01: "):
        db.get(tmp_path / "missing", tmp_path / "nowhere")
    assert db.variables["ansible_connection"] == "local"
    assert repr(db) == "<OneHost db01>"


def test_one_host_is_one(fleet: Fleet) -> None:
    with pytest.raises(UsageError, match="takes one host, and 'web' selects 2"):
        fleet.on("web")
    with pytest.raises(PatternError, match="db01"):
        fleet.on("db02")


def test_a_host_out_of_reach_is_raised_by_its_phase(tmp_path: Path) -> None:
    fleet = Fleet("127.0.0.1:1,", ssh_config="none", user="me")
    with pytest.raises(HostError) as caught:
        fleet.on("127.0.0.1").run("true")
    assert type(caught.value).__name__ == "ConnectionFailed"
    assert caught.value.phase == "tcp"
    assert caught.value.result.outcome is Outcome.UNREACHABLE


# -- results as they come


def test_a_callback_has_each_result_before_the_report_is_there(fleet: Fleet, gate: Path) -> None:
    """The last host ends by what the callback does: it is called while the run is going on."""
    told: list[str] = []

    def tell(result: Result) -> None:
        told.append(result.host)
        if len(told) == 2:
            descriptor = os.open(gate, os.O_RDWR)
            os.write(descriptor, b"go\n")
            kept.append(descriptor)

    kept: list[int] = []
    script = f"[ {{host}} != db01 ] || read word <{gate}"
    report = fleet.exec(script, hosts="all", on_result=tell)
    for descriptor in kept:
        os.close(descriptor)
    assert sorted(told) == ["db01", "web01", "web02"]
    assert told[-1] == "db01"
    assert report.exit_status() == 0
    copied: list[Result] = []
    fleet.put((), gate.parent / "file", hosts="db01", content=b"x", on_result=copied.append)
    assert [result.host for result in copied] == ["db01"]


def test_what_a_callback_raises_ends_the_run_and_comes_out(fleet: Fleet) -> None:
    def refuse(result: Result) -> None:
        raise RuntimeError(f"not {result.host}")

    script = "[ {host} = db01 ] || exec sleep 600"
    with pytest.raises(RuntimeError, match="not db01"):
        fleet.exec(script, hosts="all", on_result=refuse)
    handle = fleet.exec(script, hosts="all", on_result=refuse, wait=False)
    with pytest.raises(RuntimeError, match="not db01"):
        handle.report()
    assert handle.done
    with pytest.raises(RuntimeError, match="not db01"):
        list(handle.results())


def test_a_handle_gives_results_while_the_run_goes_on(fleet: Fleet, gate: Path) -> None:
    handle = fleet.exec(f"[ {{host}} != db01 ] || read word <{gate}", hosts="all", wait=False)
    results = handle.results()
    assert {next(results).host, next(results).host} == {"web01", "web02"}
    assert not handle.done
    assert "under way" in repr(handle)
    with pytest.raises(TimeoutError, match="was not over within 0"):
        handle.report(timeout=0.01)
    descriptor = os.open(gate, os.O_RDWR)
    os.write(descriptor, b"go\n")
    assert next(results).host == "db01"
    assert list(results) == []
    os.close(descriptor)
    report = handle.report()
    assert handle.done
    assert list(handle) == list(report) == report.ok
    assert report.exit_status() == 0
    handle.cancel()
    assert handle.report().exit_status() == 0, "what is over stays as it is"


def begun(handle: RunHandle, marks: list[Path]) -> None:
    """Wait until the commands run that make these files."""
    while not all(mark.exists() and mark.read_text() for mark in marks):
        assert not handle.done
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


Begun = Callable[[Fleet, Path], RunHandle]

ALL: dict[str, Begun] = {
    "put": lambda fleet, here: fleet.put(here / "big", here / "put", "db01", wait=False),
    "get": lambda fleet, here: fleet.get(here / "big", here / "got", "all", wait=False),
    "sync": lambda fleet, here: fleet.sync(here / "tree", here / "copy", "db01", wait=False),
    "wait": lambda fleet, here: fleet.wait(f"file:{here}/big", "all", wait=False),
    "ping": lambda fleet, here: fleet.ping("all", count=2, wait=False),
}
"""What ends by itself, of each kind."""

ENDLESS: dict[str, Begun] = {
    "put": lambda fleet, here: fleet.put(
        here / "big", here / "put", "db01", validate=": %s; exec sleep 600", wait=False
    ),
    "get": lambda fleet, here: fleet.get(here / "big", here / "g", "db01", bwlimit=1, wait=False),
    "sync": lambda fleet, here: fleet.sync(
        here / "tree", here / "copy", "db01", bwlimit=1, wait=False
    ),
    "wait": lambda fleet, here: fleet.wait("cmd:false", "db01", timeout=None, wait=False),
    "ping": lambda fleet, here: Fleet("127.0.0.1:1,", ssh_config="none", user="me").ping(
        "all", patience=600.0, wait=False
    ),
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A directory with a file, and a tree that has it too."""
    (tmp_path / "tree").mkdir()
    for path in (tmp_path / "big", tmp_path / "tree/big"):
        path.write_bytes(os.urandom(1 << 20))
    return tmp_path


@pytest.mark.parametrize("kind", ALL)
def test_every_kind_of_work_gives_a_handle(fleet: Fleet, here: Path, kind: str) -> None:
    handle = ALL[kind](fleet, here)
    assert type(handle) is RunHandle
    # These hosts are one machine: only one of them can write a file.
    hosts = ["db01"] if kind in ("put", "sync") else ["db01", "web01", "web02"]
    assert sorted(result.host for result in handle.results()) == hosts
    assert handle.done
    report = handle.report()
    assert (report.exit_status(), len(report.ok)) == (0, len(hosts)), report.to_dict()
    handle.cancel()
    assert handle.report().exit_status() == 0


@pytest.mark.parametrize("kind", ENDLESS)
def test_every_kind_of_work_is_cancelled(fleet: Fleet, here: Path, kind: str) -> None:
    before = {path.name for path in here.iterdir()}
    handle = ENDLESS[kind](fleet, here)
    with pytest.raises(TimeoutError):
        handle.report(timeout=0.2)
    assert not handle.done
    handle.cancel()
    assert [result.outcome for result in handle.results()] == [Outcome.CANCELLED]
    assert handle.done
    assert not (here / "put").exists()
    left = {path.name for path in here.rglob("*") if path.is_file()} - before
    assert left <= {"big"}


@pytest.mark.parametrize("name", ["put", "get", "sync", "wait", "ping"])
def test_wait_is_a_yes_or_a_no(fleet: Fleet, here: Path, name: str) -> None:
    words = {"wait": ("ssh",), "ping": ()}.get(name, (here / "tree", here / "x"))
    with pytest.raises(UsageError, match=r"wait: expected True or False.*, found 5") as caught:
        getattr(fleet, name)(*words, hosts="all", wait=5)
    assert ("patience" in str(caught.value)) is (name == "ping")


def test_one_host_gives_handles_as_well(fleet: Fleet, here: Path) -> None:
    """What goes wrong is in the report; nothing is raised."""
    db = fleet.on("db01")
    assert [result.rc for result in db.run("exit 4", wait=False).report()] == [4]
    assert db.put(here / "big", here / "there", wait=False).report().exit_status() == 0
    handle = db.get(here / "there", here / "back", wait=False)
    assert [result.outcome for result in handle.results()] == [Outcome.CHANGED]
    assert (here / "back").read_bytes() == (here / "big").read_bytes()
    assert db.get(here / "missing", here / "no", wait=False).report().exit_status() == 1
    wrong: Any = 1
    with pytest.raises(UsageError, match="wait: expected True or False"):
        db.run("true", wait=wrong)


@pytest.mark.parametrize("how", ["cancel", "block", "fleet"])
def test_cancelling_ends_the_commands_on_the_hosts(fleet: Fleet, tmp_path: Path, how: str) -> None:
    marks = [tmp_path / name for name in fleet.hosts()]
    script = f"echo $$ >{tmp_path}/{{host}}; exec sleep 600"
    if how == "fleet":
        with fleet:
            handle = fleet.exec(script, hosts="all", wait=False)
            begun(handle, marks)
    elif how == "block":
        with fleet.exec(script, hosts="all", wait=False) as handle:
            begun(handle, marks)
    else:
        handle = fleet.exec(script, hosts="all", wait=False)
        begun(handle, marks)
        handle.cancel()
        handle.join()
    assert handle.done
    assert {result.outcome for result in handle.report()} == {Outcome.CANCELLED}
    assert not [mark for mark in marks if is_running(int(mark.read_text()))]


def test_mistakes_are_raised_where_they_are_made(fleet: Fleet) -> None:
    with pytest.raises(UsageError, match="timeout"):
        fleet.exec("true", hosts="all", wait=False, timeout=-1)
    with pytest.raises(PatternError):
        fleet.exec("true", hosts="nobody", wait=False)


def test_breaking_off_a_stream_with_a_callback_ends_the_run(fleet: Fleet) -> None:
    told: list[Result] = []
    events = fleet.stream("[ {host} = db01 ] || exec sleep 600", "all", on_result=told.append)
    for event in events:
        if isinstance(event, Result):
            break
    close: Any = events
    close.close()
    assert [result.host for result in told] == ["db01"]


# -- over SSH


def test_handles_share_the_connections_of_a_block(few_hosts: Lab) -> None:
    def logins() -> int:
        logs = [few_hosts.log(host.name).read_text() for host in few_hosts.hosts]
        return sum(log.count("Accepted publickey") for log in logs)

    before = logins()
    with Fleet(few_hosts.inventory) as fleet:
        web = fleet.select("web")
        handles = [web.exec("echo {host}", wait=False) for _ in range(3)]
        for handle in handles:
            assert [r.out == f"{r.host}\n" for r in handle.report().raise_for_failures()] == [
                True
            ] * 3
        used = logins() - before
        assert 3 <= used <= 9
        again = fleet.on("web01").run("echo on")
        assert again.out == "on\n"
        assert logins() - before == used, "the narrowed fleets' connections are the fleet's"


def test_runs_at_once_each_have_their_own_events(few_hosts: Lab) -> None:
    """Interleaved by hand: each stream has its own run, hosts and results."""
    with Fleet(few_hosts.inventory) as fleet:
        streams = [fleet.stream(f"echo {number} {{host}}", hosts="web") for number in range(2)]
        events: list[list[Event]] = [[], []]
        for first, second in zip(*streams, strict=False):
            events[0].append(first)
            events[1].append(second)
        for mine, stream in zip(events, streams, strict=True):
            mine.extend(stream)
    for number, mine in enumerate(events):
        results = [event for event in mine if isinstance(event, Result)]
        assert {result.out for result in results} == {f"{number} web0{n}\n" for n in (1, 2, 3)}
