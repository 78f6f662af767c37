"""The law of modules that bring a state about: apply, look again, and nothing is left to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.module_cases import tree
from support.module_host import ModuleHost, module_host

NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=12
).filter(lambda name: name not in (".", "..") and not name.startswith(("~", "$")))
NAMES = NAMES.filter(lambda name: "$" not in name and len(name.encode()) < 60)
MODES = st.none() | st.sampled_from(
    ["0644", "0700", 0o755, "u=rwx,g=rx,o=", "a+X", "u+s", "g-w,o=g", "+t", "=rw", "u=g"]
)
LAW = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path) as found:
        yield found


def _start(top: Path, kind: str, name: str) -> Path:
    shutil.rmtree(top, ignore_errors=True)
    top.mkdir()
    path = top / name
    if kind == "file":
        path.write_text("old")
    elif kind == "directory":
        path.mkdir()
    elif kind == "link":
        (top / f"{name}.to").write_text("beyond")
        path.symlink_to(f"{name}.to")
    return path


def _held(host: ModuleHost, top: Path, module: str, args: dict[str, Any]) -> None:
    before = tree(top)
    checked = host.run(module, args, check=True, diff=True)
    assert tree(top) == before
    first = host.run(module, args)
    after = tree(top)
    if first.get("failed"):
        assert after == before
        return
    assert first["changed"] == checked["changed"] == (before != after)
    again = host.run(module, args)
    assert not again["changed"]
    assert not host.run(module, args, check=True)["changed"]
    assert tree(top) == after


KINDS = st.sampled_from(["nothing", "file", "directory", "link"])


@LAW
@given(KINDS, NAMES, st.sampled_from(["absent", "directory", "file", "link"]), MODES, st.booleans())
def test_file(
    host: ModuleHost, tmp_path: Path, kind: str, name: str, state: str, mode: Any, force: bool
) -> None:
    top = tmp_path / "top"
    path = _start(top, kind, name)
    args: dict[str, Any] = {"path": str(path), "state": state, "mode": mode, "force": force}
    if state == "link":
        (top / "source").write_text("x")
        args |= {"src": "source", "mode": None}
    _held(host, top, "file", args)


@LAW
@given(KINDS, NAMES, st.text(max_size=50) | st.binary(max_size=50), MODES, st.booleans())
def test_copy(
    host: ModuleHost, tmp_path: Path, kind: str, name: str, content: Any, mode: Any, follow: bool
) -> None:
    top = tmp_path / "top"
    path = _start(top, kind, name)
    args: dict[str, Any] = {"dest": str(path), "mode": mode, "follow": follow}
    if isinstance(content, bytes):
        (tmp_path / "source").write_bytes(content)
        args["src"] = str(tmp_path / "source")
    else:
        args["content"] = content
    shown = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
    _held(host, top, "copy", args)
    if path.is_file():
        assert path.read_bytes() == shown


@LAW
@given(st.dictionaries(NAMES, st.binary(max_size=20) | st.none(), max_size=4), MODES)
def test_a_directory(
    host: ModuleHost, tmp_path: Path, entries: dict[str, bytes | None], mode: Any
) -> None:
    source, top = tmp_path / "source", tmp_path / "top"
    shutil.rmtree(source, ignore_errors=True)
    _start(top, "nothing", "x")
    source.mkdir()
    for name, data in entries.items():
        if data is None:
            (source / name).mkdir()
        else:
            (source / name).write_bytes(data)
    args = {"src": f"{source}/", "dest": str(top / "d"), "mode": mode}
    before = tree(top)
    assert host.run("copy", args, check=True)["changed"] == bool(entries)
    assert tree(top) == before
    assert host.run("copy", args)["changed"] == bool(entries)
    assert not host.run("copy", args)["changed"]
    for name, data in entries.items():
        assert (
            (top / "d" / name).is_dir()
            if data is None
            else ((top / "d" / name).read_bytes() == data)
        )
