"""Commands on a terminal, and commands for hosts that have no shell of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest
from paramiko.common import MSG_CHANNEL_CLOSE
from support import evil
from support.evil import EvilSSH
from support.processes import wait_gone
from support.reach import Ran, Reach, local, over_ssh
from support.terminals import need_sshd_with_terminals

import opsrun.remote.running as running_module
from opsrun import Fleet, NotBuiltError, UsageError
from opsrun.engine.base import Engine
from opsrun.errors import CommandTimeout, ConnectionFailed
from opsrun.events import Event, Notice, Outcome, Result
from opsrun.lab import Lab
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.connection import Manner, Terminal
from opsrun.remote.deadline import Timeouts

TERMINAL = Manner(Terminal(101, 31, "vt100"))
RAW = Manner(raw=True)


@pytest.fixture(params=["local", "sshd"])
def reach(request: pytest.FixtureRequest, engine: Engine) -> Reach:
    """A way to a host that gives terminals."""
    if request.param == "local":
        return local(engine)
    need_sshd_with_terminals()
    return over_ssh(engine, request.getfixturevalue("lab"), "web01", "sshd", kills=True)


def on_terminal(reach: Reach, script: str, stdin: bytes | None = None) -> CommandResult:
    transport = reach.make()
    try:
        return Ran(reach, Command(script, stdin=stdin, manner=TERMINAL)).on(transport.connect())
    finally:
        transport.close()


def test_all_three_streams_are_one_terminal_of_our_size(reach: Reach) -> None:
    ended = on_terminal(
        reach, "for n in 0 1 2; do [ -t $n ] || echo $n; done; stty size; echo $TERM; echo e >&2"
    )
    assert (ended.stdout, ended.stderr) == (b"31 101\nvt100\ne\n", b"")
    assert (ended.rc, ended.left_child, ended.truncated) == (0, False, False)


def test_it_is_the_controlling_terminal(reach: Reach) -> None:
    assert on_terminal(reach, "echo there >/dev/tty").stdout == b"there\n"


def test_how_it_ended_is_told(reach: Reach) -> None:
    assert on_terminal(reach, "exit 7").rc == 7
    assert on_terminal(reach, "kill -9 $$").signal == "KILL"


@pytest.mark.parametrize(
    ("typed", "came"),
    [(None, b""), (b"", b""), (b"a\nb\n", b"a\nb\n"), (b"a\nb", b"a\nb")],
    ids=["nothing", "empty", "lines", "no newline"],
)
def test_what_is_typed_is_not_echoed_and_has_an_end(
    reach: Reach, typed: bytes | None, came: bytes
) -> None:
    assert on_terminal(reach, "cat; echo over", typed).stdout == came + b"over\n"


def test_more_is_typed_than_the_terminal_holds(reach: Reach) -> None:
    typed = b"".join(b"%07d\n" % number for number in range(5_000))
    assert on_terminal(reach, "cat | sha256sum; echo over", typed).stdout.endswith(b"  -\nover\n")
    assert on_terminal(reach, "cat", typed).stdout == typed


def test_much_output_comes_whole(reach: Reach) -> None:
    ended = on_terminal(reach, "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done")
    assert ended.stdout == b"".join(b"%d\n" % number for number in range(20_000))


def test_it_need_not_read_what_is_typed(reach: Reach) -> None:
    assert on_terminal(reach, "exit 5", b"x\n" * 200_000).rc == 5


def test_what_runs_too_long_on_a_terminal_is_ended(
    reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_module, "GRACE", 0.3)
    transport = reach.make()
    ran = Ran(reach, Command("trap '' HUP; echo $$; sleep 600", timeout=0.3, manner=TERMINAL))
    try:
        with pytest.raises(CommandTimeout, match="it was ended"):
            ran.on(transport.connect())
    finally:
        transport.close()
    assert wait_gone(int(ran.stdout.bytes()))


def test_a_command_without_a_terminal_has_none(reach: Reach) -> None:
    transport = reach.make()
    try:
        ended = Ran(reach, Command("test -t 1")).on(transport.connect())
    finally:
        transport.close()
    assert ended.rc == 1


def test_from_python(lab: Lab) -> None:
    need_sshd_with_terminals()
    script = "stty size; [ -t 0 ] && echo $TERM"
    report = Fleet(lab.inventory).exec(script, hosts="web01", pty=True)
    assert report["web01"].stdout == b"24 80\ndumb\n"


def test_a_host_that_gives_no_terminal(sshd: Callable[..., Lab]) -> None:
    lab = sshd("PermitTTY no")
    name = lab.hosts[0].name
    with Fleet(lab.inventory) as fleet:
        result = fleet.exec("touch here", hosts=name, pty=True)[name]
        assert result.outcome is Outcome.UNREACHABLE
        assert result.error is not None
        assert result.error.phase == "exec"
        assert ": no terminal: the server refused after " in result.error.message
        assert "PermitTTY" in result.error.hint
        assert fleet.exec("test -e here", hosts=name)[name].rc == 1


@pytest.mark.parametrize(
    ("variables", "options", "error", "words"),
    [
        ("ansible_connection=docker", {"pty": True}, NotBuiltError, "--pty doesn't go through"),
        ("ansible_connection=docker", {"raw": True}, NotBuiltError, "--raw doesn't go through"),
        (
            "ansible_become=yes ansible_become_user=x",
            {"pty": True},
            NotBuiltError,
            "--pty doesn't go with become",
        ),
        (
            "ansible_become=yes ansible_become_user=x",
            {"raw": True},
            NotBuiltError,
            "--raw doesn't go with become",
        ),
        ("ansible_connection=local", {"raw": True}, UsageError, "over SSH"),
        ("", {"raw": True, "env": {"X": "1"}}, UsageError, "takes no variables"),
        ("", {"raw": True, "stdin": b""}, UsageError, "takes no standard input"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_reached(
    tmp_path: Path, variables: str, options: dict[str, object], error: type, words: str
) -> None:
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(f"box ansible_host=127.0.0.1 ansible_port=1 {variables}\n")
    with pytest.raises(error, match=words):
        Fleet(inventory).exec("true", hosts="box", **options)  # type: ignore[arg-type]


# -- raw


@dataclass
class Switch:
    """A network device: a shell to type at, no commands, no exit status.

    Args:
        ends: what it does once it has said all it has to say.
    """

    ends: Callable[[evil.Command], None]
    typed: list[bytes] = field(default_factory=list)

    def __call__(self, command: evil.Command) -> None:
        channel, heard = command.channel, b""
        channel.sendall(b"switch#")
        while data := channel.recv(4096):
            heard += data
        self.typed.append(heard)
        channel.sendall(b"Version 12.2\r\nswitch#")
        self.ends(command)


def orderly(command: evil.Command) -> None:
    """End of output, then the channel's end."""
    command.channel.shutdown_write()
    command.channel.close()


def abrupt(command: evil.Command) -> None:
    """The channel's end, without an end of output."""
    message = command._message(MSG_CHANNEL_CLOSE)
    command._send(message)


def dropped(command: evil.Command) -> None:
    """The connection's end."""
    command.channel.shutdown_write()
    command.server.hang_up()


@dataclass
class Devices:
    """Runs commands raw against an `EvilSSH`."""

    directory: Path
    events: list[Event] = field(default_factory=list)

    def run(self, server: EvilSSH, words: str = "show version", **options: object) -> Result:
        inventory = self.directory / "device.ini"
        inventory.write_text(
            f"switch ansible_host=127.0.0.1 ansible_port={server.port} ansible_user=admin "
            f"ansible_password={evil.FULL} ansible_host_key_checking=off\n"
        )
        fleet = Fleet(inventory, ssh_config="none")
        self.events = list(fleet.stream(words, hosts="switch", raw=True, **options))  # type: ignore[arg-type]
        [result] = [event for event in self.events if isinstance(event, Result)]
        return result

    @property
    def notices(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Notice)]


@pytest.fixture
def devices(tmp_path: Path) -> Devices:
    return Devices(tmp_path)


def no_commands(command: evil.Command) -> bool:
    return False


def a_shell(command: evil.Command) -> bool:
    return True


def test_a_switch_that_has_a_shell_only(devices: Devices) -> None:
    switch = Switch(orderly)
    with EvilSSH(run=switch, on_exec=no_commands, on_shell=a_shell) as server:
        result = devices.run(server, "show version\nshow clock")
    assert (result.outcome, result.rc, result.signal) == (Outcome.OK, None, None)
    assert result.stdout == b"switch#Version 12.2\r\nswitch#"
    assert result.data == {"no_exit_status": True}
    assert "gave no exit status" in "".join(devices.notices)
    assert switch.typed == [b"show version\nshow clock\n"]
    assert server.commands == [b"show version\nshow clock"]


def test_a_long_script_is_typed_whole(devices: Devices) -> None:
    switch = Switch(orderly)
    # No longer: the request for a command has to be one packet.
    words = "\n".join(f"interface {number}" for number in range(2_000))
    with EvilSSH(run=switch, on_exec=no_commands, on_shell=a_shell) as server:
        result = devices.run(server, words)
    assert result.outcome is Outcome.OK
    assert switch.typed == [words.encode() + b"\n"]


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [(orderly, Outcome.OK), (abrupt, Outcome.LOST), (dropped, Outcome.LOST)],
)
@pytest.mark.parametrize("shell", [False, True], ids=["command", "shell"])
def test_no_exit_status_is_good_only_behind_a_good_end(
    devices: Devices, ends: Callable[[evil.Command], None], outcome: Outcome, shell: bool
) -> None:
    def run(command: evil.Command) -> None:
        while command.channel.recv(4096):
            pass
        command.channel.sendall(b"said")
        ends(command)
        if ends is abrupt:
            command.server.block()

    on_exec = no_commands if shell else a_shell
    with EvilSSH(run=run, on_exec=on_exec, on_shell=a_shell) as server:
        result = devices.run(server)
    assert result.outcome is outcome
    assert (result.rc, result.stdout) == (None, b"said")
    assert ("no_exit_status" in result.data) is (outcome is Outcome.OK)


def test_an_exit_status_counts_where_there_is_one(devices: Devices) -> None:
    with EvilSSH(run=lambda command: command.finish(3)) as server:
        result = devices.run(server, "$x 'y'")
    assert (result.outcome, result.rc, result.data) == (Outcome.FAILED, 3, {})
    assert server.commands == [b"$x 'y'"], "as they are"


def test_neither_commands_nor_a_shell(devices: Devices) -> None:
    with EvilSSH(on_exec=no_commands) as server:
        result = devices.run(server)
    assert result.outcome is Outcome.UNREACHABLE
    assert result.error is not None
    assert ": the server takes neither a command nor a shell after " in result.error.message


def test_nothing_else_is_ever_started_there(
    devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_module, "SIGNAL_ANSWER", 0.05)
    monkeypatch.setattr(running_module, "GRACE", 0.05)
    with EvilSSH(run=lambda command: command.server.block()) as server:
        result = devices.run(server, timeout=0.2)
    assert result.outcome is Outcome.FAILED
    assert result.data == {"may_still_run": True}
    assert server.commands == [b"show version"]


def test_no_answer_to_a_raw_command_is_no_refusal(
    devices: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be running: it must not be typed a second time."""
    names = [each.name for each in fields(Timeouts)]
    seconds = dict(zip(names, Timeouts.__init__.__defaults__ or (), strict=True))
    monkeypatch.setattr(Timeouts.__init__, "__defaults__", (*(seconds | {"exec": 0.3}).values(),))
    shells: list[bytes] = []

    def silent(command: evil.Command) -> bool:
        command.server.block()
        return False

    def remember(command: evil.Command) -> bool:
        shells.append(command.words)
        return True

    with EvilSSH(on_exec=silent, on_shell=remember) as server:
        result = devices.run(server)
    assert result.outcome is Outcome.LOST
    assert result.error is not None
    assert (result.error.phase, result.error.hint) == ("exec", "it may or may not have run")
    assert shells == []


def test_a_terminal_for_a_device(devices: Devices, engine: Engine) -> None:
    asked: list[tuple[bytes, int, int]] = []

    def give(kind: bytes, columns: int, rows: int, modes: bytes) -> bool:
        asked.append((kind, columns, rows))
        return True

    switch = Switch(orderly)
    with EvilSSH(run=switch, on_exec=no_commands, on_shell=a_shell, on_pty=give) as server:
        result = devices.run(server, pty=True)
    assert result.outcome is Outcome.OK
    assert asked == [(b"dumb", 80, 24)] * 2
    assert switch.typed == [b"show version\n"], "no Ctrl-D: who knows what that means there"


def test_without_raw_no_exit_status_is_lost(
    devices: Devices, engine: Engine, tmp_path: Path
) -> None:
    def run(command: evil.Command) -> None:
        command.channel.sendall(b"said")
        orderly(command)

    with EvilSSH(run=run) as server:
        result = devices.run(server)
        assert result.outcome is Outcome.OK
        fleet = Fleet(tmp_path / "device.ini", ssh_config="none")
        assert fleet.exec("x", hosts="switch")["switch"].outcome is Outcome.LOST


def test_a_refused_command_is_not_typed_unless_raw(devices: Devices, tmp_path: Path) -> None:
    switch = Switch(orderly)
    with EvilSSH(run=switch, on_exec=no_commands, on_shell=a_shell) as server:
        devices.run(server)
        fleet = Fleet(tmp_path / "device.ini", ssh_config="none")
        result = fleet.exec("x", hosts="switch")["switch"]
    assert result.outcome is Outcome.UNREACHABLE
    assert result.error is not None
    assert ": the server refused to run the command after " in result.error.message
    assert len(switch.typed) == 1


def test_the_error_names_what_can_not_be_done(engine: Engine) -> None:
    from opsrun.remote.connection import only_usual

    only_usual(Manner(), "h", "docker")
    with pytest.raises(ConnectionFailed, match="docker gives no terminal"):
        only_usual(TERMINAL, "h", "docker")
    with pytest.raises(ConnectionFailed, match="docker can't send a command raw"):
        only_usual(RAW, "h", "docker")
