"""``opsrun shell`` on real SSH hosts, from a pipe and at a terminal; ``exec``'s kin of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cli import opsrun
from support.processes import wait_gone
from support.terminals import need_sshd_with_terminals
from support.typing_at import typing_at

from opsrun.lab import Lab

MakeLab = Callable[..., Lab]
ENGINES = ("gevent", "threads")

PROMPT = "\x1b[?2004h"
"""What a prompt begins with: pasted text shall be marked as such (xterm's control sequences)."""


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def logins(lab: Lab) -> int:
    logs = [lab.log(host.name).read_text() for host in lab.hosts]
    return sum(log.count("Accepted publickey") for log in logs)


def test_lines_from_a_pipe_run_one_after_the_other(sshd: MakeLab, engine: str) -> None:
    lab = sshd(hosts=3)
    ran = opsrun(
        "shell", "-q", "-i", lab.inventory, "-w", "all", "--engine", engine,
        stdin=b"echo one\n\n# nothing\n:text\necho $OPSRUN_HOST\n:hosts web01\ncd /; pwd\n"
        b":fold\n:nonsense\n:fialed\npwd; exit 5",
    )  # fmt: skip
    assert ran.status == 1
    names = sorted(host.name for host in lab.hosts)
    assert ran.out.splitlines()[1] == "  one"
    for name in names:
        assert f"{name:<5} | {name}" in ran.out
    assert "web01 | /\n" in ran.out
    assert not ran.out.endswith("  /\n"), "what cd did lasts as long as the line"
    assert "no command ':nonsense'" in ran.err
    assert "did you mean ':failed'?" in ran.err
    assert logins(lab) == 3


def test_the_status_is_that_of_the_last_line(lab: Lab) -> None:
    words = ("shell", "-i", lab.inventory, "-w", "web[01-02]")
    assert opsrun(*words, stdin=b"exit 3\ntrue\n").status == 0
    assert opsrun(*words, stdin=b"true\nexit 3\n").status == 1
    assert opsrun(*words, stdin=b"exit 3\n:quit\ntouch /never\n").status == 0
    assert opsrun(*words, stdin=b"").status == 0
    assert opsrun(*words, stdin=b":nonsense\n").status == 2


def test_a_host_that_is_not_there_is_told_and_tried_with_each_line(
    lab: Lab, tmp_path: Path
) -> None:
    more = tmp_path / "more.ini"
    more.write_text("gone ansible_host=127.0.0.1 ansible_port=1\n")
    ran = opsrun(
        "shell", "-i", lab.inventory, "-i", more, "-w", "web01,gone",
        stdin=b"echo $((1+1))\necho $((2+2))\n:failed\n:hosts\n",
    )  # fmt: skip
    assert ran.out == "web01\n  2\nweb01\n  4\n"
    assert ran.err.count("connection refused") == 2
    assert ran.err.endswith("\ngone\n")


def test_limits_hold_for_hosts_that_are_chosen_later(lab: Lab) -> None:
    ran = opsrun(
        "shell", "-i", lab.inventory, "-w", "web01", "-x", "db*", "-o", "jsonl",
        stdin=b":hosts web01,db01,app01\ntrue\n",
    )  # fmt: skip
    assert set(ran.results) == {"web01", "app01"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-w", "-"], "standard input, which the lines come from"),
        (["-w", "wbe01"], "did you mean 'web01'"),
        ([], "which hosts?"),
        (["-w", "web01", "-q", "-v"], "opposite"),
        (["-w", "web01", "--command-timeout", "0"], "--command-timeout"),
        (["-w", "web01", "ls"], "unexpected extra argument"),
    ],
)
def test_mistakes_end_with_2(tmp_path: Path, words: list[str], message: str) -> None:
    inventory = tmp_path / "hosts"
    inventory.write_text("web01 ansible_host=127.0.0.1 ansible_port=1\n")
    ran = opsrun("shell", "-i", inventory, *words, stdin=b"true\n")
    assert ran.status == 2
    assert message in ran.err


def test_hosts_are_listed(lab: Lab) -> None:
    assert opsrun("shell", "-i", lab.inventory, "-w", "web01", "--list-hosts").out == "web01\n"


def test_at_a_terminal(sshd: MakeLab, engine: str, tmp_path: Path) -> None:
    lab = sshd(hosts=2)
    state = str(tmp_path / "state")
    words = ("shell", "-i", lab.inventory, "-w", "all", "--engine", engine)
    with typing_at(*words, XDG_STATE_HOME=state, NO_COLOR="1") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("echo $((6*7)); echo $$; exec sleep 600\r")
        terminal.wait_for("running 2")
        terminal.type("\x03")
        terminal.wait_for("interrupted")
        terminal.wait_for(PROMPT)
        terminal.type("never sent\x03")
        terminal.wait_for(PROMPT)
        terminal.type("echo $((6*8))\r")
        terminal.wait_for("  48")
        terminal.wait_for("ok 2")
        terminal.wait_for(PROMPT)
        terminal.type("\x1b[A\r")  # once more, out of the history
        terminal.wait_for("  48")
        terminal.wait_for(PROMPT)
        terminal.type("\x04")
        assert terminal.status() == 0
    assert logins(lab) == 2
    history = (tmp_path / "state" / "opsrun" / "shell_history").read_text()
    assert history.count("+echo $((6*8))\n") == 1
    assert "never sent" not in history


def test_a_signal_at_the_prompt_leaves_the_terminal_as_it_was(
    lab: Lab, engine: str, tmp_path: Path
) -> None:
    words = ("shell", "-i", lab.inventory, "-w", "web01", "--engine", engine)
    with typing_at(*words, XDG_STATE_HOME=str(tmp_path), NO_COLOR="1") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("echo $((6*7))\r")
        terminal.wait_for("  42")
        terminal.wait_for(PROMPT)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.status() == 143


def test_connections_are_looked_after_while_the_prompt_waits(
    sshd: MakeLab, engine: str, tmp_path: Path
) -> None:
    lab = sshd()
    words = ("shell", "-vv", "-i", lab.inventory, "-w", "all", "-o", "text", "--engine", engine)
    with typing_at(*words, XDG_STATE_HOME=str(tmp_path), NO_COLOR="1") as terminal:
        terminal.wait_for(PROMPT)
        terminal.type("echo pid $PPID\r")
        terminal.wait_for("| pid ")
        server = int(terminal.wait_for("\n").strip())
        terminal.wait_for(PROMPT)
        os.kill(server, signal.SIGKILL)
        assert wait_gone(server)
        terminal.type("echo $((6*7))\r")
        terminal.wait_for("logging in again")
        terminal.wait_for("| 42")
    assert logins(lab) == 2


# -- exec


def test_a_terminal_of_our_size(lab: Lab, engine: str) -> None:
    need_sshd_with_terminals()
    words = ("exec", "-q", "-i", lab.inventory, "-w", "web01", "--engine", engine, "--pty", "--")
    with typing_at(
        *words, "stty size; echo $TERM; echo e >&2; [ -t 0 ] || echo no", NO_COLOR="1"
    ) as terminal:
        shown = terminal.wait_for("| e")
        assert "| 24 80" in shown
        assert "| xterm" in shown
        assert terminal.status() == 0
    ran = opsrun(*words, "stty size; echo $TERM")
    assert ran.out == "web01 | 24 80\nweb01 | dumb\n"


def test_both_outputs_are_one_on_a_terminal(lab: Lab) -> None:
    need_sshd_with_terminals()
    words = ("exec", "-i", lab.inventory, "-o", "json", "-w", "web01", "--pty", "--")
    result = opsrun(*words, "echo o; echo e >&2; exit 3").results["web01"]
    assert (result["stdout"], result["stderr"], result["rc"]) == ("o\ne\n", "", 3)


def test_a_login_password_from_a_file(
    mock_with_password: Callable[[str], Lab], tmp_path: Path
) -> None:
    made = mock_with_password("correct horse")
    host = made.hosts[0]
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(
        f"box ansible_host={host.address} ansible_port={host.port} ansible_user={made.user} "
        "ansible_ssh_args='-o PubkeyAuthentication=no' ansible_host_key_checking=off\n"
    )
    path = tmp_path / "password"
    path.write_text("correct horse\nsecond line\n")
    path.chmod(0o600)
    words = ("exec", "-i", inventory, "-F", "none", "-w", "box", "--password-file", path)
    ran = opsrun(*words, "--", "echo in")
    assert ran.status == 0, ran.err
    assert "box | in" in ran.out
    assert "horse" not in ran.out + ran.err
    path.chmod(0o644)
    ran = opsrun(*words, "--", "echo in")
    assert ran.status == 2
    assert "chmod 600" in ran.err
    ran = opsrun(*words, "-k", "--", "echo in")
    assert ran.status == 2
    assert "both say where" in ran.err
