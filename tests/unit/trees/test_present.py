"""What is here under names that a host gave: looked at, read and changed over no link."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from opsrun.trees.entry import Entry, Kind
from opsrun.trees.failures import PlaceError
from opsrun.trees.got import Rules
from opsrun.trees.plan import Pair
from opsrun.trees.present import digests_below, present, set_below

TIME = 1_500_000_000_000_000_000


def entry(path: bytes, kind: Kind = Kind.FILE) -> Entry:
    return Entry(path, kind, 0o751, 0, TIME, 0, 0)


def pair(path: bytes, kind: Kind = Kind.FILE) -> Pair:
    return Pair(entry(path, kind), entry(path, kind))


@pytest.fixture
def base(tmp_path: Path) -> bytes:
    """A directory with a file, and links that lead out of it."""
    (tmp_path / "outside").mkdir(mode=0o700)
    (tmp_path / "outside/file").write_text("secret")
    (tmp_path / "outside/file").chmod(0o600)
    inside = tmp_path / "inside"
    (inside / "sub").mkdir(parents=True)
    (inside / "sub/file").write_text("ours")
    (inside / "way").symlink_to("../outside")
    (inside / "link").symlink_to("../outside/file")
    os.mkfifo(inside / "fifo")
    return os.fsencode(inside)


def test_looking(base: bytes) -> None:
    names = (b"sub", b"sub/file", b"way", b"link", b"way/file", b"none", b"sub/file/x", b"//x")
    found = {one.path: one.kind for one in present(base, map(entry, names))}
    assert found == {
        b"sub": Kind.DIRECTORY,
        b"sub/file": Kind.FILE,
        b"way": Kind.LINK,
        b"link": Kind.LINK,
    }


def test_reading(base: bytes) -> None:
    outside = os.path.join(os.path.dirname(base), b"outside/file")
    names = [b"sub/file", b"way/file", b"link", b"none", b"sub", b"fifo", outside]
    assert digests_below(base, names) == {
        b"sub/file": hashlib.sha256(b"ours").hexdigest(),
        b"fifo": hashlib.sha256(b"").hexdigest(),
    }


def test_setting(base: bytes) -> None:
    set_below(base, [pair(b"sub", Kind.DIRECTORY), pair(b"sub/file")], Rules(preserve=True))
    for name in (b"sub", b"sub/file"):
        found = os.stat(os.path.join(base, name))
        assert (stat.S_IMODE(found.st_mode), found.st_mtime_ns) == (0o751, TIME)


@pytest.mark.parametrize("name", [b"link", b"way/file", b"none", b"sub", b"OUTSIDE"])
def test_nothing_outside_is_set(base: bytes, name: bytes) -> None:
    outside = os.path.join(os.path.dirname(base), b"outside/file")
    name = name.replace(b"OUTSIDE", outside)
    with pytest.raises(PlaceError, match="can't set the mode of"):
        set_below(base, [pair(name)], Rules(preserve=True))
    assert stat.S_IMODE(os.stat(outside).st_mode) == 0o600


def test_a_base_that_is_not_there(tmp_path: Path) -> None:
    none = os.fsencode(tmp_path / "none")
    assert present(none, [entry(b"a")]) == []
    with pytest.raises(PlaceError, match=r"none: No such file"):
        set_below(none, [pair(b"a")], Rules())
