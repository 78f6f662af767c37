"""gem on RubyGems itself, with gems that are made here: nothing is asked of a network."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.module_host import ModuleHost, module_host
from support.scripts import Listening

QUIET = "SC2329,SC2317,SC2016,SC2034,SC2086,SC2154"
STANDS_IN = """\
#!/bin/sh
case "$*" in
  *--norc*) echo 'ERROR: invalid option: --norc' >&2; exit 1 ;;
  list*-i*) echo false; exit 1 ;;
  list*) echo 'demo (default: 1.0.0, 0.9)' ;;
esac
[ "$1" = list ] || printf '%s|' "$@" >>"$(dirname "$0")/calls"
"""


@pytest.fixture(scope="module")
def gems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ``demo`` 1.0.0 and 2.0.0."""
    if shutil.which("gem") is None:
        pytest.skip("there is no gem (Debian: apt-get install ruby)")
    top = tmp_path_factory.mktemp("gems")
    words = (
        "require 'rubygems/package'; %w[1.0.0 2.0.0].each { |v| Gem::Package.build("
        "Gem::Specification.new { |s| s.name = 'demo'; s.version = v; s.summary = 'x';"
        " s.authors = ['a']; s.files = ['bin/demo-tool']; s.bindir = 'bin';"
        " s.executables = ['demo-tool'] }, true) }"
    )
    (top / "bin").mkdir()
    (top / "bin/demo-tool").write_text("#!/usr/bin/ruby\n")
    subprocess.run(["ruby", "-e", words], cwd=top, check=True, capture_output=True)
    return top


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path, environment={**os.environ, "HOME": str(tmp_path)}) as made:
        yield made


def test_files_into_a_directory(host: ModuleHost, gems: Path, tmp_path: Path) -> None:
    """The keys are those of the dialect's own engine."""
    own = {"install_dir": str(tmp_path / "in"), "bindir": str(tmp_path / "b c")}
    args = {"name": "demo", "user_install": False, **own}

    def ran(*, check: bool = False, **more: Any) -> dict[str, Any]:
        return host.run("gem", {**args, **more}, check=check)

    first = {"gem_source": str(gems / "demo-1.0.0.gem")}
    told = {"changed": True, "name": "demo", "state": "present"}
    assert ran(**first, check=True) == told
    assert not (tmp_path / "in").exists()
    assert ran(**first, env_shebang=True, build_flags="--with 'a b'") == told
    assert ran(**first) == {**told, "changed": False}
    assert "env ruby" in (tmp_path / "b c/demo-tool").read_text()
    assert not ran(version=">= 0.9, < 2")["changed"]
    newer = {"gem_source": str(gems / "demo-2.0.0.gem"), "state": "latest"}
    assert ran(**newer, check=True)["version"] == "2.0.0"
    assert ran(**newer)["changed"]
    gone = {"state": "absent", "version": "1.0.0"}
    assert ran(**gone) == {"changed": True, "name": "demo", **gone}
    assert not ran(**gone)["changed"]
    assert ran(state="absent")["changed"]
    assert list((tmp_path / "in/gems").iterdir()) == []


def test_what_can_not_be(host: ModuleHost, gems: Path) -> None:
    told = host.run("gem", {"name": "no-such", "repository": "file:///none/", "version": "1"})
    assert told["failed"]
    assert "no-such" in told["msg"]
    told = host.run("gem", {"name": "json", "state": "absent", "version": "= 99"})
    assert told["changed"] is False
    told = host.run("gem", {"name": "x", "install_dir": "/x"})
    assert "user_install: false" in told["msg"]
    told = host.run("gem", {"name": "x", "version": "1", "state": "latest"})
    assert "leave version out" in told["msg"]
    told = host.run("gem", {"name": "x", "executable": "no-gem"})
    assert told["msg"] == "there is no no-gem on this host"


@pytest.mark.parametrize("shell", ["dash", "busybox ash", "mksh", "bash --posix"])
def test_every_shell_and_old_rubygems(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell.split()[0]) is None:
        pytest.skip(f"there is no {shell}")
    (tmp_path / "gem").write_text(STANDS_IN)
    (tmp_path / "gem").chmod(0o755)
    args = {"name": "demo", "executable": str(tmp_path / "gem")}
    with module_host(tmp_path, shell) as host:
        listening = Listening(host.hands)
        host.hands = listening  # type: ignore[assignment]
        assert not host.run("gem", args)["changed"]
        more = {"version": "> 1", "bindir": "/b c", "force": True, "build_flags": "--x 'a b'"}
        assert host.run("gem", {**args, **more, "include_dependencies": False})["changed"]
        calls = (tmp_path / "calls").read_text()
        assert calls == (
            "install|--version|> 1|--ignore-dependencies|--user-install|--bindir|/b c|"
            "--no-document|--force|demo|--|--x|a b|"
        )
        assert not host.run("gem", {**args, "state": "latest"})["changed"]
        told = host.run("gem", {**args, "state": "absent"})
        assert "gem can't remove what came with Ruby" in told["msg"]
    program = shutil.which("shellcheck")
    if shell != "dash" or program is None:
        return
    for number, script in enumerate(listening.scripts):
        (tmp_path / f"{number}.sh").write_text(script)
    files = [str(tmp_path / f"{number}.sh") for number in range(len(listening.scripts))]
    words = [program, "-f", "gcc", "-s", "sh", "-e", QUIET, *files]
    assert subprocess.run(words, capture_output=True, text=True, check=False).stdout == ""
