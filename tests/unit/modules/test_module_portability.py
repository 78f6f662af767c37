"""Every script of every module: run by each shell, and read by shellcheck.

All recorded cases, and the tasks of `support.walks` for modules that have none, are carried out
once on dash. Of these the few are taken whose scripts have every line that any script has, and done
again by the other shells, on the system's programs and on busybox's: the result must be the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import disposable, walks
from support.machine_cases import PREPARE, inside
from support.module_cases import load, make, modules, placed, tree, usual
from support.module_host import LocalController, ModuleHost, module_host
from support.scripts import Listening, cover, lines
from support.servers import LoopbackServer
from support.shellcheck import findings
from support.shells import shared_shells
from support.web import server

from opsrun.modules.base import Context
from opsrun.modules.options import OptionError, resolve
from opsrun.modules.registry import find, known_names
from opsrun.modules.requests import Run

RECORDED = [each for each in modules() if any("result" in case for case in load(each))]
WALKED = [each for each in walks.HERE if each not in RECORDED]
OTHERS = [
    ("bash", "system"),
    ("mksh", "system"),
    ("busybox ash", "system"),
    ("dash", "busybox"),
    ("busybox ash", "busybox"),
]
"""Beside dash on the system's programs."""

OTHERWISE_CHECKED = ("command", "shell")
"""Modules whose scripts in check mode have lines that no others have."""

NOT_BUSYBOXS = ("git", "acl", "cron", "iptables", "alternatives")
"""Modules for a tool that busybox has not: it is said what is missing."""


def _registered() -> set[str]:
    return {
        found.name.rpartition(".")[2] for each in known_names() if (found := find(each)) is not None
    }


def test_every_module_is_walked() -> None:
    """One that is registered and stands in no list here is not known to be portable."""
    walked = {*RECORDED, *walks.HERE, *walks.MACHINE}
    assert _registered() - walked - walks.ELSEWHERE.keys() - {"gather_facts"} == set()
    assert not walked & walks.ELSEWHERE.keys()
    top = Path(__file__).parents[3]
    assert [each for each in walks.ELSEWHERE.values() if not (top / each).exists()] == []


@dataclass
class Done:
    """What came of one task, and what was sent for it."""

    args: Mapping[str, Any]
    before: Mapping[str, str]
    results: list[dict[str, Any]]
    after: Mapping[str, str]
    needs: tuple[str, ...] = ()
    """Programs that busybox has not, or not all of."""
    scripts: list[str] = field(default_factory=list)


def _result(host: ModuleHost, module: str, args: Any, top: Path, *, check: bool) -> dict[str, Any]:
    try:
        told = host.run(module, args, check=check, diff=check)
    except OptionError as error:
        told = {"changed": False, "failed": True, "msg": str(error)}
    found = usual(told, str(top))
    return {name: found.get(name, False) for name in ("changed", "failed", "skipped")}


@contextmanager
def _host(directory: Path, shell: str, userland: str) -> Iterator[ModuleHost]:
    found = shared_shells(shell, userland)
    with module_host(directory, found.words, found.prefix) as host:
        yield host


def _done(
    host: ModuleHost, module: str, case: Mapping[str, Any], top: Path, *, check: bool = False
) -> Done:
    """In earnest, and again; before that in check mode, if that is wanted, too."""
    make(case.get("before", {}), top)
    args = placed(case.get("args", {}), str(top))
    if check:
        _result(host, module, args, top, check=True)
    results = [_result(host, module, args, top, check=False) for _ in range(2)]
    needs = tuple(case.get("needs", ()))
    return Done(case.get("args", {}), case.get("before", {}), results, tree(top), needs)


@cache
def _recorded(module: str, directory: Path) -> list[Done]:
    """The recorded cases of a module, done by dash."""
    found = []
    with _host(directory, "dash", "system") as host:
        listening = Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        for number, case in enumerate(load(module)):
            if "result" in case and all(map(shutil.which, case.get("needs", ()))):
                top = directory / str(number)
                done = _done(host, module, case, top, check=module in OTHERWISE_CHECKED)
                done.scripts = [each.replace(str(top), "/t") for each in listening.taken()]
                found.append(done)
    return found


@cache
def _few(module: str, directory: Path) -> list[Done]:
    """Those whose scripts have every line that any has."""
    done = _recorded(module, directory)
    chosen = cover({number: lines(each.scripts, "/t") for number, each in enumerate(done)})
    return [done[number] for number in chosen]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the recorded cases are done first."""
    return tmp_path_factory.mktemp("start")


def _beginning(start: Path, module: str) -> Path:
    directory = start / module
    directory.mkdir(exist_ok=True)
    return directory


@pytest.mark.parametrize(("shell", "userland"), OTHERS, ids=str)
def test_recorded_cases_in_every_shell(
    shell: str, userland: str, start: Path, tmp_path: Path
) -> None:
    """The tree that each case leaves, and what it says of it."""
    wrong = []
    with _host(tmp_path, shell, userland) as host:
        for module in RECORDED:
            for number, case in enumerate(_few(module, _beginning(start, module))):
                if case.needs and userland == "busybox":
                    continue
                top = tmp_path / f"{module}{number}"
                got = _done(host, module, {"args": case.args, "before": case.before}, top)
                if (got.results, got.after) != (case.results, case.after):
                    wrong.append((module, case.args, got.results, case.results))
    assert not wrong


@pytest.fixture(scope="module")
def around() -> Iterator[tuple[str, int]]:
    """A server over HTTP, and a port of another."""
    with server() as web, LoopbackServer(lambda connection: None) as other:
        yield web.url, other.port


def _walk(host: ModuleHost, module: str, top: Path, around: tuple[str, int]) -> list[Any]:
    named = walks.prepare(top, *around)
    tasks = [named(task) for task in walks.HERE[module] for _ in range(2)]
    return [_result(host, module, task, top, check=False) for task in tasks]


@cache
def _walked(module: str, top: Path, around: tuple[str, int]) -> tuple[list[Any], list[str]]:
    with _host(top, "dash", "system") as host:
        listening = Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        results = _walk(host, module, top, around)
    assert any(not each["failed"] for each in results), module
    return results, [each.replace(str(top), "/t") for each in listening.scripts]


@pytest.mark.parametrize(("shell", "userland"), OTHERS, ids=str)
def test_other_tasks_in_every_shell(
    shell: str, userland: str, start: Path, tmp_path: Path, around: tuple[str, int]
) -> None:
    for module in WALKED:
        top = tmp_path / module
        with _host(top, shell, userland) as host:
            if userland == "busybox" and module in NOT_BUSYBOXS:
                named = walks.prepare(top, *around)
                told = host.run(module, named(walks.HERE[module][0]))
                assert "usually in the package" in told["msg"]
            else:
                results = _walk(host, module, top, around)
                assert results == _walked(module, start / f"walk-{module}", around)[0], module


def _machine() -> str | None:
    reason = disposable.obstacle()
    for program in ("setfacl", "crontab", "iptables"):
        if reason is None and shutil.which(program) is None:
            reason = f"there is no {program}"
    return reason


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[disposable.Machine]:
    if reason := _machine():
        pytest.skip(f"no disposable machine: {reason}")
    with disposable.machine(tmp_path_factory.mktemp("walks") / "box", PREPARE) as made:
        made.sh("mkdir /run/applets && busybox --install -s /run/applets")
        yield made


def _lived(host: ModuleHost, without: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    every = [(module, task) for module, each in walks.MACHINE.items() for task in each]
    for module, task in (*every, *walks.LEAVING):
        if module not in without:
            for _ in range(2):
                told = _result(host, module, task, Path("/no such folder"), check=False)
                found.setdefault(module, []).append(told)
    return found


@pytest.mark.root
def test_tasks_that_change_machines_in_every_shell(box: disposable.Machine, tmp_path: Path) -> None:
    with inside(box, tmp_path, "dash") as host:
        listening = Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        wanted = _lived(host, ())
        _read(set(listening.scripts), tmp_path / "scripts")
    for module, results in wanted.items():
        # Done, and done again: what was changed is left alone then.
        assert not any(each["failed"] for each in results), module
        assert not any(each["changed"] for each in results[1::2]), module
    for shell, userland in OTHERS:
        path = "/run/applets" if userland == "busybox" else ""
        without = NOT_BUSYBOXS if userland == "busybox" else ()
        with inside(box, tmp_path, shared_shells(shell, "system").words, path) as host:
            got = _lived(host, without)
        assert got == {name: each for name, each in wanted.items() if name not in without}, shell


def _read(scripts: set[str], directory: Path) -> None:
    """Have shellcheck read the few that have every line of all."""
    few = cover({each: lines([each], "/t") for each in sorted(scripts)})
    assert findings(few, directory) == ""


def test_shellcheck_reads_every_line(start: Path, tmp_path: Path, around: tuple[str, int]) -> None:
    scripts = {
        each
        for name in RECORDED
        for done in _recorded(name, _beginning(start, name))
        for each in done.scripts
    }
    for module in WALKED:
        scripts |= set(_walked(module, start / f"walk-{module}", around)[1])
    context = Context(LocalController(tmp_path), diff=True)
    for name, args in walks.READ:
        found = find(name)
        assert found is not None
        request = resolve(found, args).steps(context).send(None)
        assert isinstance(request, Run)
        scripts.add(request.script)
    _read(scripts, tmp_path / "scripts")
