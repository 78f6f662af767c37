"""Commands as another user, on a host with real sudo and su."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from support.become_host import PASSWORDS, BecomeHost, become_host, obstacle
from support.cli import Ran, command, opsrun
from support.engines import make_engine, until
from support.processes import mentioning, wait_gone

import opsrun as library
from opsrun.composition.fleetway import Fleetway
from opsrun.composition.ways import find_ways
from opsrun.errors import CommandTimeout
from opsrun.inventory import load_inventory
from opsrun.remote.session import Session
from opsrun.transports.targets.build import ConnectionDefaults

pytestmark = [pytest.mark.root, pytest.mark.sshd]


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BecomeHost]:
    """One host, ``box``, with the users of `support.become_host`."""
    if reason := obstacle():
        pytest.skip(reason)
    with become_host(tmp_path_factory.mktemp("become")) as host:
        yield host


def seconds_of_its_own() -> str:
    """For a sleep by which a test knows its processes: digits that nothing else mentions."""
    return str(random.randrange(10**15, 10**16))


def run(
    box: BecomeHost, user: str, *words: str, stdin: bytes | None = None, **variables: object
) -> Ran:
    inventory = box.inventory(user, **variables)
    return opsrun("exec", "-i", inventory, "-o", "json", "-w", "box", *words, stdin=stdin)


def as_alice(box: BecomeHost, *words: str, stdin: bytes | None = None, **more: object) -> Ran:
    known = {"ansible_become": True, "ansible_become_password": PASSWORDS["alice"]}
    return run(box, "alice", *words, stdin=stdin, **(known | more))


def error_of(ran: Ran) -> dict[str, str]:
    result = ran.results["box"]
    assert result["outcome"] == "failed", result
    assert result["error"]["phase"] == "become"
    assert (result["stdout"], result["rc"]) == ("", None)
    return result["error"]  # type: ignore[no-any-return]


def test_sudo_with_a_password_is_as_exact_as_without_become(box: BecomeHost) -> None:
    script = "id -un; id -u; echo err >&2; echo $X; echo ${LC_ALL-none}; exit 5"
    ran = as_alice(box, "--env", "X=it's $me", "--", script)
    result = ran.results["box"]
    assert result["stdout"] == "root\n0\nit's $me\nnone\n"
    assert (result["stderr"], result["rc"], result["signal"]) == ("err\n", 5, None)


def test_standard_input_and_binary_output_pass_through(box: BecomeHost) -> None:
    data = random.Random(4).randbytes(2_000_000)
    with ExitStack() as stack:
        session = open_session(box, stack)
        assert session.run("cat", 60.0, data=data).stdout == data
    text = "no end of line" * 50_000
    ran = as_alice(box, "--stdin", "--", "cat; cat >&2", stdin=text.encode())
    assert ran.results["box"]["stdout"] == text


def test_without_standard_input_there_is_none(box: BecomeHost) -> None:
    assert as_alice(box, "--", "cat; read x; echo $?").results["box"]["stdout"] == "1\n"


def test_a_signal_is_told_from_a_status(box: BecomeHost) -> None:
    ran = as_alice(box, "--", "kill -9 $$")
    assert (ran.results["box"]["signal"], ran.results["box"]["rc"]) == ("KILL", None)


def test_the_command_line_says_whom_and_how(box: BecomeHost, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORDS["alice"] + "\nsecond line\n")
    secret.chmod(0o600)
    words = ("-b", "--become-user", "bob", "--become-password-file", str(secret))
    assert run(box, "alice", *words, "--", "id -un").results["box"]["stdout"] == "bob\n"
    assert run(box, "alice", "--", "id -un").results["box"]["stdout"] == "alice\n"
    # A password alone is for hosts that become by themselves.
    ran = run(box, "alice", *words[3:], "--", "id -un", ansible_become=True)
    assert ran.results["box"]["stdout"] == "root\n"


def test_sudo_without_a_password(box: BecomeHost) -> None:
    assert run(box, "free", "-b", "--", "id -un").results["box"]["stdout"] == "root\n"


@pytest.mark.parametrize("flags", ["-i", "-H -S -n -i", "-s", "-E", ""])
def test_flags_of_sudo(box: BecomeHost, flags: str) -> None:
    script = 'echo "$HOME" \'$x\' `id -un`; printf \'%s\' "\\$""\'é\\\\" \n echo two'
    ran = run(box, "free", "-b", "--", script, ansible_become_flags=flags)
    home, *rest = ran.results["box"]["stdout"].split("\n", 1)[0].split(" ", 1)
    assert rest == ["$x root"]
    assert home == ("/home/free" if flags == "-E" else "/root")
    assert ran.results["box"]["stdout"].endswith("$'é\\two\n")


def test_su_with_the_other_users_password(box: BecomeHost) -> None:
    known = {"ansible_become_method": "su", "ansible_become_user": "bob"}
    ran = as_alice(box, "--", "id -un; cat", **known, ansible_become_password=PASSWORDS["bob"])
    assert ran.results["box"]["stdout"] == "bob\n"
    assert error_of(as_alice(box, "--", "id", **known))["message"] == "wrong password for bob"


def test_root_becomes_anybody_and_nobody_becomes_themselves(box: BecomeHost) -> None:
    words = ("-b", "--become-method", "su", "--become-user")
    assert run(box, "root", *words, "bob", "--", "id -un").results["box"]["stdout"] == "bob\n"
    ran = run(box, "bob", *words, "bob", "--", "id -un")
    assert ran.results["box"]["stdout"] == "bob\n"
    assert "no login shell" in error_of(run(box, "root", *words, "service", "--", "id"))["message"]
    shell = {"ansible_become_flags": "-s /bin/sh"}
    ran = run(box, "root", *words, "service", "--", "id -un", **shell)
    assert ran.results["box"]["stdout"] == "service\n"


CAROL = {"ansible_become": True, "ansible_become_password": PASSWORDS["carol"]}


@pytest.mark.parametrize(
    ("user", "variables", "message", "hint"),
    [
        ("alice", {"ansible_become_password": "no"}, "wrong password for sudo", "sent once"),
        ("alice", {}, "sudo needs a password", "-K"),
        ("carol", CAROL, "the login user is not in the sudoers file", "-u"),
        ("tied", {}, "sudo wants a terminal (requiretty)", "!requiretty"),
        ("free", {"ansible_become_user": "nosuch"}, "there is no user nosuch", ""),
        ("free", {"ansible_become_exe": "/no/sudo"}, "there is no /no/sudo on this host", "method"),
        ("free", {"ansible_become_method": "doas"}, "there is no doas on this host", "method"),
        ("free", {"ansible_become_flags": "-Z"}, "sudo doesn't take these flags", "_flags"),
    ],
)
def test_refusals_are_told_apart(
    box: BecomeHost, user: str, variables: dict[str, object], message: str, hint: str
) -> None:
    ran = run(box, user, "--", "touch /tmp/it-ran", **{"ansible_become": True, **variables})
    assert ran.status == 1
    error = error_of(ran)
    assert error["message"] == message
    assert hint in error["hint"]
    assert run(box, "free", "-b", "--", "test -e /tmp/it-ran").results["box"]["rc"] == 1


def test_the_password_is_sent_nowhere_but_to_sudo(box: BecomeHost) -> None:
    canary = PASSWORDS["alice"]
    look = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ; ls /tmp; env"
    ran = as_alice(box, "-vvv", "--", look)
    assert ran.results["box"]["rc"] == 0
    for text in (ran.out, ran.err):
        assert canary not in text
        assert json.dumps(canary)[1:-1] not in text


def test_what_the_other_user_runs_is_gone_after_its_time(box: BecomeHost) -> None:
    number = seconds_of_its_own()
    script = f"sleep {number}.5 & setsid sleep {number}.25 & exec sleep {number}.125"
    ran = as_alice(box, "--command-timeout", "1", "--", script)
    result = ran.results["box"]
    assert "still running after 1 s; it was ended" in result["error"]["message"]
    assert "may_still_run" not in result.get("data", {})
    assert all(wait_gone(pid) for pid in mentioning(number) if pid != os.getpid())


def open_session(box: BecomeHost, stack: ExitStack, user: str = "alice") -> Session:
    engine = make_engine()
    known = {"ansible_become": True, "ansible_become_password": PASSWORDS["alice"]}
    inventory = load_inventory([str(box.inventory(user, **known))])
    fleetway = Fleetway(engine)
    stack.callback(fleetway.close)
    ways = find_ways(inventory.select("box"), ConnectionDefaults(), becomes=True)
    (job,) = fleetway.jobs(ways, ("test",), "test")
    transport = job.transport()
    stack.callback(transport.close)
    session = Session(transport.connect(), engine.now, host="box")
    stack.callback(session.close)
    return session


def test_a_session_becomes_once_for_all_its_scripts(box: BecomeHost) -> None:
    with ExitStack() as stack:
        session = open_session(box, stack)
        ended = session.run_many(["id -un", "echo $PPID", "echo $PPID", "exit 3"], 60.0)
        assert [each.stdout for each in ended][:1] == [b"root\n"]
        assert ended[1].stdout == ended[2].stdout
        assert ended[3].rc == 3


def test_a_session_is_killed_as_the_user_that_it_runs_as(box: BecomeHost) -> None:
    number = seconds_of_its_own()
    with ExitStack() as stack:
        session = open_session(box, stack)
        with pytest.raises(CommandTimeout, match="it was ended"):
            session.run(f"sleep {number} & exec sleep {number}", 1.0)
        assert all(wait_gone(pid) for pid in mentioning(f"{number}\0"))
        assert session.run("id -un", 60.0).stdout == b"root\n"


@pytest.mark.parametrize(
    "make",
    [
        lambda: True,
        lambda: "root",
        lambda: library.Become(user="root", method="sudo"),
    ],
)
def test_the_library_becomes_too(box: BecomeHost, make: Callable[[], object]) -> None:
    fleet = library.Fleet(box.inventory("free"), become=make())  # type: ignore[arg-type]
    report = fleet.exec("id -un", hosts="box")
    assert [result.stdout for result in report.ok] == [b"root\n"]


# -- what other users run is ended, or named


def started(number: str) -> list[int]:
    """Processes that mention a number, but ours."""
    return [pid for pid in mentioning(number) if pid != os.getpid()]


def sleeps(number: str) -> bool:
    """Whether one of those has come to its sleep."""
    for pid in started(number):
        with suppress(FileNotFoundError, ProcessLookupError):
            if "sleep" in Path(f"/proc/{pid}/comm").read_text():
                return True
    return False


SCATTERED = (
    "setsid sleep {0}.1 & nohup sleep {0}.2 >/dev/null 2>&1 & (setsid sleep {0}.3 &); "
    "(cd / && setsid sh -c 'sleep {0}.4 & exit' >/dev/null 2>&1 </dev/null &); exec sleep {0}.5"
)


@pytest.mark.parametrize("method", ["sudo", "su", "sudo to another", "sudo -i"])
def test_what_another_user_scattered_is_gone(box: BecomeHost, method: str) -> None:
    number = seconds_of_its_own()
    known: dict[str, object] = {
        "sudo": {},
        "su": {"ansible_become_method": "su"},
        "sudo to another": {"ansible_become_user": "bob"},
        "sudo -i": {"ansible_become_flags": "-i"},
    }[method]
    user = "root" if method == "su" else "free"
    script = SCATTERED.format(number)
    ran = run(box, user, "-b", "--command-timeout", "2", "--", script, **known)
    result = ran.results["box"]
    assert "still running after 2 s; it was ended" in result["error"]["message"], result
    assert "data" not in result
    assert not started(number)


def test_root_ends_what_it_ran_as_others(box: BecomeHost) -> None:
    """Over a server that lets no variable through: sudo's own pty, its child in another session."""
    number = seconds_of_its_own()
    script = (
        f"sudo -u bob sh -c 'setsid sleep {number}.1 & sleep {number}.2' & "
        f"sudo -u alice setsid -w sleep {number}.3 & su carol -c 'sleep {number}.4' & wait"
    )
    ran = run(box, "root", "--idle-timeout", "2", "--", script)
    result = ran.results["box"]
    assert "no output for 2 s; it was ended" in result["error"]["message"], result
    assert "data" not in result
    assert not started(number)


def test_what_is_not_ours_to_end_is_named(box: BecomeHost) -> None:
    number = seconds_of_its_own()
    script = f"sleep {number}.1 & exec sudo sh -c 'trap \"\" TERM; sleep {number}.2; :'"
    ran = run(box, "free", "--command-timeout", "2", "--", script)
    result = ran.results["box"]
    left = started(number)
    try:
        names = [name.split()[1] for name in result["data"]["left"]]
        assert {"sh", "sleep"} <= set(names) <= {"sh", "sleep", "sudo"}
        assert result["data"]["may_still_run"] is True
        assert "told to end, this may still be running: " in result["error"]["message"]
    finally:
        for pid in left:
            os.kill(pid, 9)


def test_an_interrupt_names_what_is_not_ours_to_end(box: BecomeHost) -> None:
    number = seconds_of_its_own()
    inventory = box.inventory("free")
    script = f"echo begun; exec sudo sh -c 'trap \"\" TERM; sleep {number}; :'"
    process = subprocess.Popen(
        command("exec", "-i", inventory, "-w", "box", "--", script),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "begun" in process.stdout.readline()
    with ExitStack() as stack:
        stack.callback(process.kill)
        until(make_engine(), lambda: sleeps(number) or process.poll() is not None)
        assert process.poll() is None, "it was to be interrupted at its work"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    for pid in started(number):
        os.kill(pid, 9)
    assert process.returncode == 130
    assert "interrupted; not finished: box (perhaps still running: box)" in error
    (line,) = [line for line in error.splitlines() if "still there on box: " in line]
    assert "sleep" in line


@pytest.mark.parametrize("method", ["sudo", "su"])
def test_programs_that_ask_another_user(box: BecomeHost, tmp_path: Path, method: str) -> None:
    """expect: the terminal is the one on which the method asked for its password."""
    user = "root" if method == "sudo" else "bob"
    known = {
        "ansible_become": True,
        "ansible_become_method": method,
        "ansible_become_user": user,
        "ansible_become_password": PASSWORDS["alice" if method == "sudo" else "bob"],
    }
    script = "id -un; printf Name?; read -r x; stty size; echo got $x; exit 3"
    args = {"command": f"sh -c '{script}'", "responses": {"Name": "Anna"}, "timeout": 20}
    tasks = [{"expect": args, "register": "r", "ignore_errors": True}, {"debug": {"var": "r"}}]
    playbook = tmp_path / "site.yml"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    ran = opsrun("playbook", "-i", box.inventory("alice", **known), playbook, "-o", "jsonl")
    assert ran.status == 0, ran.out + ran.err
    told = [json.loads(line) for line in ran.out.splitlines()]
    [result] = [each["result"]["r"] for each in told if "r" in (each.get("result") or {})]
    assert result["stdout_lines"] == [user, "Name?24 80", "got Anna"]
    assert (result["rc"], result["changed"]) == (3, True)
    assert PASSWORDS["alice"] not in ran.out
