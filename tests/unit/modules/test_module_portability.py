"""Every script that modules send in their recorded cases: run by each shell, read by shellcheck."""

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
from support.module_cases import load, make, modules, placed, tree, usual
from support.module_host import LocalController, ModuleHost, module_host
from support.shells import shells

from opsrun.modules.base import Context
from opsrun.modules.options import OptionError, resolve
from opsrun.modules.registry import find
from opsrun.modules.requests import Run

RECORDED = [each for each in modules() if any("result" in case for case in load(each))]
SHELLS_TRIED = [each for each in ("replace", "slurp", "stat") if each in RECORDED]
READ = [each for each in ("assemble", "find", "slurp", "stat") if each in RECORDED]
OTHERS = [
    ("bash", "system"),
    ("mksh", "system"),
    ("busybox ash", "system"),
    ("dash", "busybox"),
]
"""Beside dash on the system's programs and busybox ash on its own, on which each case is a test."""

UNRECORDED: list[tuple[str, dict[str, Any]]] = [
    ("get_url", {"url": "http://h/x", "dest": "~/x y", "checksum": f"md5:{'0' * 32}"}),
    ("get_url", {"url": "http://h/x", "dest": "/x", "checksum": "md5:http://h/sums"}),
    ("uri", {"url": "http://h/x", "creates": "/a b*", "headers": {"a": "b"}, "unix_socket": "/s"}),
    ("uri", {"url": "http://h/x", "dest": "/x", "owner": "me", "method": "POST", "body": "x"}),
    ("wait_for", {"port": 1}),
    ("wait_for", {"port": 1, "search_regex": "x"}),
    ("wait_for", {"port": 1, "state": "drained", "exclude_hosts": ["a"]}),
    ("wait_for", {"path": "$HOME/x", "search_regex": "x"}),
    ("git", {"repo": "/x", "dest": "~/x y", "key_file": "/k", "accept_hostkey": True}),
]
"""What has no recorded cases, as it asks servers: the first script of each is read."""

SUM = "11f6ad8ec52a2984abaafd7c3b516503785c2072"
"""SHA-1 of one letter x."""

_QUIET = "SC2329,SC2317,SC2016,SC1091,SC2034"
"""Functions and names that one of several scripts has no use for are meant; so are quotes."""


class _Listening:
    """Hands that keep what passes through them."""

    def __init__(self, hands: Any) -> None:
        self._hands = hands
        self.scripts: set[str] = set()

    def run(self, request: Run) -> Any:
        self.scripts.add(request.script)
        return self._hands.run(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hands, name)


@contextmanager
def _host(directory: Path, shell: str, userland: str) -> Iterator[ModuleHost]:
    found = shells(directory, shell, userland)
    with module_host(directory, found.words, found.prefix) as host:
        yield host


def _ran(host: ModuleHost, module: str, case: dict[str, Any], top: Path, *, check: bool) -> Any:
    try:
        told = host.run(module, placed(case.get("args", {}), str(top)), check=check, diff=check)
    except OptionError as error:
        told = {"changed": False, "failed": True, "msg": str(error)}
    return usual(told, str(top))


@pytest.mark.parametrize(("shell", "userland"), OTHERS, ids=str)
@pytest.mark.parametrize("module", SHELLS_TRIED)
def test_every_case_in_every_shell(module: str, shell: str, userland: str, tmp_path: Path) -> None:
    """The tree that each case leaves, and whether it says that it changed it."""
    with _host(tmp_path, shell, userland) as host:
        for number, case in enumerate(each for each in load(module) if "result" in each):
            top = tmp_path / str(number)
            make(case.get("before", {}), top)
            result = _ran(host, module, case, top, check=False)
            assert tree(top) == case["after"], case["name"]
            wanted = case["result"]
            assert result.get("changed") == wanted.get("changed"), case["name"]
            assert bool(result.get("failed")) == bool(wanted.get("failed")), case["name"]


def _checker() -> str:
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (Debian: apt-get install shellcheck)")
    return program


def _read(scripts: set[str], directory: Path) -> None:
    program = _checker()
    directory.mkdir()
    for number, script in enumerate(sorted(scripts)):
        (directory / f"{number}.sh").write_text(script, encoding="utf-8", errors="surrogateescape")
    files = sorted(map(str, directory.iterdir()))
    ended = subprocess.run(
        [program, "-s", "sh", "-e", _QUIET, *files], capture_output=True, text=True, check=False
    )
    assert ended.stdout == ended.stderr == ""


@pytest.mark.parametrize("module", READ)
def test_shellcheck_reads_every_script(module: str, tmp_path: Path) -> None:
    """Those of check mode, of the change and of the second time."""
    with _host(tmp_path, "dash", "system") as host:
        listening = _Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        for number, case in enumerate(each for each in load(module) if "result" in each):
            top = tmp_path / str(number)
            make(case.get("before", {}), top)
            for check in (True, False, False):
                _ran(host, module, case, top, check=check)
    # Users' own commands are not ours to read; and paths that differ make no other script.
    scripts = {each.replace(str(tmp_path), "/t") for each in listening.scripts}
    assert scripts
    _read(scripts, tmp_path / "scripts")


def test_shellcheck_reads_scripts_that_ask_servers(tmp_path: Path) -> None:
    """The first ones of many tasks, and all of a few that need no server."""
    context = Context(LocalController(tmp_path), diff=True)
    scripts = set()
    for name, args in UNRECORDED:
        found = find(name)
        assert found is not None
        request = resolve(found, args).steps(context).send(None)
        assert isinstance(request, Run)
        scripts.add(request.script)
    (tmp_path / "top").mkdir()
    (tmp_path / "file").write_text("x")
    repository = str(tmp_path / "repository")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for words in (["init", "-q"], [*who, "commit", "-q", "--allow-empty", "-m", "x"]):
        at = ["-C", repository] if "commit" in words else []
        end = [repository] if "init" in words else []
        subprocess.run(["git", *at, *words, *end], check=True, env={"PATH": os.environ["PATH"]})
    url, top = f"file://{tmp_path}/file", f"{tmp_path}/top"
    copy = {"repo": repository, "dest": f"{top}/copy"}
    tasks: list[tuple[str, dict[str, Any]]] = [
        ("get_url", {"url": url, "dest": top, "mode": "u=rw", "backup": True}),
        ("get_url", {"url": url, "dest": f"{top}/f", "checksum": f"sha1:{SUM}", "tmp_dest": top}),
        ("uri", {"url": url, "dest": f"{top}/g", "status_code": [200]}),
        ("git", copy),
        ("git", copy | {"track_submodules": True}),
        ("git", copy | {"verify_commit": True, "gpg_allowlist": ["A"]}),
    ]
    with _host(tmp_path, "dash", "system") as host:
        listening = _Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        for name, args in tasks:
            told = host.run(name, args)
            assert bool(told.get("failed")) == ("verify_commit" in args), told
    _read(scripts | listening.scripts, tmp_path / "scripts")
