"""What modules are said to return is what they return, and examples of their use are good ones."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.module_cases import CASES

import opsrun
from opsrun.lint.run import lint
from opsrun.modules import registry
from opsrun.modules.base import Module
from opsrun.modules.declaring import KINDS
from opsrun.modules.describing import described, file_of
from opsrun.playbook.actions.registry import find_action
from opsrun.schema.modules import module_classes

TOP = Path(opsrun.__file__).parent
MODULES = module_classes()
RECORDED = sorted(
    path
    for path in CASES.glob("*/*.y*ml")
    if path.stem in ("recorded", "machine") and registry.find(path.parent.name)
)
RUNS = ("check", "result", "again")
MADE = {
    "str": str,
    "path": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
    "raw": object,
}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_is_described(name: str) -> None:
    """A file beside the module's code, named as it is: see opsrun/modules/describing.py."""
    path = file_of(MODULES[name])
    assert path is not None
    assert path.exists(), f"{name} has no {path.relative_to(TOP)}"
    assert set(tomllib.loads(path.read_text())) <= {"returns", "shares", "examples", "unproven"}
    told = described(MODULES[name])
    assert told.examples
    assert {"changed", "failed", "msg"} <= {each.name for each in told.returns}
    for each in told.returns:
        assert each.kind in KINDS, each
        assert each.doc.endswith("."), each
        assert each.when or "." in each.name, each


def test_no_description_is_of_a_module_that_is_not_there() -> None:
    folders = {path.parent for path in map(file_of, MODULES.values()) if path is not None}
    there = {path for folder in folders for path in folder.glob("*.toml")}
    assert there == {*map(file_of, MODULES.values()), TOP / "modules/returned.toml"}


def test_what_is_made_elsewhere_has_none() -> None:
    class Other(Module):
        name = "other"

    assert described(Other).examples == ()


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.parent.name)
def test_recorded_results_have_no_key_that_is_not_described(path: Path) -> None:
    """Nor one of another type, where there is a value."""
    kind = registry.find(path.parent.name)
    assert kind is not None
    kinds = {each.name: each.kind for each in described(kind).returns}
    results: list[dict[str, Any]] = [
        case[run]
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))
        for run in RUNS
        if isinstance(case.get(run), dict)
    ]
    assert results
    assert {key for result in results for key in result} - set(kinds) == set()
    for result in results:
        for key, value in result.items():
            given = value not in (None, "OURS", "WORDS")
            assert not given or isinstance(value, MADE[kinds[key]]), (key, value)


EXAMPLES = [
    pytest.param(name, text, id=f"{name} {number}")
    for name, kind in MODULES.items()
    for number, text in enumerate(described(kind).examples)
]


@pytest.mark.parametrize(("name", "text"), EXAMPLES)
def test_examples_are_read_and_lint_has_nothing_to_say(
    tmp_path: Path, name: str, text: str
) -> None:
    tasks = yaml.safe_load(text)
    of = {find_action(word) or registry.find(word) for task in tasks for word in task}
    assert MODULES[name] in of
    for file in ("files/app.conf", "files/deploy.pub", "files/former.pub", "files/prepare.sh"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("#!/bin/sh\n")
    (tmp_path / "files/app-2.4.tar.gz").write_bytes(b"")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/app.conf.j2").write_text("port = 1\n")
    (tmp_path / "site").mkdir()
    (tmp_path / "play.yml").write_text(yaml.safe_dump([_play(tasks)], sort_keys=False))
    problems = lint([str(tmp_path / "play.yml")], cwd=str(tmp_path)).problems
    assert [(each.rule, each.message) for each in problems] == []


def _play(tasks: list[Any]) -> dict[str, Any]:
    names = ("release", "git_host_key", "port", "tls", "workers")
    variables = dict.fromkeys(names, "given")
    variables["admin_password"] = "{{ lookup('env', 'ADMIN_PASSWORD') }}"
    return {"name": "An example", "hosts": "all", "vars": variables, "tasks": tasks}


def test_a_run_reads_no_description() -> None:
    code = (
        "import sys; from opsrun.modules import registry\n"
        "for name in registry.known_names(): registry.find(name)\n"
        "assert 'opsrun.modules.describing' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
