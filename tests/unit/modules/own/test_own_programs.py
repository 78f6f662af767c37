"""Programs in any language: how they are called, and what becomes of what they print."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.jobs import tidied
from support.module_host import ModuleHost, module_host

from opsrun.modules.background.job import new_id
from opsrun.modules.background.launching import Launch
from opsrun.modules.base import Context, ModuleError
from opsrun.modules.driver import drive
from opsrun.modules.options import resolve
from opsrun.modules.own.answer import read_answer
from opsrun.modules.own.kinds import kind_of
from opsrun.modules.own.program import program_class
from opsrun.remote.command import CommandResult

TELL = "import json, os, sys\nargs = json.load(open(sys.argv[1]))\n"


@pytest.fixture(
    params=["dash", "bash --posix", "busybox ash", "mksh"], ids=lambda name: name.split()[0]
)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path, shell=request.param) as made:
        yield made


@pytest.fixture
def sh(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path) as made:
        yield made


def run(
    host: ModuleHost,
    text: str,
    args: dict[str, Any] | None = None,
    *,
    check: bool = False,
    interpreters: dict[str, str] | None = None,
) -> dict[str, Any]:
    content = text.encode()
    kind = program_class("own", "library/own", content, kind_of("own", content))
    context = Context(host.controller, check=check, host="here", interpreters=interpreters or {})
    return drive(resolve(kind, args or {}), context, host.hands).to_dict()


def test_json_arguments(host: ModuleHost) -> None:
    given = {"text": "it's\n$HOME 'x'", "list": [1, {"a": None}], "yes": True, "ö": "ü"}
    text = f"#!{sys.executable}\n# WANT_JSON\n{TELL}print(json.dumps({{'got': args}}))\n"
    found = run(host, text, given)
    assert found["changed"] is False
    assert {name: found["got"][name] for name in given} == given
    assert found["got"]["_ansible_check_mode"] is False
    assert found["got"]["_ansible_module_name"] == "own"


def test_words_as_arguments(host: ModuleHost) -> None:
    text = '#!/bin/sh\n. "$1"\nprintf \'{"changed": true, "msg": "%s|%s"}\' "$a" "$b"\n'
    assert run(host, text, {"a": "x y'z", "b": 5}) == {"changed": True, "msg": "x y'z|5"}


def test_arguments_in_the_place_that_is_kept_for_them(sh: ModuleHost) -> None:
    text = "#!/bin/sh\ncat <<'E'\n<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>\nE\n"
    assert run(sh, text, {"a": 1})["a"] == 1


def test_nothing_is_left_on_the_host(sh: ModuleHost, tmp_path: Path) -> None:
    text = f"#!{sys.executable}\n# WANT_JSON\n{TELL}"
    text += "print(json.dumps({'at': sys.argv[0], 'mode': os.stat(sys.argv[1]).st_mode & 0o777}))\n"
    found = run(sh, text)
    assert found["mode"] == 0o600
    assert not Path(found["at"]).parent.exists()


def test_what_it_fails_with(sh: ModuleHost) -> None:
    found = run(sh, '#!/bin/sh\necho \'{"failed": true, "msg": "no", "why": 1}\'; exit 3\n')
    assert found == {"changed": False, "failed": True, "msg": "no", "why": 1}
    found = run(sh, '#!/bin/sh\necho \'{"msg": "no"}\'; exit 3\n')
    assert found["failed"]


def test_no_result(sh: ModuleHost) -> None:
    found = run(sh, "#!/bin/sh\necho hello; echo why >&2; exit 4\n")
    assert (found["failed"], found["rc"], found["module_stdout"]) == (True, 4, "hello\n")
    assert "own printed no result" in found["msg"]
    assert "why" in found["msg"]


def test_an_interpreter_that_is_not_there(sh: ModuleHost) -> None:
    found = run(sh, "#!/opt/nosuch/ruby9\nputs 1\n")
    assert found["failed"]
    assert "no /opt/nosuch/ruby9 on this host" in found["msg"]


def test_the_interpreter_that_the_inventory_names(sh: ModuleHost, tmp_path: Path) -> None:
    wrapper = tmp_path / "my sh"
    wrapper.write_text("#!/bin/sh\necho '{\"mine\": true}'\n")
    wrapper.chmod(0o755)
    text = "#!/usr/bin/env ruby\nputs 1\n"
    assert run(sh, text, interpreters={"ruby": str(wrapper)})["mine"] is True


def test_python_is_found_by_any_name(sh: ModuleHost) -> None:
    text = '#!/nowhere/python2.4\nprint(\'{"changed": false, "a": 1}\')\n'
    assert run(sh, text)["a"] == 1


def test_check_mode_is_for_those_that_know_it(sh: ModuleHost, tmp_path: Path) -> None:
    text = f"#!/bin/sh\n>{tmp_path}/done\necho '{{\"changed\": true}}'\n"
    assert run(sh, text, check=True)["skipped"]
    assert not (tmp_path / "done").exists()
    text = f"#!{sys.executable}\n# WANT_JSON\n{TELL}print(json.dumps({{'changed': True, "
    text += "'check': args['_ansible_check_mode']}))\n"
    assert run(sh, text, check=True) == {"changed": True, "check": True}


def answer(stdout: str, rc: int = 0, stderr: str = "", *, truncated: bool = False) -> CommandResult:
    return CommandResult(rc, stdout=stdout.encode(), stderr=stderr.encode(), truncated=truncated)


def test_lines_around_the_result_are_none_of_it() -> None:
    found = read_answer(answer('Welcome {x}\n{not json}\n{"a": {"b": 1}}\ntail\n'), "own").to_dict()
    assert found["a"] == {"b": 1}
    assert "tail" in found["warnings"][0]


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("", "printed no result"),
        ("[1]", "printed no result"),
        ('{"a": ', "printed no result"),
        ('{"changed": "perhaps"}', "'changed' in its result: expected yes or no"),
        ('{"failed": [1]}', "'failed' in its result"),
    ],
)
def test_results_that_are_none(printed: str, words: str) -> None:
    with pytest.raises(ModuleError, match=words):
        read_answer(answer(printed), "own")


def test_texts_that_mean_no_are_no() -> None:
    printed = json.dumps({"changed": "False", "failed": "no"})
    assert read_answer(answer(printed), "own").to_dict() == {"changed": False}


def test_a_result_that_was_cut_off_is_none() -> None:
    with pytest.raises(ModuleError, match="more than is kept"):
        read_answer(answer('{"changed": false}', truncated=True), "own")


def left(
    host: ModuleHost, folder: Path, text: str, args: dict[str, Any] | None = None, limit: float = 60
) -> str:
    """Its job's id, once it was started."""
    content = text.encode()
    kind = program_class("own", "library/own", content, kind_of("own", content))
    launch = Launch(resolve(kind, args or {}), new_id(), str(folder / "jobs"), limit)
    found = drive(launch, Context(host.controller, host="here"), host.hands).to_dict()
    assert (found["changed"], found["started"], found["finished"]) == (True, 1, 0), found
    return str(found["ansible_job_id"])


def ended(host: ModuleHost, folder: Path, jid: str) -> dict[str, Any]:
    while True:
        found = host.run("async_status", {"jid": jid, "_async_dir": str(folder / "jobs")})
        if found["finished"]:
            return found


def test_a_job_of_it_needs_nobody(host: ModuleHost, tmp_path: Path) -> None:
    pipe = tmp_path / "go"
    os.mkfifo(pipe)
    text = f"#!{sys.executable}\n# WANT_JSON\n{TELL}args['heard'] = open({str(pipe)!r}).read()\n"
    text += "print(json.dumps({'changed': True, 'got': args, 'at': sys.argv[0]}))\n"
    given = {"text": "it's\n$HOME 'x'", "list": [1, {"a": None}]}
    jid = left(host, tmp_path, text, given)
    looked = host.run("async_status", {"jid": jid, "_async_dir": str(tmp_path / "jobs")})
    assert looked["finished"] == 0
    assert (tmp_path / "jobs" / jid).stat().st_mode & 0o777 == 0o700
    pipe.write_text("you")
    found = ended(host, tmp_path, jid)
    assert found["changed"] is True
    assert {name: found["got"][name] for name in given} == given
    assert found["got"]["heard"] == "you"
    assert not Path(found["at"]).parent.exists()
    assert tidied(tmp_path / "jobs" / jid) == [
        *("child", "ending", "err", "keeper", "out", "recipe")
    ], "neither the program nor its arguments are kept"


def test_what_a_job_of_it_fails_with(sh: ModuleHost, tmp_path: Path) -> None:
    said = ended(sh, tmp_path, left(sh, tmp_path, '#!/bin/sh\necho \'{"msg": "no"}\'; exit 3\n'))
    assert (said["failed"], said["msg"]) == (True, "no")
    mute = ended(sh, tmp_path, left(sh, tmp_path, "#!/bin/sh\necho hello; echo why >&2; exit 4\n"))
    assert (mute["failed"], mute["rc"]) == (True, 4)
    assert "own printed no result" in mute["msg"]
    gone = ended(sh, tmp_path, left(sh, tmp_path, "#!/opt/nosuch/ruby9\nputs 1\n"))
    assert "no /opt/nosuch/ruby9 on this host" in gone["msg"]


def test_past_its_limit_nothing_of_it_is_left(sh: ModuleHost, tmp_path: Path) -> None:
    where = tmp_path / "where"
    text = f'#!/bin/sh\nprintf %s "$0" >{where}\necho before\nsleep 600\n'
    found = ended(sh, tmp_path, left(sh, tmp_path, text, limit=1))
    assert found["failed"] is True
    assert (found["stdout"], "within 1 s" in found["msg"]) == ("before\n", True)
    assert not Path(where.read_text()).parent.exists()
