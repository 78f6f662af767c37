"""git: clones and working copies of a repository on this machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.module_host import LocalController, ModuleHost, module_host
from support.shells import SHELLS, shared_shells

from opsrun.modules.base import Context
from opsrun.modules.git.module import Git
from opsrun.modules.options import resolve


@dataclass
class Repository:
    """A bare one, and a copy in which it grows."""

    bare: Path
    work: Path

    def git(self, *words: str, at: Path | None = None) -> str:
        who = {"NAME": "a", "EMAIL": "a@example.org"}
        names = {f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.bare.parent), **names}
        command = ["git", "-C", str(at or self.work), *words]
        ended = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
        return ended.stdout.strip()

    def commit(self, content: str, push: str = "") -> str:
        (self.work / "file").write_text(content)
        self.git("add", "file")
        self.git("commit", "-q", "-m", content)
        if push:
            self.git("push", "-q", str(self.bare), push)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "bare.git", tmp_path / "work")
    found.work.mkdir()
    found.git("init", "-q", "-b", "main")
    found.commit("1")
    found.git("tag", "v1")
    found.commit("2")
    found.git("checkout", "-q", "-b", "dev")
    found.commit("3")
    found.git("tag", "-a", "v3", "-m", "three")
    found.git("checkout", "-q", "main")
    found.git("clone", "-q", "--bare", str(found.work), str(found.bare))
    return found


@pytest.fixture(params=SHELLS)
def any_shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModuleHost]:
    shell = shared_shells(request.param, "system")
    environment = {"HOME": str(tmp_path)}
    with module_host(tmp_path, shell.words, shell.prefix, environment) as found:
        yield found


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ModuleHost]:
    with module_host(tmp_path, environment={"HOME": str(tmp_path)}) as found:
        yield found


def _of(repository: Repository, name: str) -> str:
    return repository.git("rev-parse", f"{name}^{{commit}}")


def test_a_copy_from_its_clone_to_its_update(
    any_shell: ModuleHost, repository: Repository, tmp_path: Path
) -> None:
    host, dest = any_shell, tmp_path / "deep" / "a copy"
    args = {"repo": str(repository.bare), "dest": str(dest)}
    first = _of(repository, "main")
    checked = host.run("git", args, check=True)
    assert (checked["changed"], checked["before"], checked["after"]) == (True, None, first)
    assert not dest.exists()
    assert host.run("git", args)["after"] == first
    assert (dest / "file").read_text() == "2"
    idle = host.run("git", args)
    assert (idle["changed"], idle["before"], idle["remote_url_changed"]) == (False, first, False)
    second = repository.commit("4", "main")
    for check in (True, False):
        told = host.run("git", args, check=check)
        assert (told["changed"], told["before"], told["after"]) == (True, first, second)
        assert (dest / "file").read_text() == ("2" if check else "4")
    assert not host.run("git", args)["changed"]


@pytest.mark.parametrize(
    ("version", "more"),
    [
        *((each, {}) for each in ("dev", "v1", "v3", "commit", "short")),
        *((each, {"depth": 1}) for each in ("dev", "v3")),
        ("dev", {"single_branch": True}),
    ],
)
def test_versions(
    host: ModuleHost, repository: Repository, tmp_path: Path, version: str, more: dict[str, Any]
) -> None:
    sha = _of(repository, "v1" if version in ("commit", "short") else version)
    name = {"commit": sha, "short": sha[:9]}.get(version, version)
    args = {"repo": f"file://{repository.bare}", "dest": str(tmp_path / "copy"), **more}
    assert host.run("git", args)["changed"]
    told = host.run("git", args | {"version": name})
    assert (told["changed"], told["after"]) == (True, sha)
    assert not host.run("git", args | {"version": name})["changed"]
    back = host.run("git", args)
    assert back["after"] == _of(repository, "main")
    fresh = args | {"dest": str(tmp_path / "fresh"), "version": name}
    assert host.run("git", fresh)["after"] == sha
    assert repository.git("status", "--porcelain", at=tmp_path / "fresh") == ""


def test_changes_there_are_kept_unless_forced(
    host: ModuleHost, repository: Repository, tmp_path: Path
) -> None:
    args = {"repo": str(repository.bare), "dest": str(tmp_path / "copy")}
    host.run("git", args)
    (tmp_path / "copy" / "file").write_text("mine")
    (tmp_path / "copy" / "new").write_text("mine")
    for check in (True, False):
        told = host.run("git", args, check=check)
        assert told["failed"]
        assert "Local modifications exist" in told["msg"]
    assert (tmp_path / "copy" / "file").read_text() == "mine"
    assert host.run("git", args | {"force": True})["changed"]
    assert (tmp_path / "copy" / "file").read_text() == "2"
    assert (tmp_path / "copy" / "new").read_text() == "mine"
    assert not host.run("git", args | {"force": True})["changed"]


def test_what_is_not_asked_for_is_left(
    host: ModuleHost, repository: Repository, tmp_path: Path
) -> None:
    args = {"repo": str(repository.bare), "dest": str(tmp_path / "copy")}
    told = host.run("git", args | {"clone": False})
    assert (told["changed"], told["after"]) == (True, _of(repository, "main"))
    assert not (tmp_path / "copy").exists()
    host.run("git", args)
    repository.commit("4", "main")
    kept = host.run("git", args | {"update": False, "version": "dev"})
    assert (kept["changed"], kept["after"]) == (False, kept["before"])


def test_a_bare_one(host: ModuleHost, repository: Repository, tmp_path: Path) -> None:
    args = {"repo": str(repository.bare), "dest": str(tmp_path / "b"), "bare": True}
    assert host.run("git", args)["changed"]
    assert not host.run("git", args)["changed"]
    newer = repository.commit("4", "main")
    assert host.run("git", args)["after"] == newer
    assert repository.git("rev-parse", "main", at=tmp_path / "b") == newer
    assert not host.run("git", args)["changed"]


def test_another_remote(host: ModuleHost, repository: Repository, tmp_path: Path) -> None:
    args = {"repo": str(repository.bare), "dest": str(tmp_path / "copy"), "remote": "up"}
    host.run("git", args)
    repository.git("clone", "-q", "--bare", str(repository.bare), str(tmp_path / "other.git"))
    other = args | {"repo": str(tmp_path / "other.git")}
    assert host.run("git", other, check=True)["remote_url_changed"]
    assert host.run("git", other)["changed"]
    assert not host.run("git", other)["changed"]


def test_the_umask_is_the_hosts(host: ModuleHost, repository: Repository, tmp_path: Path) -> None:
    args = {"repo": str(repository.bare), "dest": str(tmp_path / "copy")}
    host.run("git", args)
    made = (tmp_path / "copy" / "file").stat().st_mode
    (tmp_path / "usual").write_text("")
    assert made == (tmp_path / "usual").stat().st_mode
    host.run("git", args | {"dest": str(tmp_path / "closed"), "umask": "077"})
    assert (tmp_path / "closed" / "file").stat().st_mode & 0o777 == 0o600


def test_what_nobody_signed_is_not_left_there(
    host: ModuleHost, repository: Repository, tmp_path: Path
) -> None:
    args = {"repo": str(repository.bare), "dest": str(tmp_path / "copy"), "verify_commit": True}
    told = host.run("git", args)
    assert told["failed"]
    assert "GPG signature" in told["msg"]
    assert not (tmp_path / "copy").exists()
    host.run("git", args | {"verify_commit": False})
    repository.commit("4", "main")
    assert host.run("git", args)["failed"]
    assert (tmp_path / "copy" / "file").read_text() == "2"


def test_submodules(host: ModuleHost, repository: Repository, tmp_path: Path) -> None:
    (tmp_path / ".gitconfig").write_text('[protocol "file"]\n\tallow = always\n')
    sub = tmp_path / "sub.git"
    repository.git("clone", "-q", "--bare", str(repository.bare), str(sub))
    repository.git("submodule", "--quiet", "add", str(sub), "inner")
    repository.commit("4", "main")
    args = {"repo": str(repository.bare), "dest": str(tmp_path / "copy")}
    host.run("git", args | {"recursive": False})
    assert not (tmp_path / "copy" / "inner" / "file").exists()
    assert host.run("git", args, check=True)["changed"]
    assert host.run("git", args)["changed"]
    assert (tmp_path / "copy" / "inner" / "file").read_text() == "2"
    assert not host.run("git", args)["changed"]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"version": "none"}, "no such version"),
        ({"version": "--upload-pack=x"}, "takes it for an option"),
        ({"repo": "--upload-pack=x"}, "takes it for an option"),
        ({"repo": "/no/such"}, "does not appear to be a git repository"),
        ({"archive": "/x.zip"}, "not built"),
        ({"umask": "9"}, "no octal number"),
        ({"executable": "/no/git"}, "it is usually in the package git"),
        ({"dest": None}, "destination directory"),
    ],
)
def test_what_can_not_be_done(
    host: ModuleHost, repository: Repository, tmp_path: Path, more: dict[str, Any], what: str
) -> None:
    args = {"repo": str(repository.bare), "dest": str(tmp_path / "copy"), **more}
    told = host.run("git", args)
    assert told["failed"]
    assert what in told["msg"]
    assert not (tmp_path / "copy").exists()


def test_what_is_no_repository_is_left_alone(
    host: ModuleHost, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").write_text("x")
    told = host.run("git", {"repo": str(repository.bare), "dest": str(tmp_path / "copy")})
    assert "not an empty directory" in told["msg"]
    assert [each.name for each in (tmp_path / "copy").iterdir()] == ["mine"]
    (tmp_path / "copy" / ".git").write_text("gitdir: /no/such\n")
    told = host.run("git", {"repo": str(repository.bare), "dest": str(tmp_path / "copy")})
    assert told["failed"]
    assert (tmp_path / "copy" / "mine").read_text() == "x"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"accept_hostkey": True}, "-o StrictHostKeyChecking=no"),
        ({"accept_newhostkey": True}, "-o StrictHostKeyChecking=accept-new"),
        ({"ssh_opts": "-o Port=99 -4"}, "-o Port=99 -4"),
        ({"key_file": "/some where/key"}, "-i /some where/key -o IdentitiesOnly=yes"),
        ({}, "git@nowhere.example"),
    ],
)
def test_what_ssh_is_told(tmp_path: Path, args: dict[str, Any], words: str) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$*" >>"{tmp_path}/told"\necho no way >&2\nexit 255\n')
    ssh.chmod(0o755)
    environment = {"HOME": str(tmp_path), "PATH": f"{programs}:{os.environ['PATH']}"}
    with module_host(tmp_path, environment=environment) as host:
        copy = {"repo": "git@nowhere.example:x.git", "dest": str(tmp_path / "copy")}
        told = host.run("git", copy | args)
    assert told["failed"]
    assert "no way" in told["msg"]
    said = (tmp_path / "told").read_text()
    assert words in said
    assert ("StrictHostKeyChecking" in said) == any(each.startswith("accept") for each in args)


def test_the_branch_that_is_asked_for_is_the_one_it_is_on(
    host: ModuleHost, repository: Repository, tmp_path: Path
) -> None:
    """Even if both are at the same commit."""
    copy = tmp_path / "copy"
    args = {"repo": str(repository.bare), "dest": str(copy)}
    host.run("git", args | {"version": "v3"})
    for _ in range(2):
        told = host.run("git", args | {"version": "dev"})
        assert not told["changed"]
        assert repository.git("branch", "--show-current", at=copy) == "dev"
    assert not host.run("git", args | {"version": "v3"})["changed"]
    assert repository.git("branch", "--show-current", at=copy) == ""


def test_a_remote_without_commits(host: ModuleHost, repository: Repository, tmp_path: Path) -> None:
    empty, copy = tmp_path / "empty.git", tmp_path / "copy"
    repository.git("init", "-q", "--bare", str(empty))
    args = {"repo": str(empty), "dest": str(copy)}
    for check in (True, False):
        told = host.run("git", args, check=check)
        assert told["failed"]
        assert "leads to no commit" in told["msg"]
        assert not copy.exists()
    bare = args | {"bare": True}
    made = host.run("git", bare)
    assert (made["changed"], made["before"], made["after"]) == (True, None, "HEAD")
    assert not host.run("git", bare)["changed"]
    repository.git("push", "-q", str(empty), "main")
    repository.git("--git-dir", str(empty), "symbolic-ref", "HEAD", "refs/heads/main")
    assert host.run("git", bare)["after"] == _of(repository, "main")


def test_the_task_s_environment_counts_for_the_remote(tmp_path: Path) -> None:
    """It may say by which proxy, or with which program, the remote is reached."""
    found = resolve(Git, {"repo": "git@nowhere.example:x", "dest": "/x"})
    assert found.inspect(Context(LocalController(tmp_path))).environment
