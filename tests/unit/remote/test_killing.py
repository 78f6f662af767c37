"""Ending what a command started: all of it, nothing else, and what goes on is named."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engines import make_engine
from support.processes import wait_gone
from support.shells import SHELLS, shared_shells

from opsrun.errors import ConnectionFailed
from opsrun.remote import kill_script, killing
from opsrun.remote.connection import TAG, Data, Manner, Process, Victim
from opsrun.remote.framing import new_mark
from opsrun.remote.killing import Quarry, Toll, end_all, fate
from opsrun.testing import FakeTransport
from opsrun.transports.pipe import PipeConnection

CLOCK = make_engine().now
WHOAMI = "read -r l </proc/self/stat; set -- - ${l##*)}; echo $$ ${21} $5"
FOREVER = "exec sleep 600"


@pytest.fixture(autouse=True)
def ample(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine nothing is given up early."""
    monkeypatch.setattr(killing, "PATIENCE", 60.0)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass
class Host:
    """This machine, with a shell and programs of its own choosing.

    Args:
        words: what runs a script there.
        fifo: through which processes tell who they are.
    """

    words: tuple[str, ...]
    fifo: Path
    tag: str = field(default_factory=new_mark)
    pids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        os.mkfifo(self.fifo)
        # For writing too: it has no end of file between one writer and the next.
        self._told = open(os.open(self.fifo, os.O_RDWR), "rb", buffering=0)  # noqa: SIM115
        self.killer = PipeConnection(self.words, "here", make_engine())
        self._commands = PipeConnection(("/bin/sh", "-c"), "here", make_engine())
        self.started = CLOCK()
        self._processes: list[Process] = []

    def run(self, script: str, told: int = 0, *, tag: str | None = None) -> Victim:
        """Start a script; `told` of its processes say ``up PID`` before this returns."""
        setup = f"up() {{ echo $1 >{self.fifo}; }}; export UP={self.fifo}; {WHOAMI}\n"
        manner = Manner(tag=self.tag if tag is None else tag)
        process = self._commands.start(setup + script, manner)
        self._processes.append(process)
        packet = process.receive(60.0)
        assert isinstance(packet, Data)
        victim = Victim.parse(packet.data.decode().strip())
        self.pids += [int(self._told.readline()) for _ in range(told)]
        return victim

    def another(self) -> int:
        """The next process that says who it is."""
        return int(self._told.readline())

    def end(self, victim: Victim | None = None, grace: float = 5.0) -> Toll:
        """Have it all ended."""
        toll = end_all(self.killer, Quarry(self.tag, self.started, victim), CLOCK, grace=grace)
        assert toll is not None
        return toll

    def close(self) -> None:
        for process in self._processes:
            process.close()
        self._told.close()
        for pid in self.pids:
            if alive(pid):
                os.kill(pid, 9)


Make = Callable[..., Host]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    hosts: list[Host] = []

    def host(shell: str = "dash", *prefix: str) -> Host:
        directory = tmp_path / f"host{len(hosts)}"
        directory.mkdir()
        hosts.append(Host((*prefix, *_words(directory, shell)), directory / "up"))
        return hosts[-1]

    yield host
    for each in hosts:
        each.close()


def _words(directory: Path, shell: str) -> tuple[str, ...]:
    """Words that run a script where ``sh`` is this shell; busybox has programs of its own, too."""
    programs = directory / "programs"
    if shell.startswith("busybox"):
        path = shared_shells(shell, "busybox").path
        assert path is not None
        return ("env", f"PATH={path}", "sh", "-c")
    programs.mkdir()
    (programs / "sh").symlink_to(shared_shells(shell, "system").words)
    return ("env", f"PATH={programs}:{os.environ['PATH']}", "sh", "-c")


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest, make: Make) -> Host:
    """A host for each shell."""
    return make(request.param)


TREE = """
sleep 600 & up $!
setsid sh -c 'echo $$ >$UP; exec sleep 600' &
(sleep 600 & up $!)
(setsid sh -c 'echo $$ >$UP; exec sleep 600' &)
(nohup sh -c '(nohup sleep 600 & echo $! >$UP) &' >/dev/null 2>&1 &)
(cd / && (setsid sh -c '(sleep 600 & echo $! >$UP) &' &) &)
exec sleep 600
"""
"""A child, one in a session of its own, one whose parent is gone, one that has neither, and two
that have been daemonised by the book."""


def test_the_whole_tree_is_ended(host: Host) -> None:
    host.run(TREE, 6)
    toll = host.end()
    assert toll.left == ()
    assert toll.found >= 7
    assert all(wait_gone(pid) for pid in host.pids)


def test_what_ignores_being_asked_is_killed(host: Host) -> None:
    host.run("trap '' TERM; up $$; setsid sleep 600 & up $!; wait", 2)
    assert host.end(grace=0.1).left == ()
    assert all(wait_gone(pid) for pid in host.pids)


def test_what_is_asked_may_end_in_its_own_way(make: Make) -> None:
    host = make()
    host.run("trap 'up 77; exit 3' TERM; up $$; while :; do sleep 0.05; done", 1)
    host.end(grace=60.0)
    assert host.another() == 77


def test_without_grace_nobody_is_asked(make: Make) -> None:
    host = make()
    # Above all that Linux gives (proc(5), pid_max): whoever told a number is killed in the end.
    host.run("trap 'up 4194377' TERM; up $$; while :; do sleep 0.05; done", 1)
    host.end(grace=0.0)
    host.run("up 4194378", 1)
    assert host.pids[1:] == [4194378], "and not the other one before it"


def test_what_is_born_of_being_asked_is_ended_too(host: Host) -> None:
    """In a session of its own, without a parent: only its tag tells whose it is."""
    host.run(
        "trap '(setsid sh -c \"echo \\$\\$ >$UP; exec sleep 600\" &)' TERM; up $$\n"
        "while :; do sleep 0.05; done",
        1,
    )
    assert host.end(grace=1.0).left == ()
    born = host.another()
    host.pids.append(born)
    assert wait_gone(born)


def test_what_forks_all_the_time_is_ended(make: Make) -> None:
    host = make()
    script = "f() { (setsid sleep 0.3 &); }; up $$; trap '' TERM; while :; do f; done"
    host.run(script, 1)
    assert host.end(grace=0.1).left == ()
    assert wait_gone(host.pids[0])


def test_who_has_another_tag_or_none_is_left_alone(host: Host) -> None:
    host.run("setsid sleep 600 & up $!; up $$; wait", 2, tag=new_mark())
    host.run("setsid sleep 600 & up $!; up $$; wait", 2, tag="")
    toll = host.end(grace=0.0)
    assert toll == Toll(0)
    assert all(alive(pid) for pid in host.pids)


def test_a_tag_is_the_whole_value_and_the_whole_name(make: Make) -> None:
    host = make()
    for words in (f"{TAG}={host.tag}0", f"X{TAG}={host.tag}", f"X='a {TAG}={host.tag}'"):
        host.run(f"env {words} sleep 600 & up $!; wait", 1, tag="")
    assert host.end(grace=0.0) == Toll(0)
    assert all(alive(pid) for pid in host.pids)


def test_without_a_tag_the_first_process_leads_to_the_others(host: Host) -> None:
    script = (
        "sleep 600 & up $!; (sleep 600 & up $!); setsid sleep 600 & up $!; up $$; exec sleep 600"
    )
    victim = host.run(script, 4, tag="")
    assert host.end(victim).found == 4
    assert all(wait_gone(pid) for pid in host.pids)


def test_another_process_with_the_same_number_is_left_alone(host: Host) -> None:
    victim = host.run(f"sleep 600 & up $!; up $$; {FOREVER}", 2, tag="")
    other = Victim(victim.pid, str(int(victim.began) + 1), 0)
    assert host.end(other, grace=0.0) == Toll(0)
    assert all(alive(pid) for pid in host.pids)


def test_what_is_left_of_a_session_is_found_without_its_leader(make: Make) -> None:
    host = make()
    victim = host.run(f"sleep 600 & up $!; up $$; {FOREVER}", 2, tag="")
    os.kill(victim.pid, 9)
    assert wait_gone(victim.pid)
    assert host.end(victim).found == 1
    assert wait_gone(host.pids[0])


def test_a_session_that_is_not_its_own_is_spared(make: Make) -> None:
    """A persistent shell's: what earlier scripts left behind is in it."""
    host = make()
    script = f"(env -u {TAG} sleep 600 & up $!); sleep 600 & up $!; up $$; {FOREVER}"
    victim = host.run(script, 3, tag="")
    toll = host.end(Victim(victim.pid, victim.began, 0))
    assert toll.found == 2
    assert [alive(pid) for pid in host.pids[:1]] == [True]
    assert all(wait_gone(pid) for pid in host.pids[1:])


def test_whoever_is_above_is_not_asked_but_killed(make: Make) -> None:
    """As sudo is: it passes on what it gets, and ends when its child has."""
    host = make()
    host.run(f"trap 'up 77' TERM; sh -c '{WHOAMI} >$UP; {FOREVER}'; up 78; up $$; wait", 0, tag="")
    child = Victim.parse(host._told.readline().decode().strip())
    assert host.end(child, grace=60.0).left == ()
    assert host.another() == 78


def test_names_that_look_like_lines_of_stat(host: Host, tmp_path: Path) -> None:
    sleep = shutil.which("sleep")
    assert sleep is not None
    for name in ("a) S 1 1\n1 (b", ")\n\n(", "x\ny", "* ? $HOME"):
        shutil.copy(sleep, tmp_path / name)
        host.run(f"cd '{tmp_path}'; setsid './{name}' 600 & up $!; wait", 1)
    toll = host.end()
    assert (toll.left, toll.found) == ((), 8)
    assert all(wait_gone(pid) for pid in host.pids)


@pytest.mark.root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="there is no setpriv")
def test_what_goes_on_is_named(make: Make, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    host = make("dash", "setpriv", "--reuid=65534", "--clear-groups")
    for each in tmp_path.rglob("programs"):
        each.chmod(0o755)
        each.parent.chmod(0o755)
    name = tmp_path / "o) ther"
    sleep = shutil.which("sleep")
    assert sleep is not None
    shutil.copy(sleep, name)
    script = (
        f"'{name}' 600 & up $!; setpriv --reuid=65534 --clear-groups sleep 600 & up $!; up $$; wait"
    )
    victim = host.run(script, 3, tag="")
    toll = host.end(victim, grace=0.5)
    theirs, killable, first = host.pids
    assert set(toll.left) == {f"{theirs} o) ther", f"{first} sh"}
    assert wait_gone(killable)


def test_where_there_is_no_proc(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        killing, "SCRIPT", kill_script.SCRIPT.replace("proc=/proc", "proc=/nonexistent")
    )
    host = make()
    victim = host.run(f"sleep 600 & up $!; up $$; {FOREVER}", 2, tag="")
    assert host.end(Victim(victim.pid)) == Toll(2)
    assert all(wait_gone(pid) for pid in host.pids)


def test_no_process_is_made_for_each_process(make: Make, tmp_path: Path) -> None:
    host = make()
    programs, log = tmp_path / "host0" / "programs", tmp_path / "log"
    for name in ("cat", "grep", "tr", "ps", "sleep", "sed", "awk"):
        path = shutil.which(name)
        (programs / name).write_text(f'#!/bin/sh\necho {name} >>{log}\nexec {path} "$@"\n')
        (programs / name).chmod(0o755)

    def used(processes: int) -> list[str]:
        log.write_text("")
        host.run(f"n=0; while [ $n -lt {processes} ]; do sleep 600 & n=$((n+1)); done; up 1; wait")
        assert host.another() == 1
        assert host.end(grace=0.0).found == processes + 1
        return sorted(set(log.read_text().split()) - {"sleep"})

    few, many = used(1), used(300)
    assert few == many == ["grep", "sed", "tr"]
    assert log.read_text().count("sed") <= 4
    assert log.read_text().count("grep") <= 12


def test_nobody_who_can_look() -> None:
    engine = make_engine()
    quarry = Quarry("x", CLOCK())
    refused = ConnectionFailed("no", phase="open")
    for scripts, opening in (({}, [refused]), ({}, [])):
        connection = FakeTransport(engine, scripts, opening=opening).connect()
        toll = end_all(connection, quarry, CLOCK)
        assert toll == (None if opening else Toll(0))
    broken = PipeConnection(("/bin/false",), "here", engine)
    assert end_all(broken, quarry, CLOCK) is None
    broken.close()


@pytest.mark.parametrize(
    ("toll", "seen", "words"),
    [
        (Toll(3), True, "it was ended"),
        (None, True, "it was ended; whether all that it started was, could not be seen"),
        (None, False, "told to end, it did not answer: it may still be running"),
        (Toll(0), False, "told to end, it did not answer: it may still be running"),
        (Toll(1, ("7 a",)), True, "told to end, this may still be running: 7 a"),
        (
            Toll(9, tuple(f"{n} x" for n in range(6))),
            False,
            "told to end, this may still be running: 0 x, 1 x, 2 x, 3 x, +2 more",
        ),
    ],
)
def test_what_became_of_it_in_words(toll: Toll | None, seen: bool, words: str) -> None:
    assert fate(toll, seen=seen) == words


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=15))
def test_what_the_shell_says_is_read_behind_its_mark_alone(name: str) -> None:
    mark = new_mark()
    lines = ("Welcome!", "gone 7", f"{mark} gone 2", f"left 9 x{name}", f"{mark} left 5 {name}")
    said = "\n".join((*lines, f"{mark} over", ""))
    assert killing._parse(said, mark) == Toll(2, (f"5 {name}",))
    assert killing._parse("\n".join(lines), mark) is None


@given(a=st.integers(0, 10**12), b=st.integers(0, 10**12))
def test_ticks_are_compared_beyond_what_a_shell_counts(a: int, b: int) -> None:
    begin = kill_script.SCRIPT.index("later() {")
    later = kill_script.SCRIPT[begin : kill_script.SCRIPT.index("younger() {")] % ()
    for one, other in ((a, b), (a, a), (a, a + 1), (a + 1, a)):
        script = f"{later}\nlater {one} {other}"
        mksh = shutil.which("mksh") or "sh"
        done = subprocess.run([mksh, "-c", script], check=False)
        assert (done.returncode == 0) is (one > other), (one, other)


@pytest.mark.parametrize("text", ["", "x", "1 2 3", "-5", "7 -1 2", "7 5 x", "7 5;id 1", "7 5 1 9"])
def test_a_victim_that_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        Victim.parse(text)


def test_a_victim_without_proc() -> None:
    assert Victim.parse("7") == Victim.parse("7 ") == Victim(7, "", 0)
