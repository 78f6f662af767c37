"""What holds for every way to a host."""

from __future__ import annotations

import hashlib
import os

import pytest
from support.engines import until
from support.processes import wait_gone
from support.reach import Ran, Reach, fake, local, over_ssh, over_ssh_program, run

import opsrun.remote.running as running_module
from opsrun.engine.base import Engine
from opsrun.errors import (
    Cancelled,
    CommandTimeout,
    ConnectionFailed,
    ConnectionLost,
)
from opsrun.remote.capture import Capture, MemoryBudget
from opsrun.remote.command import Command
from opsrun.remote.connection import Closed, Data, EndOfOutput, Exited, Process
from opsrun.testing import FakeTransport, Hold, Lose

LONG = 30.0
KEPT_BY_SSH = {
    "test_a_signal_is_told_by_name": "ssh(1) keeps the signal's name to itself",
    "test_a_child_that_holds_the_output_is_left_and_told": "ssh(1) waits for the child, too",
    "test_a_chatty_child_left_behind_can_be_cancelled_and_timed_out": "so it does for this one",
}
"""What ssh(1) doesn't let through."""

WAYS = ("fake", "local", "mock", "sshd", "ssh_binary")


@pytest.fixture(params=WAYS)
def reach(request: pytest.FixtureRequest, engine: Engine) -> Reach:
    """One way to a host."""
    if request.param == "fake":
        return fake(engine)
    if request.param == "local":
        return local(engine)
    if request.param == "mock":
        # It has no "signal" request, and its commands are children of a Python process.
        mock = request.getfixturevalue("mock_host")
        return over_ssh(engine, mock, "web01", "mock", kills=False)
    lab = request.getfixturevalue("lab")
    if request.param == "ssh_binary":
        if request.node.originalname in KEPT_BY_SSH:
            pytest.skip(KEPT_BY_SSH[request.node.originalname])
        return over_ssh_program(engine, lab, "web01")
    return over_ssh(engine, lab, "web01", "sshd", kills=True)


@pytest.fixture
def shell(reach: Reach) -> Reach:
    """A way to a host with a real shell."""
    if not reach.shell:
        pytest.skip("the fake has no shell")
    return reach


# -- streams


def test_exact_bytes_on_both_streams(shell: Reach) -> None:
    ended = run(shell, r"printf 'a\000\377\n\r\033'; printf 'e\000\376\302' >&2")
    assert (ended.stdout, ended.stderr) == (b"a\0\xff\n\r\x1b", b"e\0\xfe\xc2")
    assert (ended.rc, ended.signal, ended.truncated, ended.left_child) == (0, None, False, False)
    assert ended.ok


def test_all_256_bytes_come_back(reach: Reach) -> None:
    every = bytes(range(256)) * 3
    assert run(reach, "cat", stdin=every).stdout == every


@pytest.mark.parametrize("script", ["true", "echo out; echo err >&2; exit 7"])
def test_both_streams_and_the_status(reach: Reach, script: str) -> None:
    if script == "true" and not reach.shell:
        pytest.skip("the fake has no true(1)")
    ended = run(reach, script)
    expected = (b"", b"", 0) if script == "true" else (b"out\n", b"err\n", 7)
    assert (ended.stdout, ended.stderr, ended.rc) == expected


def test_every_exit_status(reach: Reach) -> None:
    transport = reach.make()
    connection = transport.connect()
    try:
        for status in (*range(0, 256, 15), 1, 2, 126, 127, 128, 254):
            ended = Ran(reach, Command(f"exit {status}")).on(connection)
            assert (ended.rc, ended.signal) == (status, None)
            assert ended.ok is (status == 0)
    finally:
        transport.close()


@pytest.mark.parametrize(("number", "name"), [("9", "KILL"), ("TERM", "TERM"), ("HUP", "HUP")])
def test_a_signal_is_told_by_name(reach: Reach, number: str, name: str) -> None:
    ended = run(reach, f"kill -{number} $$")
    assert (ended.rc, ended.signal, ended.ok) == (None, name, False)


def test_chunks_of_a_stream_keep_their_order(shell: Reach) -> None:
    came: list[bytes] = []

    def take(stream: str, data: bytes) -> None:
        assert stream == "stdout"
        came.append(data)

    ended = run(shell, "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done", on_output=take)
    assert ended.stdout == b"".join(b"%d\n" % number for number in range(3000))
    assert b"".join(came) == ended.stdout


def test_three_megabytes_on_stderr_before_stdout_and_then_both(shell: Reach) -> None:
    size = 3_000_000
    ended = run(
        shell,
        f"head -c {size} /dev/zero | tr '\\0' e >&2; head -c {size} /dev/zero | tr '\\0' o & "
        f"head -c {size} /dev/zero | tr '\\0' f >&2; wait",
    )
    assert hashlib.sha256(ended.stdout).digest() == hashlib.sha256(b"o" * size).digest()
    assert ended.stderr == b"e" * size + b"f" * size
    assert ended.rc == 0


# -- standard input


def test_without_stdin_the_command_meets_its_end_at_once(reach: Reach) -> None:
    ended = run(reach, "cat")
    assert (ended.stdout, ended.rc) == (b"", 0)


def test_empty_stdin_is_closed_too(reach: Reach) -> None:
    assert run(reach, "cat", stdin=b"").rc == 0


def test_megabytes_of_stdin_come_back_while_they_are_sent(reach: Reach) -> None:
    """Sending all before reading anything would wait for ever."""
    sent = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(200_000))
    ended = run(reach, "cat", stdin=sent)
    assert hashlib.sha256(ended.stdout).digest() == hashlib.sha256(sent).digest()
    assert len(ended.stdout) == len(sent) == 6_400_000


def test_a_command_need_not_read_its_stdin(reach: Reach) -> None:
    ended = run(reach, "exit 5", stdin=b"x" * 5_000_000)
    assert (ended.rc, ended.stdout) == (5, b"")


def test_a_command_may_close_its_stdin_early(shell: Reach) -> None:
    ended = run(shell, "head -c 3; exec <&-; echo on; exit 4", stdin=b"abc" + bytes(4_000_000))
    assert (ended.rc, ended.stdout) == (4, b"abcon\n")


def test_environment_is_exported_whatever_it_holds(shell: Reach) -> None:
    value = "a'b\"c $(echo no) `echo no` \\ \n * é"
    ended = run(shell, 'printf %s "$VALUE"', env={"VALUE": value, "EMPTY": ""})
    assert ended.stdout.decode() == value


# -- the end


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience of milliseconds, where a real run has seconds."""
    monkeypatch.setattr(running_module, "DRAIN", 0.05)
    monkeypatch.setattr(running_module, "GRACE", 0.3)


@pytest.mark.usefixtures("quick")
def test_a_child_that_holds_the_output_is_left_and_told(reach: Reach) -> None:
    transport = reach.make()
    try:
        script = "sleep 600 & exit 3" if not reach.processes else "sleep 600 & echo $!; exit 3"
        ended = Ran(reach, Command(script)).on(transport.connect())
        assert (ended.rc, ended.left_child, ended.truncated) == (3, True, False)
        if reach.processes:
            os.kill(int(ended.stdout), 0)
            os.kill(int(ended.stdout), 9)
    finally:
        transport.close()


def test_a_child_that_holds_nothing_is_not_waited_for(shell: Reach) -> None:
    ended = run(shell, "sleep 600 </dev/null >/dev/null 2>&1 & echo $!; exit 0")
    assert (ended.rc, ended.left_child) == (0, False)
    os.kill(int(ended.stdout), 9)


def test_output_behind_the_exit_status_is_kept(reach: Reach) -> None:
    script = "echo late" if not reach.shell else "(sleep 0.05; echo late) & exit 0"
    ended = run(reach, script)
    assert (ended.rc, ended.stdout, ended.left_child) == (0, b"late\n", False)


def test_after_closed_there_is_closed_for_ever(reach: Reach) -> None:
    transport = reach.make()
    try:
        process = transport.connect().start("exit 0")
        process.close_stdin()
        process.close_stdin()
        kinds = _to_the_end(process)
        assert kinds.count(Exited) == 1
        assert kinds.count(EndOfOutput) <= 1
        assert process.receive(0) == Closed()
        assert process.receive(None) == Closed()
        process.close()
        process.close()
        assert process.receive(None) == Closed()
        process.wake()
        process.signal("TERM")
        assert process.write(b"too late") == 0
    finally:
        transport.close()


def _to_the_end(process: Process) -> list[type]:
    kinds: list[type] = []
    while Closed not in kinds:
        packet = process.receive(LONG)
        assert packet is not None
        kinds.append(type(packet))
    return kinds


def test_receive_gives_none_after_its_timeout_and_when_woken(reach: Reach) -> None:
    transport = reach.make()
    try:
        process = transport.connect().start("sleep 600")
        assert process.receive(0.01) is None
        task = reach.engine.spawn(process.wake)
        assert process.receive(LONG) is None
        assert task.join(LONG)
        process.signal("KILL")
        process.close()
    finally:
        transport.close()


# -- limits


@pytest.mark.usefixtures("quick")
def test_a_command_that_runs_too_long_is_ended(reach: Reach) -> None:
    transport = reach.make()
    script = "echo begun; sleep 600" if not reach.processes else "echo $$; sleep 600"
    ran = Ran(reach, Command(script, timeout=0.2))
    connection = transport.connect()
    try:
        with pytest.raises(CommandTimeout, match=r"still running after 0\.2 s") as caught:
            ran.on(connection)
    finally:
        transport.close()
    assert caught.value.phase == "run"
    assert ran.stdout.bytes(), "what came until then is kept"
    assert ran.running.may_still_run is not reach.kills
    if reach.processes:
        pid = int(ran.stdout.bytes())
        if not reach.kills:
            os.killpg(pid, 9)
        assert wait_gone(pid)


@pytest.mark.usefixtures("quick")
def test_a_command_that_ignores_term_is_killed(engine: Engine, reach: Reach) -> None:
    if reach.processes and not reach.kills:
        pytest.skip("nothing can be killed here")
    script = "echo begun; sleep 600"
    changes = {}
    if reach.processes:
        script = "trap '' TERM; echo $$; while :; do sleep 600; done"
    else:
        changes = {"ignored": ["TERM"]}
    transport = reach.make(**changes)
    ran = Ran(reach, Command(script, timeout=0.2))
    try:
        with pytest.raises(CommandTimeout, match="it was ended"):
            ran.on(transport.connect())
    finally:
        transport.close()
    if reach.processes:
        assert wait_gone(int(ran.stdout.bytes()))
    else:
        assert isinstance(transport, FakeTransport)
        assert transport.processes[0].signals == ["TERM", "KILL"]


@pytest.mark.usefixtures("quick")
def test_what_can_not_be_ended_is_said_to_run_on(engine: Engine) -> None:
    transport = FakeTransport(engine, {"x": [Data("stdout", b"x")]}, ignored=["TERM", "KILL"])
    ran = Ran(fake(engine), Command("x", timeout=0.01))
    with pytest.raises(CommandTimeout, match="may still be running"):
        ran.on(transport.connect())
    assert ran.running.may_still_run


def test_time_that_the_operators_terminal_takes_does_not_count(engine: Engine) -> None:
    clock = [0.0]

    def slow(stream: str, data: bytes) -> None:
        clock[0] += 100.0

    transport = FakeTransport(engine, lambda script: [Data("stdout", b"x"), Exited(0), Closed()])
    reach = fake(engine)
    ran = Ran(reach, Command("x", timeout=1.0), on_output=slow)
    ran.running._clock = lambda: clock[0]
    assert ran.on(transport.connect()).rc == 0


def test_output_past_the_cap_is_passed_on_but_not_kept(reach: Reach) -> None:
    seen = 0

    def count(stream: str, data: bytes) -> None:
        nonlocal seen
        seen += len(data)

    ended = run(reach, "head -c 100000 /dev/zero", cap=70_001, on_output=count)
    assert (len(ended.stdout), ended.truncated, ended.rc) == (70_001, True, 0)
    assert seen == 100_000
    assert run(reach, "head -c 70001 /dev/zero", cap=70_001).truncated is False


def test_the_budget_of_the_run_is_shared(reach: Reach) -> None:
    budget = MemoryBudget(150_000, reach.engine.lock())
    sizes = [len(run(reach, "head -c 100000 /dev/zero", budget=budget).stdout) for _ in range(3)]
    assert sizes == [100_000, 50_000, 0]


def test_nothing_is_kept_behind_a_gap() -> None:
    import threading

    budget = MemoryBudget(10, threading.Lock())
    first, second = Capture(6, budget), Capture(100, budget)
    first.add(b"abcdefgh")
    first.add(b"i")
    second.add(b"0123456")
    second.add(b"7")
    assert (first.bytes(), first.total, first.truncated) == (b"abcdef", 9, True)
    assert (second.bytes(), second.total, second.truncated) == (b"0123", 8, True)


# -- cancelled


@pytest.mark.usefixtures("quick")
def test_cancelled_while_it_runs(reach: Reach) -> None:
    begun = reach.engine.event()
    script = "echo begun; sleep 600" if not reach.processes else "echo $$; sleep 600"
    transport = reach.make()
    connection = transport.connect()
    ran = Ran(reach, Command(script), on_output=lambda stream, data: begun.set())
    task = reach.engine.spawn(ran.quietly, connection)
    assert begun.wait(LONG)
    ran.stop.cancel("the operator said so")
    assert task.join(LONG)
    transport.close()
    assert isinstance(ran.error, Cancelled)
    assert "the operator said so" in str(ran.error)
    assert ran.running.sent
    assert ran.running.may_still_run is not reach.kills
    if reach.processes:
        pid = int(ran.stdout.bytes())
        if not reach.kills:
            os.killpg(pid, 9)
        assert wait_gone(pid)


@pytest.mark.usefixtures("quick")
def test_cancelled_behind_the_exit_status_the_result_stands(engine: Engine) -> None:
    hold, exited = Hold(engine), engine.event()
    transport = FakeTransport(engine, {"x": [Exited(3), Data("stdout", b"x"), hold]})
    ran = Ran(fake(engine), Command("x"), on_output=lambda stream, data: exited.set())
    task = engine.spawn(ran.quietly, transport.connect())
    assert exited.wait(LONG)
    ran.stop.cancel("over")
    assert task.join(LONG)
    assert ran.error is None
    assert ran.result is not None
    assert (ran.result.rc, ran.result.stdout) == (3, b"x")


def test_a_chatty_child_left_behind_can_be_cancelled_and_timed_out(shell: Reach) -> None:
    """It never falls silent, so that silence is no end to wait for."""
    script = "(while :; do echo x; sleep 0.02; done) & exit 3"
    transport = shell.make()
    connection = transport.connect()
    ended = Ran(shell, Command(script, timeout=0.3)).on(connection)
    assert (ended.rc, ended.left_child, ended.truncated) == (3, True, True)
    chatty = shell.engine.event()
    ran = Ran(shell, Command(script), on_output=lambda stream, data: chatty.set())
    task = shell.engine.spawn(ran.quietly, connection)
    assert chatty.wait(LONG)
    until(shell.engine, lambda: ran.running._exited)
    ran.stop.cancel("over")
    assert task.join(LONG)
    transport.close()
    assert ran.result is not None
    assert (ran.result.rc, ran.result.left_child, ran.result.truncated) == (3, True, True)


def test_cancelled_before_anything_was_started(reach: Reach) -> None:
    transport = reach.make()
    connection = transport.connect()
    ran = Ran(reach, Command("exit 0"))
    ran.stop.cancel("over")
    with pytest.raises(Cancelled, match="over"):
        ran.on(connection)
    assert not ran.running.sent
    transport.close()


def test_cancelled_while_the_channel_opens(engine: Engine) -> None:
    hold = Hold(engine)
    transport = FakeTransport(engine, {"x": [Exited(0)]}, opening=[hold])
    ran = Ran(fake(engine), Command("x"))
    task = engine.spawn(ran.quietly, transport.connect())
    assert hold.reached.wait(LONG)
    ran.stop.cancel("over")
    assert task.join(LONG)
    assert isinstance(ran.error, Cancelled)
    assert ran.error.phase == "open"
    assert not ran.running.sent
    assert transport.started == []


def test_closed_before_it_connects(reach: Reach) -> None:
    transport = reach.make()
    transport.close()
    transport.close()
    with pytest.raises((ConnectionFailed, Cancelled)):
        transport.connect()


def test_closing_from_another_task_ends_a_command_under_way(reach: Reach) -> None:
    begun = reach.engine.event()
    script = "echo begun; sleep 600" if not reach.processes else "echo $$; exec sleep 600"
    transport = reach.make()
    connection = transport.connect()
    ran = Ran(reach, Command(script), on_output=lambda stream, data: begun.set())
    task = reach.engine.spawn(ran.quietly, connection)
    assert begun.wait(LONG)
    transport.close()
    transport.close()
    connection.close()
    assert task.join(LONG)
    assert isinstance(ran.error, ConnectionLost)
    assert ran.stdout.bytes(), "what came until then is kept"
    if reach.processes:
        try:
            os.kill(int(ran.stdout.bytes()), 9)
        except ProcessLookupError:
            pass


# -- how it breaks


def test_a_break_in_mid_output_keeps_what_came(engine: Engine) -> None:
    transport = FakeTransport(engine, {"x": [Data("stdout", b"partial"), Lose("reset by peer")]})
    ran = Ran(fake(engine), Command("x"))
    with pytest.raises(ConnectionLost, match="reset by peer"):
        ran.on(transport.connect())
    assert ran.stdout.bytes() == b"partial"
    assert ran.running.sent


def test_a_break_behind_the_exit_status_costs_output_and_not_the_verdict(engine: Engine) -> None:
    steps = [Exited(3), Data("stdout", b"partial"), Lose("reset by peer")]
    ended = Ran(fake(engine), Command("x")).on(FakeTransport(engine, {"x": steps}).connect())
    assert (ended.rc, ended.stdout, ended.truncated) == (3, b"partial", True)


def test_closed_without_an_exit_status_is_lost(engine: Engine) -> None:
    transport = FakeTransport(engine, {"x": [EndOfOutput(), Closed()]})
    with pytest.raises(ConnectionLost, match="without an exit status"):
        Ran(fake(engine), Command("x")).on(transport.connect())


def test_a_break_while_it_is_ended_leaves_the_reason_standing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = FakeTransport(engine, {"x": [Data("stdout", b"x")]}, ignored=["TERM", "KILL"])
    connection = transport.connect()
    ran = Ran(fake(engine), Command("x", timeout=0.01))

    def lose(*args: object) -> None:
        transport.processes[0].lose("gone")

    monkeypatch.setattr(running_module, "end_all", lose)
    monkeypatch.setattr(running_module, "SIGNAL_ANSWER", 0.01)
    with pytest.raises(CommandTimeout, match="may still be running"):
        ran.on(connection)


def test_a_failed_start_is_a_failed_connection(engine: Engine) -> None:
    refusal = ConnectionFailed("administratively prohibited", host="h", phase="open")
    transport = FakeTransport(engine, {}, opening=[refusal])
    ran = Ran(fake(engine), Command("x"))
    with pytest.raises(ConnectionFailed) as caught:
        ran.on(transport.connect())
    assert caught.value.phase == "open"
    assert not ran.running.sent


def test_a_slow_reader_stalls_the_command_and_not_our_memory(shell: Reach) -> None:
    transport = shell.make()
    try:
        process = transport.connect().start("echo $$; exec cat /dev/zero")
        first = process.receive(LONG)
        assert isinstance(first, Data)
        pid = int(first.data.partition(b"\n")[0])
        # Our window, the server's buffers and the sockets'; without a bound it would never stall.
        assert _written_when_stalled(shell.engine, pid) < 32 * 1024 * 1024
        os.kill(pid, 9)
        process.close()
    finally:
        transport.close()


def _written_when_stalled(engine: Engine, pid: int) -> int:
    """Bytes that the process has written (proc(5)) once it writes no more."""
    before, same = -1, 0
    while same < 5:
        engine.event().wait(0.02)
        with open(f"/proc/{pid}/io") as file:
            written = int(next(line for line in file if line.startswith("wchar")).split()[1])
        assert written < 1 << 30, "it goes on and on"
        same = same + 1 if written == before else 0
        before = written
    return before


def test_many_commands_on_one_connection(reach: Reach) -> None:
    transport = reach.make()
    try:
        connection = transport.connect()
        for number in range(20):
            assert Ran(reach, Command(f"exit {number}")).on(connection).rc == number
    finally:
        transport.close()


def test_commands_at_the_same_time_on_one_connection(reach: Reach) -> None:
    transport = reach.make()
    try:
        connection = transport.connect()
        every = [Ran(reach, Command("cat", stdin=b"%d" % number * 9999)) for number in range(6)]
        tasks = [reach.engine.spawn(ran.quietly, connection) for ran in every]
        assert all(task.join(LONG) for task in tasks)
        for number, ran in enumerate(every):
            assert ran.error is None
            assert ran.stdout.bytes() == b"%d" % number * 9999
    finally:
        transport.close()
