"""Where a host lacks a tool: what is said, and that every tool that scripts miss is known."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest
from support.module_host import module_host

import opsrun.modules
from opsrun.modules.base import ModuleError
from opsrun.modules.packages import FAMILIES, PACKAGES, holding, missing, tools, where_from
from opsrun.remote.command import CommandResult

_LACK = re.compile(r"\|\| lack ([a-z][\w-]*)|either\([^()]*(?:\([^()]*\)[^()]*)*, \"([a-z]+)\"\)")


def test_the_examples() -> None:
    assert doctest.testmod(tools).failed == 0


def test_every_tool_has_a_package_in_every_family() -> None:
    assert {len(names) for names in PACKAGES.values()} == {len(FAMILIES)}
    assert all(name.strip() == name != "" for names in PACKAGES.values() for name in names)


def test_every_tool_that_a_script_needs_is_known() -> None:
    top = Path(opsrun.modules.__path__[0])
    text = "".join(path.read_text() for path in top.rglob("*.py"))
    named = {name for found in _LACK.findall(text) for name in found if name}
    assert {"setfacl", "ssh-keygen", "useradd"} <= named
    assert named <= PACKAGES.keys()


@pytest.mark.parametrize(
    "words",
    [
        "sh: 12: setfacl: not found",
        "/bin/sh: line 3: setfacl: command not found",
        "mksh: setfacl: inaccessible or not found",
        "x: setfacl: not found\nmore",
        "env: 'setfacl': No such file or directory",
        "env: setfacl: No such file or directory",
        "there is no setfacl on this host",
    ],
)
def test_what_is_missing_is_read_from_the_hosts_words(words: str) -> None:
    assert where_from(words) == "it is usually in the package acl"
    error = ModuleError.of(CommandResult(127, stderr=words.encode()))
    assert error.msg == f"{words} (it is usually in the package acl)"


@pytest.mark.parametrize("words", ["", "sh: 1: nobodys: not found", "the page was not found"])
def test_what_nobody_knows_has_no_hint(words: str) -> None:
    assert where_from(words) == ""


def test_a_tool_without_a_package() -> None:
    assert missing("nobodys") == "there is no nobodys on this host"
    assert holding("nobodys", "curl") == "they are usually in the packages curl"


def test_a_host_without_it(tmp_path: Path) -> None:
    for name in ("sh", "cat", "env", "mkdir", "rm", "head", "dd"):
        path = next(p for p in map(Path, ("/bin", "/usr/bin")) if (p / name).exists()) / name
        (tmp_path / name).symlink_to(path)
    prefix = ("/usr/bin/env", "-i", f"PATH={tmp_path}", "/bin/sh", "-c")
    with module_host(tmp_path, prefix=prefix) as host:
        args = {"path": str(tmp_path), "entity": "x", "etype": "user", "permissions": "r"}
        told = host.run("acl", {**args, "state": "present"})
    assert told["msg"] == "there is no setfacl on this host (it is usually in the package acl)"
