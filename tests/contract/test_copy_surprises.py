"""What users and hosts do to copies that nobody had in mind."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import pytest
from support.copying import PRESERVING, bad, copying, good, mode
from support.reach import local

from opsrun.events import Outcome
from opsrun.trees import writing
from opsrun.trees.stdin import hold

OK, CHANGED = Outcome.OK, Outcome.CHANGED


@pytest.fixture(autouse=True)
def _usual_umask() -> None:
    assert os.umask(0o022) == 0o022


def test_standard_input_has_no_permissions_to_keep(tmp_path: Path) -> None:
    def stdin() -> object:
        return hold(io.BytesIO(b"secret"))

    with copying(local) as copy:
        good(copy.put("-", tmp_path / "new", stdin=stdin, finish=PRESERVING), CHANGED)
        (tmp_path / "old").write_text("old")
        (tmp_path / "old").chmod(0o600)
        good(copy.put("-", tmp_path / "old", stdin=stdin, finish=PRESERVING), CHANGED)
    assert mode(tmp_path / "new") == 0o644
    assert mode(tmp_path / "old") == 0o600


def test_what_was_left_out_is_no_change(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/out").symlink_to("/etc/passwd")
    with copying(local) as copy:
        copy.get(tmp_path / "tree", f"{tmp_path}/back/")
        data = good(copy.get(tmp_path / "tree", f"{tmp_path}/back/"), OK)
    assert (data["changes"], data["changed"]) == ([], False)
    assert len(data["skipped"]) == 1


def test_a_file_that_two_patterns_fit_comes_once(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/a.log").write_text("a")
    (tmp_path / "logs/b.log").write_text("b")
    with copying(local) as copy:
        named = [f"{tmp_path}/logs/*.log", f"{tmp_path}/logs/a*"]
        assert good(copy.get(named, f"{tmp_path}/back/"), CHANGED)["files"] == 2
        (tmp_path / "more").mkdir()
        (tmp_path / "more/a.log").write_text("another")
        words = bad(copy.get([f"{tmp_path}/[lm]o*/a.log"], f"{tmp_path}/other/"))
    assert "logs/a.log and" in words
    assert "more/a.log would both become a.log" in words


def test_a_relative_destination_is_named_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source").write_text("x")
    with copying(local) as copy:
        words = bad(copy.put(tmp_path / "source", "no/such/place"))
    assert words.startswith(f"{tmp_path}/no/such is not there")


def test_a_disk_that_is_full_here_is_no_host_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").write_text("x" * 100)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with copying(local) as copy:
        monkeypatch.setattr(writing.os, "pwrite", full)
        words = bad(copy.get(tmp_path / "source", f"{tmp_path}/back/"))
        monkeypatch.undo()
    assert words == "can't write source: No space left on device (that is on this machine)"
    assert not (tmp_path / "back").exists()
