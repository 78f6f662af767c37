"""What is encrypted never arrives in place of what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.module_host import ModuleHost, module_host
from support.vaults import VAULT, envelope

ENVELOPE = "$ANSIBLE_VAULT;1.1;AES256\n3132\n"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path) as found:
        yield found


@pytest.mark.parametrize("src", ["key", "tree/"])
def test_a_copy_is_refused_unless_it_is_wanted_as_it_is(
    host: ModuleHost, tmp_path: Path, src: str
) -> None:
    files = host.controller.directory
    (files / "tree").mkdir(parents=True)
    for path in (files / "key", files / "tree/key"):
        path.write_text(ENVELOPE)
    dest = tmp_path / "dest"
    dest.mkdir()
    refused = host.run("copy", {"src": src, "dest": str(dest)})
    assert refused["failed"]
    assert "encrypted" in refused["msg"]
    assert list(dest.iterdir()) == []
    assert host.run("copy", {"src": src, "dest": str(dest), "decrypt": False})["changed"]
    assert (dest / "key").read_text() == ENVELOPE


@pytest.mark.parametrize("src", ["key", "tree/"])
def test_a_copy_arrives_in_clear(host: ModuleHost, tmp_path: Path, src: str) -> None:
    files = host.controller.directory
    host.controller.vault = VAULT
    (files / "tree").mkdir(parents=True)
    for path in (files / "key", files / "tree/key"):
        path.write_text(envelope(b"\xff\0 in clear"))
        path.chmod(0o640)
    (tmp_path / "dest").mkdir()
    wanted = {"src": src, "dest": str(tmp_path / "dest"), "mode": "preserve"}
    assert host.run("copy", wanted)["changed"]
    assert (tmp_path / "dest/key").read_bytes() == b"\xff\0 in clear"
    assert (tmp_path / "dest/key").stat().st_mode & 0o7777 == 0o640
    assert not host.run("copy", wanted)["changed"]


def test_a_script_runs_in_clear_and_not_encrypted(host: ModuleHost) -> None:
    (host.controller.directory / "run").write_text(envelope("#!/bin/sh\necho $1 in clear\n"))
    refused = host.run("script", {"cmd": "run it"})
    assert refused["failed"]
    assert "no secret is at hand" in refused["msg"]
    host.controller.vault = VAULT
    assert host.run("script", {"cmd": "run it"})["stdout"] == "it in clear\n"
