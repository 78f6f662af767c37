"""unarchive: tar and zip archives, unpacked by the host's own tools, once."""

from __future__ import annotations

import os
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.module_host import ModuleHost, module_host
from support.shells import shared_shells

FORMATS = ("tar", "tar.gz", "tar.bz2", "tar.xz", "zip")


@pytest.fixture(params=[("dash", "system"), ("mksh", "busybox")], ids=lambda each: each[1])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleHost]:
    name, userland = request.param
    shell = shared_shells(name, userland)
    (tmp_path / "dest").mkdir()
    with module_host(tmp_path, shell.words, shell.prefix) as found:
        yield found


def _pack(tmp_path: Path, kind: str, name: str = "a 'b") -> Path:
    tree = tmp_path / "tree"
    (tree / "top/sub").mkdir(parents=True, exist_ok=True)
    (tree / "top/one").write_text("one\n")
    (tree / "top/one").chmod(0o640)
    (tree / "top/sub/a b").write_text("two\n")
    path = tmp_path / f"{name}.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for each in ("top", "top/one", "top/sub", "top/sub/a b"):
                archive.write(tree / each, each)
    else:
        mode: Any = f"w:{kind.partition('.')[2]}"
        with tarfile.open(path, mode) as archive:
            archive.add(tree / "top", "top")
    return path


def _files(top: Path) -> dict[str, str]:
    found = {}
    for each in sorted(top.rglob("*")):
        name = str(each.relative_to(top))
        found[name] = "/" if each.is_dir() else each.read_text()
    return found


WHOLE = {"top": "/", "top/one": "one\n", "top/sub": "/", "top/sub/a b": "two\n"}


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("remote", [False, True])
def test_unpacked_once(host: ModuleHost, tmp_path: Path, kind: str, remote: bool) -> None:
    path, dest = _pack(tmp_path, kind), tmp_path / "dest"
    args = {"src": str(path), "dest": str(dest), "remote_src": remote, "list_files": True}
    told = host.run("unarchive", args)
    assert told["changed"], told
    assert _files(dest) == WHOLE
    assert sorted(told["files"]) == ["top/", "top/one", "top/sub/", "top/sub/a b"]
    assert told["extract_results"]["rc"] == 0
    again = host.run("unarchive", args)
    assert not again["changed"]
    assert again["handler"] == told["handler"]
    (dest / "top/one").write_text("other")
    assert host.run("unarchive", args)["changed"]
    assert _files(dest) == WHOLE
    (dest / "top/sub/a b").unlink()
    assert host.run("unarchive", args)["changed"]
    assert _files(dest) == WHOLE


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_modes(host: ModuleHost, tmp_path: Path, kind: str) -> None:
    path, dest = _pack(tmp_path, kind), tmp_path / "dest"
    args = {"src": str(path), "dest": str(dest), "mode": "u=rwX,g=rX,o="}
    assert host.run("unarchive", args)["changed"]
    assert (dest / "top/one").stat().st_mode & 0o7777 == 0o640
    assert (dest / "top/sub").stat().st_mode & 0o7777 == 0o750
    assert not host.run("unarchive", args)["changed"]
    (dest / "top/one").chmod(0o600)
    told = host.run("unarchive", args)
    assert told["changed"]
    assert (dest / "top/one").stat().st_mode & 0o7777 == 0o640


@pytest.mark.parametrize("kind", ["tar.gz", "zip"])
def test_parts_of_an_archive(host: ModuleHost, tmp_path: Path, kind: str) -> None:
    path, dest = _pack(tmp_path, kind), tmp_path / "dest"
    args: dict[str, Any] = {"src": str(path), "dest": str(dest), "remote_src": True}
    told = host.run("unarchive", {**args, "include": ["top/one"]})
    assert told["changed"], told
    assert _files(dest) == {"top": "/", "top/one": "one\n"}
    assert not host.run("unarchive", {**args, "include": ["top/one"]})["changed"]
    shutil.rmtree(dest / "top")
    told = host.run("unarchive", {**args, "exclude": ["top/one"]})
    if told.get("failed"):
        assert "name what is wanted with include" in told["msg"]
        return
    assert told["changed"], told
    assert "top/one" not in _files(dest)
    assert "top/sub/a b" in _files(dest)


def test_words_for_tar(host: ModuleHost, tmp_path: Path) -> None:
    path, dest = _pack(tmp_path, "tar.gz"), tmp_path / "dest"
    args = {"src": str(path), "dest": str(dest), "extra_opts": ["--strip-components=1"]}
    assert host.run("unarchive", args)["changed"]
    assert _files(dest) == {"one": "one\n", "sub": "/", "sub/a b": "two\n"}
    assert not host.run("unarchive", args)["changed"]


def test_nothing_where_something_is(host: ModuleHost, tmp_path: Path) -> None:
    path, dest = _pack(tmp_path, "tar"), tmp_path / "dest"
    told = host.run("unarchive", {"src": str(path), "dest": str(dest), "creates": str(path)})
    assert (told["skipped"], told["changed"]) == (True, False)
    assert _files(dest) == {}


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({"src": "TOP/bad.tar.gz", "dest": "TOP/dest"}, "can't be unpacked"),
        ({"src": "TOP/cut.tar.gz", "dest": "TOP/dest"}, "can't be unpacked"),
        ({"src": "TOP/bad.zip", "dest": "TOP/dest"}, "can't be unpacked"),
        ({"src": "TOP/none.tar", "dest": "TOP/dest"}, "there is no"),
        ({"src": "TOP/none.tar", "dest": "TOP/dest", "remote_src": True}, "does not exist"),
        ({"src": "TOP/good.tar", "dest": "TOP/none"}, "must be an existing dir"),
        ({"src": "TOP/good.tar", "dest": "TOP/good.tar"}, "must be an existing dir"),
        ({"src": "https://example.org/x.tgz", "dest": "TOP/dest", "remote_src": True}, "get_url"),
    ],
)
def test_what_cannot_be_done(
    host: ModuleHost, tmp_path: Path, args: dict[str, Any], why: str
) -> None:
    _pack(tmp_path, "tar", "good")
    whole = _pack(tmp_path, "tar.gz").read_bytes()
    (tmp_path / "bad.tar.gz").write_text("no archive at all")
    (tmp_path / "bad.zip").write_bytes(b"PK\3\4 no archive either")
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 2])
    given = {
        key: value.replace("TOP", str(tmp_path)) if isinstance(value, str) else value
        for key, value in args.items()
    }
    told = host.run("unarchive", given)
    assert told["failed"]
    assert why in told["msg"]
    assert os.listdir(tmp_path / "dest") == []


@pytest.mark.parametrize("kind", ["tar", "zip"])
@pytest.mark.parametrize("remote", [False, True])
def test_check_mode_changes_nothing(
    host: ModuleHost, tmp_path: Path, kind: str, remote: bool
) -> None:
    path, dest = _pack(tmp_path, kind), tmp_path / "dest"
    args = {"src": str(path), "dest": str(dest), "remote_src": remote}
    told = host.run("unarchive", args, check=True)
    assert told["changed"] or told["skipped"]
    assert _files(dest) == {}
