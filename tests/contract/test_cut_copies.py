"""Copies over connections that break at any byte: the old files, or the new ones, and no rests."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.copying import Copying, copying, left_behind
from support.cutting import CuttingProxy, server_of, through
from support.engines import until

from opsrun.events import Outcome, Result
from opsrun.lab import Lab

CUTS = 25
"""By each engine."""
Files = dict[str, bytes]


@pytest.fixture
def proxy(lab: Lab) -> Iterator[CuttingProxy]:
    with CuttingProxy(*server_of(lab, "web01")) as proxy:
        yield proxy


@pytest.fixture
def copy(lab: Lab, proxy: CuttingProxy) -> Iterator[Copying]:
    with copying(lambda engine: through(proxy, engine, lab, "web01")) as copy:
        yield copy


def versions() -> tuple[Files, Files]:
    """Old and new contents of the same names: archived, plain, large."""
    draw = random.Random(5)
    sizes = {f"sub/{number}": 700 for number in range(8)} | {"large": 1_200_000, "one": 30_000}
    old = {name: draw.randbytes(100) for name in sizes}
    return old, {name: draw.randbytes(size) for name, size in sizes.items()}


def write(top: Path, files: Files) -> None:
    for name, data in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(data)


def read(top: Path) -> Files:
    return {
        os.path.relpath(path, top): path.read_bytes() for path in top.rglob("*") if path.is_file()
    }


def offsets(whole: int, login: int) -> list[int]:
    """Where to cut: mostly behind the login, a few within it."""
    draw = random.Random(whole)
    spread = [draw.randrange(login, whole) for _ in range(CUTS - 8)]
    return [draw.randrange(1, login) for _ in range(3)] + spread + list(range(whole - 5, whole))


def honest(result: Result, there: Files, old: Files, new: Files) -> None:
    """What is said, held against what is there."""
    if there == old:
        # Between the last byte sent and the answer nobody can know.
        assert result.outcome in (Outcome.FAILED, Outcome.UNREACHABLE, Outcome.LOST)
    else:
        assert there == new, "neither the old files nor the new ones"
        assert result.outcome in (Outcome.CHANGED, Outcome.LOST)
    if result.outcome is Outcome.FAILED:
        assert result.error is not None
        assert "nothing was" in result.error.hint


def test_a_put_that_is_cut(copy: Copying, proxy: CuttingProxy, tmp_path: Path) -> None:
    old, new = versions()
    source, there = tmp_path / "source", tmp_path / "there"
    write(source, new)
    write(there, old)
    assert copy.put(f"{source}/", f"{there}/").outcome is Outcome.CHANGED
    whole = proxy.passed
    seen: Counter[Outcome] = Counter()
    for cut in offsets(whole, 6_000):
        write(there, old)
        proxy.allowed = cut
        result = copy.put(f"{source}/", f"{there}/")
        until(copy.engine, lambda: not left_behind(there))
        honest(result, read(there), old, new)
        seen[result.outcome] += 1
    # What is in buffers on the way may have arrived: how many are lost is not for us to say.
    assert seen[Outcome.FAILED] + seen[Outcome.LOST] > CUTS // 2
    assert seen[Outcome.UNREACHABLE] >= 3


def test_a_put_that_is_cut_long_before_its_end_is_no_mystery(
    copy: Copying, proxy: CuttingProxy, tmp_path: Path
) -> None:
    """More is still to come than any buffer holds, so that nothing can be in place."""
    (tmp_path / "large").write_bytes(bytes(48 << 20))
    (tmp_path / "there").write_text("old")
    proxy.allowed = 1 << 20
    result = copy.put(tmp_path / "large", tmp_path / "there")
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.hint == "it broke before everything was sent: nothing was put in place"
    until(copy.engine, lambda: not left_behind(tmp_path))
    assert (tmp_path / "there").read_text() == "old"


def test_over_sftp_the_stage_that_is_left_there_is_named(
    copy: Copying, proxy: CuttingProxy, tmp_path: Path
) -> None:
    """Nobody is there to remove it."""
    (tmp_path / "large").write_bytes(bytes(48 << 20))
    (tmp_path / "there").write_text("old")
    proxy.allowed = 1 << 20
    result = copy.put(tmp_path / "large", tmp_path / "there", sftp=True)
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    [stage] = left_behind(tmp_path)
    assert "nothing was put in place" in result.error.hint
    assert os.path.basename(stage) in result.error.hint
    assert (tmp_path / "there").read_text() == "old"


def test_a_get_that_is_cut(copy: Copying, proxy: CuttingProxy, tmp_path: Path) -> None:
    old, new = versions()
    there, here = tmp_path / "there", tmp_path / "here"
    write(there, new)
    write(here, old)
    assert copy.get(f"{there}/", f"{here}/").outcome is Outcome.CHANGED
    whole = proxy.passed
    seen: Counter[Outcome] = Counter()
    for cut in offsets(whole, 6_000):
        write(here, old)
        proxy.allowed = cut
        result = copy.get(f"{there}/", f"{here}/")
        assert left_behind(here) == []
        honest(result, read(here), old, new)
        assert result.outcome is not Outcome.LOST, "what is here is known"
        seen[result.outcome] += 1
    assert seen[Outcome.FAILED] > CUTS // 2
    assert seen[Outcome.UNREACHABLE] >= 3
