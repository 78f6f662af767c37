"""The persistent shell on every shell and userland, over a local pipe."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.engines import make_engine
from support.processes import wait_gone
from support.shells import ShellUnderTest, combinations, shared_shells

import opsrun.remote.shell as shell_module
from opsrun.engine.stop import Stop
from opsrun.errors import (
    Cancelled,
    CommandTimeout,
    ConnectionLost,
    HostError,
    TransferFailed,
    UsageError,
)
from opsrun.remote.session import Session, Stream
from opsrun.transports.pipe import PipeConnection

LIMIT = 60.0
"""Seconds after which a script that hangs fails its test."""


@pytest.fixture(params=[pytest.param(each, id=f"{each[0]}-{each[1]}") for each in combinations()])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> ShellUnderTest:
    return shared_shells(*request.param)


@pytest.fixture
def session(shell: ShellUnderTest) -> Iterator[Session]:
    engine = make_engine()
    connection = PipeConnection(shell.prefix, "here", engine)
    session = Session(connection, engine.now, host="here", shell=shell.words)
    yield session
    session.close()
    connection.close()


@pytest.fixture
def dash(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    engine = make_engine()
    connection = PipeConnection(("/bin/sh", "-c"), "here", engine)
    opened: list[Session] = []

    def make(**options: object) -> Session:
        opened.append(Session(connection, engine.now, host="here", **options))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for each in opened:
        each.close()
    connection.close()


def test_streams_and_status_are_exact(session: Session) -> None:
    ended = session.run("echo out; echo err >&2; exit 3", LIMIT)
    assert (ended.rc, ended.stdout, ended.stderr) == (3, b"out\n", b"err\n")
    ended = session.run(":", LIMIT)
    assert (ended.rc, ended.stdout, ended.stderr, ended.truncated) == (0, b"", b"", False)
    assert session.opened == 1


@pytest.mark.parametrize("apart", [False, True])
def test_binary_goes_both_ways(session: Session, apart: bool) -> None:
    data = random.Random(1).randbytes(300_000)
    assert session.run("cat", LIMIT, data=data, apart=apart).stdout == data
    assert session.run("echo next", LIMIT, apart=apart).stdout == b"next\n"


def test_data_that_nobody_reads_does_not_reach_the_next_frame(session: Session) -> None:
    data = b"echo intruder\n" * 20_000
    ended = session.run('read line; echo "$line"; exit 9', LIMIT, data=data)
    assert (ended.rc, ended.stdout) == (9, b"echo intruder\n")
    assert session.run(":", LIMIT, data=data).rc == 0
    assert session.run("echo next", LIMIT).stdout == b"next\n"


def test_standard_input_is_empty_without_data(session: Session) -> None:
    assert session.run("cat; read x || echo empty", LIMIT).stdout == b"empty\n"
    assert session.run("cat; read x || echo empty", LIMIT, data=b"").stdout == b"empty\n"


def test_a_script_of_200_kilobytes(session: Session) -> None:
    text = "x" * 200_000
    ended = session.run(f"set -- '{text}'\necho ${{#1}}", LIMIT)
    assert ended.stdout == b"200000\n"


BROKEN = [
    "echo 'unbalanced",
    'echo "unbalanced',
    "if true; then",
    "case x in",
    "echo $(",
    "}",
    ")",
    "echo `",
    "cat <<'END'\nno end",
]


def test_broken_scripts_break_nothing_but_themselves(session: Session) -> None:
    for script in BROKEN:
        session.run(script, LIMIT)
        assert session.run("echo next", LIMIT).stdout == b"next\n", script
    assert session.opened == 1


SELFISH = [
    "exit 7",
    "set -e; false",
    "set -u; echo $undefined_here",
    "exec >/dev/null; echo nowhere",
    "exec >&- 2>&- <&-",
    "exec 1>&2",
    "exec cat",
    "trap 'echo trapped' 0; exit 1",
    "cd /; umask 077; PATH=; export PATH",
    "_om=x; _ox=99; _otake() { :; }; unset IFS",
    "kill -9 $(sh -c 'echo $PPID')",
    "ulimit -n 8",
]


def test_what_a_script_does_to_its_shell_ends_with_it(session: Session) -> None:
    for script in SELFISH:
        session.run(script, LIMIT)
        ended = session.run("echo $LC_ALL; echo err >&2", LIMIT)
        assert (ended.rc, ended.stdout, ended.stderr) == (0, b"C\n", b"err\n"), script
    assert session.opened == 1


def test_no_script_knows_the_mark_of_its_end(session: Session) -> None:
    """Whatever a script can read of its shell, and prints, is output."""
    look = "set; export; cat /proc/$$/cmdline /proc/$$/environ; set"
    first = session.run(look, LIMIT)
    second = session.run(look, LIMIT)
    assert first.rc == second.rc == 0
    assert second.stdout.count(b"LC_ALL=") >= 2
    assert session.run("echo next", LIMIT).stdout == b"next\n"


def test_late_output_of_a_script_that_ran_apart_reaches_no_other(
    session: Session, tmp_path: Path
) -> None:
    for name in ("go", "done"):
        os.mkfifo(tmp_path / name)
    left = session.run(
        f"{{ read x <{tmp_path}/go; echo late; echo late >&2; echo x >{tmp_path}/done; }} &"
        "\necho early; exit 4",
        LIMIT,
        apart=True,
    )
    assert (left.rc, left.stdout) == (4, b"early\n")
    ended = session.run(f"echo x >{tmp_path}/go; read y <{tmp_path}/done; echo mine", LIMIT)
    assert (ended.stdout, ended.stderr) == (b"mine\n", b"")


def test_a_child_that_keeps_its_output_open_holds_up_nobody(
    session: Session, tmp_path: Path
) -> None:
    for name, apart in (("one", True), ("two", False)):
        os.mkfifo(tmp_path / name)
        ended = session.run(f"read x <{tmp_path}/{name} & echo on", LIMIT, apart=apart)
        assert ended.stdout == b"on\n"
    session.run(f"echo x >{tmp_path}/one; echo x >{tmp_path}/two", LIMIT)


def test_nothing_is_left_of_a_script_that_ran_apart(session: Session, tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    # The directory has no name any more while the script runs.
    script = f"TMPDIR={tmp}; export TMPDIR; exec sh -c 'ls -A {tmp}'"
    assert session.run(script, LIMIT, apart=True).stdout == b""
    assert session.run("umask", LIMIT, apart=True).stdout == session.run("umask", LIMIT).stdout


def test_scripts_go_out_ahead_and_come_back_in_order(session: Session) -> None:
    ended = session.run_many([f"echo {number}; exit {number}" for number in range(40)], LIMIT)
    assert [(each.rc, each.stdout) for each in ended] == [
        (number, f"{number}\n".encode()) for number in range(40)
    ]


def test_more_is_sent_ahead_than_all_pipes_hold(session: Session) -> None:
    data = random.Random(2).randbytes(150_000)
    tickets = [session.send("cat; cat /dev/null >&2", timeout=LIMIT, data=data) for _ in range(8)]
    assert all(ticket.result().stdout == data for ticket in tickets)


def test_tickets_may_be_asked_in_any_order(session: Session) -> None:
    first, second = session.send("echo 1", timeout=LIMIT), session.send("echo 2", timeout=LIMIT)
    assert second.result().stdout == b"2\n"
    assert first.done
    assert first.result().stdout == b"1\n"


def test_a_script_takes_a_stream_from_the_session_itself(session: Session, tmp_path: Path) -> None:
    data = random.Random(1).randbytes(300_001)
    chunks = (data[at : at + 70_000] for at in range(0, len(data), 70_000))
    script = f"_otake 300000 >{tmp_path}/a; _otake 1 >{tmp_path}/b; echo done; exit 4"
    taking = session.send(script, stream=Stream(len(data), chunks))
    behind = session.send("echo behind")
    ended = taking.result()
    assert (ended.rc, ended.stdout) == (4, b"done\n")
    assert (tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes() == data
    assert behind.result().stdout == b"behind\n"
    assert session.opened == 1


def test_a_stream_that_is_not_taken_stops_its_sender(session: Session) -> None:
    pulled = 0

    def endless() -> Iterator[bytes]:
        nonlocal pulled
        while True:
            pulled += 1 << 20
            yield bytes(1 << 20)

    script = "_otake 100000 >/dev/null; echo 'no room' >&2; exit 71"
    taking = session.send(script, stream=Stream(1 << 40, endless()), timeout=LIMIT)
    behind = session.send("echo never")
    with pytest.raises(TransferFailed, match="no room"):
        taking.result()
    assert pulled < 1 << 30
    with pytest.raises(HostError):
        behind.result()
    assert session.run("echo again", LIMIT).stdout == b"again\n"
    assert session.opened == 2


def test_a_stream_that_breaks_off_at_its_source_ends_the_session(session: Session) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise TransferFailed("the file changed")

    with pytest.raises(TransferFailed, match="the file changed"):
        session.run("_otake 10; echo $?", LIMIT, stream=Stream(10, broken()))
    assert session.run("echo again", LIMIT).stdout == b"again\n"


def test_a_script_that_takes_a_stream_has_time_to_clean_up(
    dash: Callable[..., Session], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where every other one would be killed at once."""
    monkeypatch.setattr(shell_module, "GRACE", 0.0)
    session = dash()
    stage = tmp_path / "stage"

    def chunks() -> Iterator[bytes]:
        yield bytes(1 << 20)
        while not (stage / "99").exists():
            yield b"x"
        raise TransferFailed("the source is gone")

    many = "i=0; while [ $i -lt 100 ]; do : >$i; i=$((i + 1)); done"
    clean = f'trap "" TERM; cd {tmp_path}; for f in stage/*; do rm $f; done; rmdir stage; exit 71'
    trap = f"trap 'exit 71' TERM; trap '{clean}' EXIT"
    script = f"mkdir {stage}; cd {stage}; {trap}; {many}; _otake 90000000 >/dev/null"
    with pytest.raises(TransferFailed, match="the source is gone"):
        session.run(script, stream=Stream(90_000_000, chunks()))
    assert not stage.exists()


def test_a_reader_that_no_signal_reaches_meets_the_end_of_its_input(
    dash: Callable[..., Session], tmp_path: Path
) -> None:
    """As one that is born as the signals go out: the shell that cleans up waits for it."""
    session = dash()
    stage = tmp_path / "stage"

    def chunks() -> Iterator[bytes]:
        yield bytes(1 << 20)
        while not stage.exists():
            yield b"x"
        raise TransferFailed("the source is gone")

    deaf = """sh -c 'trap "" TERM; exec head -c 90000000 >/dev/null'"""
    script = f"trap 'rmdir {stage}; exit 71' TERM EXIT; mkdir {stage}; {deaf}; exit 71"
    with pytest.raises(TransferFailed, match="the source is gone"):
        session.run(script, stream=Stream(90_000_000, chunks()))
    assert not stage.exists()


def test_a_script_that_takes_too_little_can_t_go_unnoticed(session: Session) -> None:
    taking = session.send("_otake 3 >/dev/null", stream=Stream(10, iter([b"0123456789"])))
    with pytest.raises(ConnectionLost, match="lost its place"):
        taking.result()


def test_output_goes_to_whoever_takes_it_as_it_comes(session: Session) -> None:
    taken = bytearray()
    script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo err >&2; exit 2"
    ended = session.run(script, LIMIT, on_stdout=taken.extend)
    assert (ended.rc, ended.stdout, ended.stderr) == (2, b"", b"err\n")
    assert bytes(taken) == b"".join(b"line %d\n" % number for number in range(3000))
    assert not ended.truncated


def test_output_that_can_t_be_taken_ends_the_session(session: Session) -> None:
    def full(data: bytes) -> None:
        raise TransferFailed("no space left on this device")

    with pytest.raises(TransferFailed, match="no space"):
        session.run("cat /dev/zero", LIMIT, on_stdout=full)
    assert session.run("echo again", LIMIT).stdout == b"again\n"


def test_a_shell_that_dies_loses_its_frames_and_is_opened_anew(session: Session) -> None:
    session.run(":", LIMIT)
    tickets = [session.send(script, timeout=LIMIT) for script in ("echo 1", "kill -9 $$", "echo 3")]
    assert tickets[0].result().stdout == b"1\n"
    for ticket in tickets[1:]:
        with pytest.raises(ConnectionLost, match="signal KILL"):
            ticket.result()
    assert session.run("echo again", LIMIT).stdout == b"again\n"
    assert session.opened == 2


def test_a_script_past_its_limit_is_ended_with_the_session(
    session: Session, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    slow = session.send(f"sleep 600 & echo $! >{pids}; wait", timeout=0.3)
    behind = session.send("echo never")
    with pytest.raises(CommandTimeout, match=r"still running after 0\.3 s; it was ended"):
        slow.result()
    with pytest.raises(ConnectionLost, match="a script before this one took too long"):
        behind.result()
    if pids.exists():
        assert wait_gone(int(pids.read_text()))
    assert session.run("echo again", LIMIT).stdout == b"again\n"


def test_the_time_of_a_frame_begins_when_those_before_it_have_ended(
    dash: Callable[..., Session], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "go")
    now = 0.0
    session = dash()
    session._ends = type(session._ends)("here", lambda: now, None, 10.0)
    session.run(":")
    slow = session.send(f"read x <{tmp_path}/go")
    behind = session.send("echo on time", timeout=1.0)
    now = 100.0
    (tmp_path / "go").write_bytes(b"x\n")
    assert slow.result().duration == 100.0
    assert behind.result().stdout == b"on time\n"


def test_output_past_the_cap_is_told(dash: Callable[..., Session]) -> None:
    session = dash(cap=1000)
    ended = session.run("head -c 500000 /dev/zero; echo e >&2; exit 5", LIMIT)
    assert (ended.rc, ended.stdout, ended.stderr) == (5, bytes(1000), b"e\n")
    assert ended.truncated
    assert not session.run("head -c 1000 /dev/zero", LIMIT).truncated
    whole = session.run("head -c 5000 /dev/zero >&2", LIMIT, cap=5000)
    assert (len(whole.stderr), whole.truncated) == (5000, False)


def test_without_a_place_for_its_output_a_script_does_not_run(
    dash: Callable[..., Session], tmp_path: Path
) -> None:
    session = dash()
    ran = tmp_path / "ran"
    # The loop's own TMPDIR can't be changed by a script: a session of its own has another one.
    os.environ["TMPDIR"] = str(tmp_path / "missing")
    words = r"nowhere to put the script's output: .*/missing/opsrun-"
    for data in (None, b"x" * 100_000):
        with pytest.raises(HostError, match=words):
            session.run(f": >{ran}", LIMIT, apart=True, data=data)
    assert not ran.exists()
    assert session.run("echo next", LIMIT).stdout == b"next\n"
    assert session.opened == 1


def test_cancelling_ends_the_session_and_all_that_waits(
    dash: Callable[..., Session], tmp_path: Path
) -> None:
    engine = make_engine()
    stop = Stop(engine)
    session = dash(stop=stop)
    os.mkfifo(tmp_path / "up")
    ticket = session.send(f"echo $$ >{tmp_path}/up; exec sleep 600")

    def cancel() -> None:
        pid.append(int((tmp_path / "up").read_text()))
        stop.cancel("interrupted")
        session.interrupt()

    pid: list[int] = []
    task = engine.spawn(cancel)
    with pytest.raises(Cancelled, match="interrupted"):
        ticket.result()
    task.join()
    assert wait_gone(pid[0])


def test_closing_ends_an_idle_shell_and_one_at_work(dash: Callable[..., Session]) -> None:
    session = dash()
    pid = int(session.run("echo $$", LIMIT).stdout)
    session.close()
    assert wait_gone(pid)
    pid = int(session.run("echo $$", LIMIT).stdout)
    ticket = session.send("sleep 600")
    session.close()
    assert wait_gone(pid)
    with pytest.raises(ConnectionLost, match="was closed"):
        ticket.result()


def test_a_script_with_a_nul_is_refused_and_harms_nothing(dash: Callable[..., Session]) -> None:
    session = dash()
    with pytest.raises(UsageError, match="NUL"):
        session.run("echo \0")
    assert session.run("echo next", LIMIT).stdout == b"next\n"
