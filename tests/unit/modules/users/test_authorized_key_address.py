"""authorized_key: keys that the host gets from a server."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.module_host import ModuleHost, module_host
from support.web import KEY, NAME, OTHER_KEY, PASSWORD, Web, server

ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    if not any(map(shutil.which, ("curl", "wget"))):
        pytest.skip("there is neither curl nor wget")
    with server() as found:
        yield found


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path) as found:
        yield found


def _args(web: Web, path: str, file: Path, **more: Any) -> dict[str, Any]:
    address = web.url.replace("http://", f"http://{NAME}:hushhush@")
    return {"user": ME, "key": f"{address}{path}", "path": str(file), "manage_dir": False, **more}


def test_keys_that_a_server_has(host: ModuleHost, web: Web, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("# mine\n")
    args = _args(web, "/keys", file, key_options="no-pty")
    for check in (True, False):
        told = host.run("authorized_key", args, check=check, diff=True)
        assert told["changed"]
        assert "hushhush" not in str(told)
    assert file.read_text() == f"# mine\nno-pty {KEY} one\nno-pty {OTHER_KEY} two\n"
    assert not host.run("authorized_key", args)["changed"]
    assert host.run("authorized_key", args | {"state": "absent"})["changed"]
    assert file.read_text() == "# mine\n"


@pytest.mark.parametrize("path", ["/missing", "/file"])
def test_a_server_that_has_none_locks_nobody_out(
    host: ModuleHost, web: Web, tmp_path: Path, path: str
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{KEY} mine\n")
    told = host.run("authorized_key", _args(web, path, file, exclusive=True))
    assert told["failed"]
    assert "hushhush" not in told["msg"]
    assert PASSWORD not in told["msg"]
    assert file.read_text() == f"{KEY} mine\n"
