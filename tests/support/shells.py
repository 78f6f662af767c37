"""The POSIX shells and userlands that sessions are tried on."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

SHELLS = ("dash", "bash", "busybox ash", "mksh")


@dataclass(frozen=True, slots=True)
class ShellUnderTest:
    """A shell, and the programs that it finds."""

    words: str
    path: str | None
    """PATH; None for the system's."""

    @property
    def prefix(self) -> tuple[str, ...]:
        """Words that run a script on such a host."""
        env = () if self.path is None else (_found("env"), f"PATH={self.path}")
        return (*env, "/bin/sh", "-c")


def _found(name: str) -> str:
    path = shutil.which(name)
    if path is not None:
        return path
    pytest.skip(f"there is no {name} (Debian: apt-get install {name})")


@cache
def _applets() -> str:
    """busybox's own programs, of which head(1) reads ahead."""
    return _found("busybox")


def busybox_path(directory: Path) -> str:
    """A directory with every program of busybox's, and nothing else."""
    directory.mkdir()
    subprocess.run([_applets(), "--install", "-s", str(directory)], check=True)
    return str(directory)


def scarce_path(directory: Path) -> str:
    """A directory in which no head(1) and no ``dd iflag=fullblock`` are to be found."""
    directory.mkdir()
    for name in ("cat", "env", "mkdir", "rm", "sleep", "wc", "sh"):
        (directory / name).symlink_to(_found(name))
    dd = directory / "dd"
    dd.write_text(
        f'#!/bin/sh\ncase "$*" in *iflag*) echo "dd: bad operand" >&2; exit 1;; esac\n'
        f'exec {_found("dd")} "$@"\n'
    )
    dd.chmod(0o755)
    return str(directory)


def shells(directory: Path, name: str, userland: str) -> ShellUnderTest:
    """One shell with one userland: ``system``, ``busybox`` or ``scarce``, made in ``directory``."""
    make = busybox_path if userland == "busybox" else scarce_path
    path = None if userland == "system" else make(directory / userland)
    return ShellUnderTest(_shell(name), path)


def shared_shells(name: str, userland: str) -> ShellUnderTest:
    """`shells`, with a userland that is there for all tests, and that none may change."""
    return ShellUnderTest(_shell(name), None if userland == "system" else _shared(userland))


def _shell(name: str) -> str:
    first, *rest = name.split(" ")
    return " ".join([_found(first), *rest])


@cache
def _shared(userland: str) -> str:
    """Open to whoever a test becomes; making four hundred links takes longer than most tests."""
    directory = Path(tempfile.mkdtemp(prefix="opsrun-userland-"))
    atexit.register(shutil.rmtree, directory)
    directory.chmod(0o755)
    found = shells(directory, "sh", userland).path
    assert found is not None
    return found


def combinations() -> Iterator[tuple[str, str]]:
    """Every shell on the system's programs and on busybox's; one on hardly any."""
    for name in SHELLS:
        yield name, "system"
        yield name, "busybox"
    yield "dash", "scarce"
