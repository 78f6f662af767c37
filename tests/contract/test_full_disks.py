"""Copies to file systems that are full, read-only or not ours, and copies that are broken off."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.copying import Copying, bad, copying, good, left_behind
from support.engines import until
from support.reach import Reach, local, over_ssh
from support.remote_files import NOBODY, as_nobody, mounts

from opsrun.adhoc.transfer import Finish, Rates
from opsrun.engine.base import Engine
from opsrun.events import Outcome
from opsrun.lab import Lab
from opsrun.remote.connection import Transport
from opsrun.transports.pipe import PipeConnection

CHANGED = Outcome.CHANGED
LARGE = 3 << 20


class Prefixed:
    """A transport to a shell of this machine that some words start."""

    def __init__(self, engine: Engine, words: tuple[str, ...]) -> None:
        self._connection = PipeConnection(words, "here", engine)

    def connect(self) -> PipeConnection:
        return self._connection

    def close(self) -> None:
        self._connection.close()


def behind(words: tuple[str, ...]) -> Callable[[Engine], Reach]:
    """Hosts whose shell these words start."""

    def make(engine: Engine) -> Reach:
        def transport(**changes: Any) -> Transport:
            return Prefixed(engine, words)

        return Reach("prefixed", engine, transport)

    return make


@pytest.fixture
def top() -> Iterator[Path]:
    """A directory that every user may reach; ours may not be."""
    with tempfile.TemporaryDirectory(prefix="opsrun-test-") as made:
        os.chmod(made, 0o755)
        yield Path(made)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A directory whose files don't fit into the small disk: archived, and one that goes alone."""
    top = tmp_path / "source"
    (top / "sub").mkdir(parents=True)
    for number in range(8):
        (top / f"sub/{number}").write_bytes(random.Random(number).randbytes(100_000))
    (top / "large").write_bytes(random.Random(9).randbytes(LARGE))
    return top


def contents(top: Path) -> dict[str, bytes]:
    return {
        os.path.relpath(path, top): path.read_bytes() for path in top.rglob("*") if path.is_file()
    }


# -- the host's disk


@pytest.mark.parametrize("what", ["sub/", "large"])
def test_the_hosts_disk_is_full(top: Path, source: Path, what: str) -> None:
    with mounts(f"mount -t tmpfs -o size=300k none {top}") as (words, root):
        inside = Path(f"{root}{top}")
        for name in ("0", "large"):
            (inside / name).write_text("old")
        with copying(behind(words)) as copy:
            failed = bad(copy.put(source / what if what == "large" else f"{source}/{what}", top))
            assert "No space left on device" in failed
            assert str(top) in failed
            assert contents(inside) == {"0": b"old", "large": b"old"}
            assert left_behind(inside) == []
            (source / "small").write_text("fits")
            good(copy.put(source / "small", top), CHANGED)
            failed = bad(copy.sync(f"{source}", top, delete=True))
            assert "No space left on device" in failed
            assert contents(inside) == {"0": b"old", "large": b"old", "small": b"fits"}


def test_a_backup_that_does_not_fit(top: Path, tmp_path: Path) -> None:
    """Backups are second names, so they take no room."""
    with mounts(f"mount -t tmpfs -o size=300k none {top}") as (words, root):
        inside = Path(f"{root}{top}")
        (inside / "a").write_bytes(bytes(120_000))
        (tmp_path / "a").write_bytes(b"x" * 120_000)
        with copying(behind(words)) as copy:
            good(copy.put(tmp_path / "a", top, finish=Finish(backup=True)), CHANGED)
        assert (inside / "a").read_bytes() == b"x" * 120_000
        assert len(list(inside.iterdir())) == 2


def test_the_hosts_file_system_is_read_only(top: Path, source: Path) -> None:
    commands = f"mount -t tmpfs none {top} && echo old >{top}/large && mount -o remount,ro {top}"
    with mounts(commands) as (words, root), copying(behind(words)) as copy:
        for result in (copy.put(source / "large", top), copy.sync(source, top)):
            assert "Read-only file system" in bad(result)
        assert contents(Path(f"{root}{top}")) == {"large": b"old\n"}
        assert copy.put(source / "large", top / "new/", parents=True).outcome is Outcome.FAILED


def test_a_directory_that_one_may_not_write_to(top: Path, source: Path) -> None:
    (top / "large").write_text("old")
    top.chmod(0o555)
    with copying(behind(as_nobody())) as copy:
        assert "Permission denied" in bad(copy.put(source / "large", top))
        assert "Permission denied" in bad(copy.sync(source, top))
        assert "Permission denied" in bad(copy.put(source / "large", top / "new/"))
    assert contents(top) == {"large": b"old"}
    assert left_behind(top) == []


@pytest.mark.root
def test_an_owner_that_one_may_not_give(top: Path, source: Path) -> None:
    os.chown(top, NOBODY, NOBODY)
    (top / "large").write_text("old")
    with copying(behind(as_nobody())) as copy:
        failed = bad(copy.put(source / "large", top, finish=Finish(owner="root")))
        assert "Operation not permitted" in failed
    assert contents(top) == {"large": b"old"}
    assert left_behind(top) == []


@pytest.mark.root
def test_a_file_that_one_may_not_read(top: Path, tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d", "e", "f"):
        (top / name).write_text(name)
    (top / "b").chmod(0o600)
    (tmp_path / "here").mkdir()
    with copying(behind(as_nobody())) as copy:
        assert "Permission denied" in bad(copy.get(top / "b", tmp_path / "here"))
        assert "Permission denied" in bad(copy.get(top, tmp_path / "here"))
    assert contents(tmp_path / "here") == {}
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.root
def test_what_is_out_of_reach_is_not_said_to_be_absent(
    top: Path, source: Path, tmp_path: Path
) -> None:
    (top / "mine").mkdir(mode=0o700)
    (top / "mine/file").write_text("mine")
    with copying(behind(as_nobody())) as copy:
        for dest in ("mine/file", "mine/new/file", "new/file"):
            for parents in (False, True):
                words = bad(copy.put(source / "large", top / dest, parents=parents))
                assert "out of reach" in words or "Permission denied" in words
        words = bad(copy.sync(source, top / "mine/new"))
        assert "out of reach" in words or "Permission denied" in words
        assert "Permission denied" in bad(copy.get(top / "mine/file", tmp_path))
        assert "there is no" in bad(copy.get(top / "absent", tmp_path))
    assert contents(top) == {"mine/file": b"mine"}


# -- this machine's disk


@contextmanager
def small_disk(where: Path) -> Iterator[None]:
    """A mount in the tests' own namespace, gone at the end."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    if libc.mount(b"none", os.fsencode(where), b"tmpfs", 0, b"size=300k"):
        pytest.skip(f"nothing can be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        yield
    finally:
        libc.umount2(os.fsencode(where), 2)


@pytest.mark.parametrize("what", ["sub", "large"])
def test_our_disk_is_full(top: Path, source: Path, what: str) -> None:
    with small_disk(top), copying(local) as copy:
        (top / "old").write_text("old")
        failed = bad(copy.get(source / what, f"{top}/"))
        assert "No space left on device" in failed
        assert contents(top) == {"old": b"old"}
        assert left_behind(top) == []
        assert [path.name for path in top.iterdir()] == ["old"]


def test_our_file_system_is_not_ours(source: Path) -> None:
    with copying(local) as copy:
        failed = bad(copy.get(source / "large", "/proc/opsrun/"))
        assert "/proc/opsrun" in failed


# -- broken off


def begun(copy: Copying, top: Path) -> Callable[[], None]:
    """Ends the run as soon as something has come into a stage."""

    def wait() -> None:
        until(copy.engine, lambda: any(_sizes(top)))
        copy.stop.cancel("interrupted")

    return wait


def _sizes(top: Path) -> Iterator[int]:
    for stage in left_behind(top):
        for where, _, files in os.walk(stage):
            for name in files:
                try:
                    yield os.path.getsize(os.path.join(where, name))
                except FileNotFoundError:
                    continue


@pytest.mark.parametrize("way", ["local", "sshd"])
@pytest.mark.parametrize("what", ["put", "get", "sync"])
def test_a_copy_that_is_broken_off_leaves_nothing(
    request: pytest.FixtureRequest, top: Path, source: Path, way: str, what: str
) -> None:
    def make(engine: Engine) -> Reach:
        if way == "local":
            return local(engine)
        lab: Lab = request.getfixturevalue("lab")
        return over_ssh(engine, lab, "web01", "sshd", kills=True)

    (top / "large").write_text("old")
    with copying(make) as copy:
        task = copy.engine.spawn(begun(copy, top))
        # So slow that it can't have ended when it is broken off.
        result = getattr(copy, what)(f"{source}/", f"{top}/", rates=Rates(each=200_000))
        assert task.join(60.0)
        assert result.outcome is Outcome.CANCELLED
        assert result.error is not None
        assert result.error.message == "interrupted"
        until(copy.engine, lambda: not left_behind(top))
    assert contents(top) == {"large": b"old"}
