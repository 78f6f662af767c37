"""What passes of ansible-core's own targets goes on passing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conformance.targets import Counted, make_programs, obstacle, read_ratchet, run_target

SOURCE = os.environ.get("ANSIBLE_SOURCE", "")
"""Read before the environment is cleared."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_programs(tmp_path_factory.mktemp("compat"))


@pytest.mark.skipif(not SOURCE, reason="ANSIBLE_SOURCE names no unpacked ansible-core package")
@pytest.mark.parametrize("target", sorted(read_ratchet()))
def test_no_target_falls_behind(target: str, programs: Path) -> None:
    why = obstacle(target)
    if why is not None:
        pytest.skip(why)
    before = read_ratchet()[target]
    now = run_target(Path(SOURCE), programs, target)
    assert not now.falls_behind(before), f"before: {before.row()}now: {now.row()}"


@pytest.mark.parametrize(
    ("now", "behind"),
    [
        (Counted("x", 0, 5, 5), False),
        (Counted("x", 0, 6, 6), False),
        (Counted("x", 2, 5, 5), True),
        (Counted("x", 0, 4, 5), True),
        (Counted("x", 0, 5, 4), True),
    ],
)
def test_what_falls_behind(now: Counted, behind: bool) -> None:
    assert now.falls_behind(Counted("x", 0, 5, 5)) is behind
