"""put, get and sync by a `Fleet`, on hosts whose servers give nothing but SFTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from opsrun import Fleet, Outcome, Report
from opsrun.lab import Lab


@pytest.fixture
def fleet(sshd: Callable[..., Lab]) -> Fleet:
    lab = sshd("ForceCommand internal-sftp")
    return Fleet(lab.inventory, ssh_config="none")


def the_result(report: Report) -> tuple[Outcome, int]:
    (result,) = report.raise_for_failures()
    return result.outcome, result.data["files"]


def test_files_go_there_come_back_and_are_mirrored(fleet: Fleet, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    for number in range(7):
        (tree / "sub" / f"f{number}").write_text("x" * number)
    (host,) = fleet.hosts()
    with fleet:
        assert the_result(fleet.put(tree, tmp_path / "there", "all", sftp=True)) == ("changed", 7)
        assert the_result(fleet.put(f"{tree}/", tmp_path / "there", "all", sftp=True)) == ("ok", 0)
        got = fleet.get(tmp_path / "there", tmp_path / "got", "all", sftp=True)
        assert the_result(got) == ("changed", 7)
        (tree / "sub/f3").unlink()
        synced = fleet.sync(tree, tmp_path / "there", "all", delete=True, sftp=True)
        assert synced[host].data["deleted"] == 1, synced[host]
    copies = tmp_path / "got" / host / "there/sub"
    assert sorted(len(path.read_bytes()) for path in copies.iterdir()) == list(range(7))
    assert not (tmp_path / "there/sub/f3").exists()


def test_without_a_shell_the_way_out_is_named(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (result,) = fleet.put(tmp_path / "a", tmp_path / "b", "all")
    assert result.outcome is not Outcome.CHANGED
    assert result.error is not None
    assert "--sftp" in result.error.hint, result.error
    assert not (tmp_path / "b").exists()
