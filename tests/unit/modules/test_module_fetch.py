"""fetch and tempfile: files of the host's that come here, files that are new there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.module_host import ModuleHost, module_host
from support.shells import SHELLS, shared_shells


@pytest.fixture(params=[("dash", "system"), ("busybox ash", "busybox")], ids=lambda each: each[1])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleHost]:
    name, userland = request.param
    shell = shared_shells(name, userland)
    with module_host(tmp_path, shell.words, shell.prefix) as found:
        yield found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "there" / "a 'file"
    path.parent.mkdir()
    path.write_bytes(b"some\0bytes\n" * 1000)
    return path


def test_a_directory_for_each_host(host: ModuleHost, source: Path, tmp_path: Path) -> None:
    args = {"src": str(source), "dest": str(tmp_path / "kept")}
    told = host.run("fetch", args)
    dest = f"{tmp_path}/kept/here{source}"
    assert (told["changed"], told["dest"]) == (True, dest)
    assert told["checksum"] == told["remote_checksum"]
    assert Path(dest).read_bytes() == source.read_bytes()
    again = host.run("fetch", args)
    assert not again["changed"]
    assert again["checksum"] == told["checksum"]
    assert again["file"] == str(source)
    source.write_text("other")
    assert host.run("fetch", args)["changed"]
    assert Path(dest).read_text() == "other"


def test_check_mode_fetches_nothing(host: ModuleHost, source: Path, tmp_path: Path) -> None:
    told = host.run("fetch", {"src": str(source), "dest": str(tmp_path / "kept")}, check=True)
    assert (told["skipped"], told["changed"]) == (True, False)
    assert not (tmp_path / "kept").exists()


def test_flat(host: ModuleHost, source: Path, tmp_path: Path) -> None:
    named = host.run("fetch", {"src": str(source), "dest": f"{tmp_path}/one", "flat": True})
    assert named["dest"] == f"{tmp_path}/one"
    below = host.run("fetch", {"src": str(source), "dest": f"{tmp_path}/two/", "flat": True})
    assert below["dest"] == f"{tmp_path}/two/{source.name}"
    refused = host.run("fetch", {"src": str(source), "dest": f"{tmp_path}/two", "flat": True})
    assert refused["failed"]
    assert "is a directory" in refused["msg"]


@pytest.mark.parametrize(("name", "why"), [("none", "does not exist"), ("", "is a directory")])
def test_what_is_no_file(
    host: ModuleHost, source: Path, tmp_path: Path, name: str, why: str
) -> None:
    args: dict[str, Any] = {"src": f"{source.parent}/{name}", "dest": str(tmp_path / "kept")}
    told = host.run("fetch", args)
    assert told["failed"]
    assert why in told["msg"]
    told = host.run("fetch", {**args, "fail_on_missing": False})
    assert not told.get("failed")
    assert not told["changed"]
    assert not (tmp_path / "kept").exists()


def test_nothing_is_written_outside(
    host: ModuleHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_text("secret")
    monkeypatch.chdir(tmp_path)
    name = "../../../../../../../../../../etc/hostname"
    told = host.run("fetch", {"src": name, "dest": str(tmp_path / "kept")})
    assert told["dest"] == f"{tmp_path}/kept/here/etc/hostname"
    assert Path(told["dest"]).read_bytes() == Path("/etc/hostname").read_bytes()


def test_a_place_that_cannot_be_written(host: ModuleHost, source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    told = host.run("fetch", {"src": str(source), "dest": f"{tmp_path}/file/below", "flat": True})
    assert told["failed"]
    assert "Not a directory" in told["msg"] or "File exists" in told["msg"]
    assert (tmp_path / "file").read_text() == "kept"


def test_the_mode_of_what_was_there_stays(host: ModuleHost, source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "dest"
    dest.write_text("old")
    dest.chmod(0o640)
    host.run("fetch", {"src": str(source), "dest": str(dest), "flat": True})
    assert stat.S_IMODE(dest.stat().st_mode) == 0o640
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".opsrun-")]


def test_a_full_disk_here(host: ModuleHost, source: Path, tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    from opsrun.errors import TransferFailed
    from opsrun.modules.fetching import Arriving

    arriving = Arriving.at(str(tmp_path / "x"))
    with open("/dev/full", "wb", buffering=0) as full:
        arriving.write = full.write
        with pytest.raises(TransferFailed, match="No space left"):
            arriving.take(b"x")
    arriving.dropped()
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("userland", ["system", "busybox"])
def test_temporary_files(shell: str, userland: str, tmp_path: Path) -> None:
    host_shell = shared_shells(shell, userland)
    place = tmp_path / "a 'place"
    place.mkdir()
    with module_host(tmp_path, host_shell.words, host_shell.prefix) as host:
        made = host.run("tempfile", {"path": str(place), "suffix": ".x y", "prefix": "-b"})
        other = host.run("tempfile", {"path": str(place), "state": "directory"})
        usual = host.run("tempfile")
        refused = host.run("tempfile", {"path": str(place / "none")})
        checked = host.run("tempfile", {"path": str(place)}, check=True)
    assert made["changed"]
    assert made["mode"] == "0600"
    assert made["state"] == "file"
    assert Path(made["path"]).name.startswith("-b")
    assert made["path"].endswith(".x y")
    assert Path(made["path"]).read_bytes() == b""
    assert (other["mode"], other["state"]) == ("0700", "directory")
    assert {Path(each["path"]) for each in (made, other)} == set(place.iterdir())
    assert Path(usual["path"]).name.startswith("ansible.")
    Path(usual["path"]).unlink()
    assert refused["failed"]
    assert str(place / "none") in refused["msg"]
    assert checked["skipped"]
