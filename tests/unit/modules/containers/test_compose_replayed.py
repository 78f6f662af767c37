"""docker_compose_v2 against a docker(1) that answers as a real one did."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.compose_calls import FILES, TASKS, recorded, shown
from support.module_cases import placed, tree
from support.module_host import LocalController, ModuleHost, module_host
from support.replayed_calls import stand_in, strayed
from support.scripts import Listening
from support.shellcheck import findings
from support.shells import SHELLS, shared_shells

from opsrun.modules.background.job import Job
from opsrun.modules.base import Context, ModuleError
from opsrun.modules.containers.compose_events import (
    actions,
    changes,
    complaint,
    container,
    listed,
    warnings,
)
from opsrun.modules.containers.docker_compose_v2 import DockerComposeV2
from opsrun.modules.options import OptionError, resolve

NOT_THERE = "what others use, and volumes that are gone"
"""Said to be removed each time, by the dialect's own module."""


@contextmanager
def _host(directory: Path, shell: str) -> Iterator[ModuleHost]:
    (directory / "programs").mkdir()
    path = f"PATH={directory / 'programs'}:{os.environ['PATH']}"
    for name, text in FILES.items():
        (directory / name).parent.mkdir(exist_ok=True)
        (directory / name).write_text(text)
    with module_host(directory, shell, ("env", path, "/bin/sh", "-c")) as host:
        yield host


def _told(value: Mapping[str, Any], top: Path) -> Any:
    return placed(json.loads(json.dumps(value)), str(top))


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_real_daemon_made_of_it(shell: str, tmp_path: Path) -> None:
    cases = recorded()
    assert [case["args"] for case in cases] == json.loads(json.dumps(TASKS))
    program = tmp_path / "programs" / "docker"
    with _host(tmp_path, shared_shells(shell, "system").words) as made:
        heard = Listening(made.hands)
        host = ModuleHost(heard, made.controller)
        # Dash does them all, the others those with lines of their own.
        lines: set[str] = set()
        scripts: list[str] = []
        for case in cases:
            args = _told(case["args"], tmp_path)
            heard.scripts.clear()
            new = _lines(case["args"]) - lines
            lines |= new
            if shell != SHELLS[0] and not new:
                continue
            calls = _told({"calls": case["calls"]}, tmp_path)["calls"]
            stand_in(program, calls)
            found = shown(host.run("docker_compose_v2", args, check=True, diff=True))
            assert found == _told(case["check"], tmp_path), args
            found = shown(host.run("docker_compose_v2", args, check=False, diff=True))
            assert found == _told(case["result"], tmp_path), args
            assert strayed(program, calls) == [], args
            scripts.extend(heard.taken() if new else ())
        if shell == SHELLS[0]:
            assert findings(list(dict.fromkeys(scripts)), tmp_path / "read") == ""


def _lines(args: Mapping[str, Any]) -> set[str]:
    """What makes a script other than those of other tasks."""
    return {args.get("state", ""), *(args.keys() & {"definition", "project_src"}),
            *(args.keys() & {"assume_yes", "check_files_existing", "remove_volumes"}),
            *({"failing"} if args.get("project_src", "").endswith("torn") else ())}  # fmt: skip


def _done(result: Mapping[str, Any]) -> tuple[bool, bool, list[str]]:
    begun = sorted(json.dumps(each, sort_keys=True) for each in result.get("actions", ()))
    return bool(result["changed"]), bool(result.get("failed")), begun


def test_it_is_what_the_dialects_own_module_makes_of_it() -> None:
    otherwise = []
    for case in recorded():
        if _done(case["result"]) != _done(case["peer"]):
            otherwise.append(case["args"])
            assert case["args"]["state"] == "absent", NOT_THERE
            more = [each for each in case["peer"]["actions"]
                    if each not in case["result"]["actions"]]  # fmt: skip
            assert {each["what"] for each in more} <= {"image", "volume"}, NOT_THERE
    assert len(otherwise) == 3, NOT_THERE


def test_what_is_rehearsed_is_what_is_done_then() -> None:
    """But that nobody knows beforehand what is built, and which images others use."""
    for case in recorded():
        earnest = case["result"]
        unknown = case["args"].keys() & {"build", "remove_images"}
        if not earnest.get("failed") and not unknown:
            assert case["check"]["changed"] == earnest["changed"], case["args"]


def test_a_second_time_nothing_is_changed() -> None:
    cases = [case for case in recorded() if not case["result"].get("failed")]
    again = [second["result"] for first, second in pairwise(cases)
             if first["args"] == second["args"]]  # fmt: skip
    assert len(again) >= 6
    assert not any(each["changed"] for each in again)


def test_what_is_given_stands_in_no_command(tmp_path: Path) -> None:
    given = {"services": {"x": {"image": "a'b\\n", "environment": {"P": "se$cret `x`\nX\n"}}}}
    args = {"project_name": "p", "definition": given, "state": "stopped", "api_version": "1.44"}
    with _host(tmp_path, "sh") as host:
        program = tmp_path / "programs" / "docker"
        program.write_text(
            "#!/bin/sh\n"
            f'printf "%s\\n" "$DOCKER_API_VERSION $*" >>{tmp_path}/words\n'
            f"case $* in *'compose version'*) echo v5.1.0-rc ;; *) cat >>{tmp_path}/read ;; esac\n"
            'case $* in *"ps -q"*) echo 1f ;; esac\n'
        )
        program.chmod(0o755)
        assert host.run("docker_compose_v2", args)["changed"] is False
    words = (tmp_path / "words").read_text()
    assert "cret" not in words
    assert {line.split()[0] for line in words.splitlines()} == {"1.44"}
    read = (tmp_path / "read").read_text().splitlines()
    assert [json.loads(each) for each in read] == [given] * 5
    assert "cret" not in json.dumps([*tree(tmp_path / "programs")])


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ("unknown flag: --short", "there is no docker-compose on this host"),
        ("docker: 'compose' is not a docker command.", "there is no docker-compose on this host"),
        ("no such context", "no such context"),
    ],
)
def test_where_there_is_no_such_plug_in(says: str, words: str, tmp_path: Path) -> None:
    with _host(tmp_path, "sh") as host:
        stand_in(tmp_path / "programs" / "docker",
                 [{"args": "compose version --short", "err": says + "\n", "rc": 125}])  # fmt: skip
        told = host.run("docker_compose_v2", {"project_src": str(tmp_path / "one")})
        assert told["failed"]
        assert words in told["msg"]
        args = {"project_src": str(tmp_path / "one"), "docker_cli": "/no such/docker"}
        told = host.run("docker_compose_v2", args)
        assert told["failed"]
        assert "there is no /no such/docker on this host" in told["msg"]


@pytest.mark.parametrize(("version", "fits"), [("2.17.9", False), ("v2.18.0", True), ("dev", True)])
def test_versions_that_are_too_old(version: str, fits: bool, tmp_path: Path) -> None:
    with _host(tmp_path, "sh") as host:
        program = tmp_path / "programs" / "docker"
        program.write_text(f"#!/bin/sh\ncase $* in *'compose version'*) echo {version} ;; esac\n")
        program.chmod(0o755)
        told = host.run("docker_compose_v2", {"project_src": str(tmp_path / "one")})
        assert bool(told.get("failed")) is not fits
        assert fits or "2.18 or later; this host has 2.17.9" in told["msg"]


def test_it_can_be_left_to_the_host(tmp_path: Path) -> None:
    case = recorded()[0]
    with _host(tmp_path, "sh") as host:
        # As many again as in check mode.
        calls = case["calls"][len(case["calls"]) // 2 :]
        stand_in(tmp_path / "programs" / "docker", calls)
        made = resolve(DockerComposeV2, _told(case["args"], tmp_path))
        with pytest.raises(StopIteration) as ended:
            next(made.background(Context(LocalController(tmp_path))))
        job = ended.value.value
        assert isinstance(job, Job)
        assert job.request is not None
        assert job.request.effect == "changes"
        recipe = json.loads(json.dumps(dict(job.recipe)))
        told = DockerComposeV2.concluded(recipe, host.hands.run(job.request))
    assert shown(told.to_dict()) == _told(case["result"], tmp_path)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({}, "one of"),
        ({"project_src": "/x", "definition": {}}, "only one of"),
        ({"definition": {}, "files": ["a"]}, "only one of"),
        (
            {"project_src": "/x", "docker_host": "unix:///x", "cli_context": "y"},
            "only one of",
        ),
        ({"project_src": "/x", "scale": {"web": "many"}}, "web has 'many'"),
        ({"project_src": "/x", "scale": {"web": True}}, "web has True"),
        ({"project_src": "/x", "scale": {"web": -1}}, "web has -1"),
        ({"project_src": "/x", "state": "started"}, "started"),
        ({"project_src": "/x", "tls_hostname": "y"}, "tls_hostname"),
    ],
)
def test_what_is_refused_before_anything_runs(args: Mapping[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        resolve(DockerComposeV2, dict(args))


def test_a_definition_has_no_name_of_its_own(tmp_path: Path) -> None:
    with _host(tmp_path, "sh") as host:
        told = host.run("docker_compose_v2", {"definition": {"services": {}}})
        assert told["failed"]
        assert "project_name" in told["msg"]


def test_builds_count_where_that_is_asked_for() -> None:
    built = actions(" built  Building\n built  Built\n a Pulling \n a Pulled \n")
    assert [(each["what"], each["status"]) for each in built] == [
        ("service", "Building"), ("service", "Pulling"),
    ]  # fmt: skip
    assert changes(built, builds=True)
    assert not changes(built, builds=False)
    assert not changes(built[1:], builds=True)


def test_what_could_not_be_removed_was_not_done() -> None:
    told = (" Network n  Removing\n Image i:1  Removing\n Volume v  Removing\n"
            " Network n  Resource is still in use\n Volume v  Removed\n")  # fmt: skip
    assert [each["id"] for each in actions(told)] == ["i:1", "v"]
    assert [each["id"] for each in actions(told, ["w"])] == ["i:1"]
    assert [each["id"] for each in actions(told, ["v"], dry=True)] == ["n", "i:1", "v"]
    assert list(warnings(told)) == ["network n: Resource is still in use"]
    assert list(warnings(told, dry=True)) == []


def test_words_of_a_failure() -> None:
    told = ('time="2026" level=warning msg="the \\"X\\" is not set"\n'
            " DRY-RUN MODE -  a Error no such host\n Container c  Creating\n"
            'time="2026" level=fatal msg=oh\nno such host\nno such host\n')  # fmt: skip
    assert complaint(told) == "a: no such host\noh\nno such host"
    assert list(warnings(told)) == ['the "X" is not set']


def test_lists_of_every_version() -> None:
    assert listed('[{"a": 1}]') == listed('{"a": 1}\n') == [{"a": 1}]
    assert listed("") == listed("[]") == []
    with pytest.raises(ModuleError, match="no JSON"):
        listed("no such service")
    made = container({"Names": "a,b", "Networks": "", "Labels": "x=1=2,e=", "Publishers": None})
    assert made == {"Names": ["a", "b"], "Networks": [], "Labels": {"x": "1=2", "e": ""},
                    "Publishers": []}  # fmt: skip
