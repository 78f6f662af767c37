"""Zones of firewalld: each step beside what the dialect's own engine made of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import firewalld
from support.firewalld import RUNS, done, groups, heard, kept, staged, told
from support.module_host import ModuleHost, module_host
from support.scripts import Listening, cover, lines
from support.shells import SHELLS, shared_shells

QUIET = "SC2329,SC2317,SC2016,SC2034,SC2086,SC2154"
"""Functions and names that one of several scripts has no use for are meant, and so is splitting."""

DIFFERING: list[tuple[str, Any, tuple[str, ...]]] = [
    # Of ports within an open range, only what is permanent is told as changed, each time.
    ("port", "161/udp", ("check", "result", "again")),
    # What can be seen beforehand fails in check mode, too.
    ("service", "nosuch", ("check",)),
    ("icmp_block", "nosuch", ("check",)),
    ("port", "161/nosuch", ("check",)),
    ("source", "192.0.2.0/24", ("check",)),
    # The permanent switch is never seen as it is.
    ("forward", True, ("check", "result", "again")),
    ("forward", False, ("check", "result", "again")),
    ("masquerade", "maybe", ("check", "result", "again")),
]
"""What of a step is not as recorded, by an option and its value. Rows of docs/dialect.md."""


@contextmanager
def _host(top: Path, shell: str = "sh") -> Iterator[ModuleHost]:
    """One whose firewalld's programs answer from ``top``."""
    firewalld.actors(top)
    words = shared_shells(shell, "system").words if shell != "sh" else shell
    prefix = ("env", f"PATH={top}:{firewalld.USUAL}", "/bin/sh", "-c")
    with module_host(top.parent, words, prefix) as host:
        yield host


def _same(host: ModuleHost, top: Path, case: Any, run: str) -> None:
    staged(top, case[run]["calls"])
    assert done(host, case["args"], check=run == "check") == case[run]["result"], case["args"]
    assert heard(top) == [each["words"] for each in case[run]["calls"]], case["args"]


def _apart(args: Any, run: str) -> bool:
    nothing = not args.keys() - {"zone", "permanent", "state"} and "state" in args
    if nothing and (args["state"] == "enabled" or "zone" not in args):
        return True
    return any(
        args.get(name) == value and type(args.get(name)) is type(value) and run in runs
        for name, value, runs in DIFFERING
    )


@pytest.mark.parametrize("group", groups(), ids=lambda each: each["name"])
def test_as_the_dialects_own_engine(group: Any) -> None:
    """Of each kept result, whether it is a change, a failure or neither."""
    wrong = []
    for step, case in zip(group["steps"], kept()[group["name"]], strict=True):
        assert step["args"] == case["args"]
        for run in RUNS:
            got = told(case[run]["result"])
            if got != step[run] and not _apart(step["args"], run):
                wrong.append((step["args"], run, got, step[run]))
        if told(case["result"]["result"]) == "changed":
            assert (told(case["check"]["result"]), told(case["again"]["result"])) == (
                "changed",
                "ok",
            ), step["args"]
    assert not wrong


def _kept() -> Iterator[tuple[Any, str]]:
    """All that were done in earnest; of a firewalld that runs, also what else was."""
    for name, group in kept().items():
        for case in group:
            for run in RUNS if name == "running" else ("result",):
                if case[run]["calls"]:
                    yield case, run


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, str, list[str]]]:
    """Those once more, with the answers; and the scripts that were sent for it."""
    top = tmp_path_factory.mktemp("zones") / "programs"
    found = []
    with _host(top) as host:
        listening = Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        for case, run in _kept():
            _same(host, top, case, run)
            found.append((case, run, list(listening.taken())))
    return found


@pytest.mark.parametrize("shell", SHELLS)
def test_every_line_in_every_shell(
    shell: str, sent: list[tuple[Any, str, list[str]]], tmp_path: Path
) -> None:
    few = cover({number: lines(each[2], "/no") for number, each in enumerate(sent)})
    assert few
    with _host(tmp_path / "programs", shell) as host:
        for number in few:
            _same(host, tmp_path / "programs", *sent[number][:2])


def test_shellcheck_reads_every_line(
    sent: list[tuple[Any, str, list[str]]], tmp_path: Path
) -> None:
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (Debian: apt-get install shellcheck)")
    scripts = [script for each in sent for script in each[2]]
    few = cover({script: lines([script], "/no") for script in scripts})
    for number, script in enumerate(few):
        (tmp_path / f"{number}.sh").write_text(script)
    words = [program, "-f", "gcc", "-s", "sh", "-e", QUIET, *map(str, tmp_path.glob("*.sh"))]
    ended = subprocess.run(
        words, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C.UTF-8"}
    )
    assert ended.stdout == ended.stderr == ""


def _answer(words: list[str], rc: int, stdout: str = "", stderr: str = "") -> dict[str, Any]:
    return {"words": words, "rc": rc, "stdout": stdout, "stderr": stderr}


def test_what_goes_wrong_is_told(tmp_path: Path) -> None:
    top = tmp_path / "programs"
    cmd, lasting = "firewall-cmd", ["firewall-cmd", "--permanent"]
    with _host(top) as host:
        asked = [cmd, "--query-port=1/tcp"]
        ports = [cmd, "--list-ports"]
        add = [cmd, "--add-port=1/tcp"]
        calls = [
            _answer(asked, 1, "no"),
            _answer(ports, 0),
            _answer(add, 15, "", "Error: PANIC_MODE"),
        ]
        staged(top, calls)
        found = done(host, {"port": "1/tcp", "state": "enabled"})
        assert (found["failed"], found["rc"]) == (True, 15)
        assert found["msg"].startswith("PANIC_MODE (all packets are dropped until")
        assert heard(top) == [asked, ports, add]
        assert (top / "umask.2").read_text() == "0022\n"
        # What is open as a part of a range can't be closed on disk, whatever the program says.
        calls = [_answer([*lasting, "--query-port=5/tcp"], 1, "no")]
        staged(top, [*calls, _answer([*lasting, "--list-ports"], 0, "1-9/tcp")])
        found = done(host, {"port": "5/tcp", "state": "disabled", "permanent": True})
        assert found["failed"]
        assert "5/tcp is open as a part of 1-9/tcp" in found["msg"]
        # The second of two fails: the first has been done.
        both = {"masquerade": True, "permanent": True, "immediate": True, "state": "enabled"}
        no = [_answer([cmd], 1, "no"), _answer([cmd], 1, "no")]
        staged(top, [*no, _answer([cmd], 0), _answer([cmd], 29, "", "Error: ACCESS_DENIED")])
        found = done(host, both)
        assert found["msg"] == "ACCESS_DENIED (what is in effect now is changed already)"
        assert [each[1:] for each in heard(top)[2:]] == [
            ["--add-masquerade"],
            ["--permanent", "--add-masquerade"],
        ]
        refused = "Authorization failed.\n    Make sure polkit agent is running"
        staged(top, [_answer([cmd], 253, "", refused)])
        assert "the task needs become" in done(host, {"forward": True, "state": "enabled"})["msg"]
        zones = _answer([cmd], 0, "public work")
        staged(top, [_answer([cmd], 112, "", "Error: INVALID_ZONE: wrok"), zones])
        found = done(host, {"forward": True, "zone": "wrok", "state": "enabled"})
        assert found["msg"] == "INVALID_ZONE: wrok; did you mean 'work'?"
        # Something is wrong with D-Bus: that is no firewalld that does not run.
        staged(top, [_answer([cmd], 36, "", "Error: DBUS_ERROR: timed out")])
        found = done(host, {"forward": True, "permanent": True, "state": "enabled"})
        assert (found["failed"], found["rc"], len(heard(top))) == (True, 36, 1)


@pytest.mark.root
@pytest.mark.parametrize("group", groups()[1:], ids=lambda each: each["name"])
def test_a_real_one_answers_so(group: Any, tmp_path: Path) -> None:
    """The first steps: all of them take minutes."""
    if reason := firewalld.obstacle():
        pytest.skip(reason)
    few = {**group, "steps": group["steps"][:8]}
    with firewalld.machine(tmp_path / "box", booted=group["booted"]) as box:
        made = firewalld.recorded(box, tmp_path, few)
        assert box.sh("find /etc/firewalld/zones -type f ! -perm 644") == ""
    for case, wanted in zip(made, kept()[group["name"]], strict=False):
        for run in RUNS:
            assert case[run]["result"] == wanted[run]["result"], case["args"]
