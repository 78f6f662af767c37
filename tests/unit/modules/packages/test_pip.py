"""pip on this machine's Python, with wheels that are made here: no index is asked."""

from __future__ import annotations

import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.module_host import ModuleHost, module_host
from support.scripts import Listening, cover, lines
from support.shellcheck import FEW, findings

VENV = f"{sys.executable} -m venv"


def _wheel(folder: Path, name: str, version: str) -> None:
    plain = name.replace("-", "_")
    about = f"{plain}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{plain}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{plain}.py", "x = 1\n")
        file.writestr(
            f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        tags = "Root-Is-Purelib: true\nTag: py3-none-any\n"
        file.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nGenerator: x\n{tags}")
        file.writestr(f"{about}/RECORD", "")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    (tmp_path / "wheels").mkdir()
    for name, version in (("demo", "1.0"), ("demo", "2.0"), ("other-pkg", "1.0")):
        _wheel(tmp_path / "wheels", name, version)
    with module_host(tmp_path) as made:
        yield made


def _args(top: Path, **more: Any) -> dict[str, Any]:
    words = f"--no-index --find-links={top / 'wheels'}"
    return {"virtualenv": str(top / "v"), "virtualenv_command": VENV, "extra_args": words, **more}


def test_an_environment_and_what_is_in_it(host: ModuleHost, tmp_path: Path) -> None:
    """The keys and values are those of the dialect's own engine, for the same steps."""
    listening = Listening(host.hands)
    host.hands = listening  # type: ignore[assignment]
    pip = str(tmp_path / "v/bin/pip3")
    args = _args(tmp_path)

    def ran(*, check: bool = False, **more: Any) -> dict[str, Any]:
        return host.run("pip", {**args, **more}, check=check)

    assert ran(name="demo", check=True) == {"changed": True}
    assert not (tmp_path / "v").exists()
    made = ran(name="demo==1.0")
    assert made["cmd"] == [pip, "install", *args["extra_args"].split(), "demo==1.0"]
    told = {key: made[key] for key in ("changed", "name", "version", "state", "requirements")}
    assert told == {
        "changed": True,
        "name": ["demo==1.0"],
        "version": None,
        "state": "present",
        "requirements": None,
    }
    assert made["virtualenv"] == args["virtualenv"]
    assert made["stdout_lines"][-1] == "Successfully installed demo-1.0"
    assert not ran(name="demo")["changed"]
    assert ran(name="demo", version="2.0")["changed"]
    assert ran(name="demo", state="latest", check=True) == {"changed": False}
    assert ran(name="demo>=1.0,<3, Other_Pkg", check=True) == {"changed": True}
    assert ran(name="demo<3,>=1.0,Other_Pkg")["name"] == ["demo<3,>=1.0", "Other_Pkg"]
    gone = {"name": "other.pkg", "state": "absent", "extra_args": ""}
    assert ran(**gone, check=True) == {"changed": True}
    assert ran(**gone)["changed"]
    assert not ran(**gone)["changed"]
    (tmp_path / "req.txt").write_text("demo==1.0\n")
    told = ran(requirements="req.txt", chdir=str(tmp_path), umask="0022")
    assert (told["changed"], told["requirements"], told["name"]) == (True, "req.txt", None)
    told = ran(name="nosuch")
    assert told["failed"]
    assert "No matching distribution found for nosuch" in told["msg"]
    assert told["cmd"][-1] == "nosuch"
    scripts = {each: lines([each], str(tmp_path)) for each in listening.scripts}
    assert findings(cover(scripts), tmp_path / "scripts", FEW) == ""


def test_what_can_not_be(host: ModuleHost, tmp_path: Path) -> None:
    told = host.run("pip", _args(tmp_path, name="demo", umask="9"))
    assert "umask must be an octal integer" in told["msg"]
    told = host.run("pip", {"name": "demo", "executable": "nopip"})
    assert "nopip" in told["msg"]
    missing = {"virtualenv": str(tmp_path / "w"), "virtualenv_command": "no-venv"}
    told = host.run("pip", {"name": "demo", **missing})
    assert "there is no no-venv to make" in told["msg"]
    told = host.run("pip", _args(tmp_path, name="demo", version="1", state="latest"))
    assert told["msg"] == "version is incompatible with state=latest"
    told = host.run("pip", _args(tmp_path, name=["demo", "x"], version="1"))
    assert "version is for one package" in told["msg"]


@pytest.mark.parametrize("shell", ["busybox ash", "mksh", "bash --posix"])
def test_every_shell(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell.split()[0]) is None:
        pytest.skip(f"there is no {shell}")
    (tmp_path / "pip").write_text('#!/bin/sh\nprintf "%s|" "$@"; echo; echo e >&2\n')
    (tmp_path / "pip").chmod(0o755)
    words = {"name": "a 'b\" $c*", "executable": str(tmp_path / "pip")}
    with module_host(tmp_path, shell) as host:
        told = host.run("pip", words)
        assert (told["stdout"], told["stderr"]) == ("install|a 'b\" $c*|\n", "e\n")
        assert not told["changed"]
