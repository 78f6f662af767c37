"""What is encrypted never arrives in place of what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.module_host import ModuleHost, module_host

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


@pytest.mark.parametrize("module", ["template", "script"])
def test_neither_rendered_nor_run(host: ModuleHost, tmp_path: Path, module: str) -> None:
    (host.controller.directory / "key").write_text(ENVELOPE)
    args = (
        {"src": "key", "dest": str(tmp_path / "made")} if module == "template" else {"cmd": "key"}
    )
    refused = host.run(module, args)
    assert refused["failed"]
    assert "encrypted" in refused["msg"]
