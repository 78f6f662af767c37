"""Files through a `Fleet`, on this machine's own shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opsrun import Fleet, Outcome, UsageError

INVENTORY = "here ansible_connection=local\n"


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    path = tmp_path / "hosts.ini"
    path.write_text(INVENTORY)
    return Fleet(path)


def test_content_is_put_once(fleet: Fleet, tmp_path: Path) -> None:
    first = fleet.put((), tmp_path / "motd", "here", content=b"hello\n", mode="0640")
    assert first["here"].outcome is Outcome.CHANGED, first["here"]
    assert (tmp_path / "motd").read_bytes() == b"hello\n"
    assert (tmp_path / "motd").stat().st_mode & 0o7777 == 0o640
    again = fleet.put((), tmp_path / "motd", "here", content=b"hello\n", mode="0640")
    assert (again["here"].outcome, again["here"].data["transferred"]) == (Outcome.OK, 0)


def test_a_tree_goes_there_and_comes_back(fleet: Fleet, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    for number in range(8):
        (tree / "sub" / f"file {number}").write_text(str(number))
    with fleet:
        fleet.put(tree, tmp_path / "there", "here").raise_for_failures()
        fleet.get(tmp_path / "there", tmp_path / "back", "here").raise_for_failures()
        mirrored = fleet.sync(tree, tmp_path / "there", "here", checksum=True, dry_run=True)
    back = tmp_path / "back/here/there/sub"
    assert {path.name: path.read_text() for path in back.iterdir()} == {
        f"file {number}": str(number) for number in range(8)
    }
    assert mirrored["here"].data["files"] == 0


def test_sync_deletes_when_it_is_told_to(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index").write_text("new")
    (tmp_path / "www").mkdir()
    (tmp_path / "www/old").write_text("old")
    fleet.sync(tmp_path / "site", tmp_path / "www", "here").raise_for_failures()
    assert (tmp_path / "www/old").exists()
    ended = fleet.sync(tmp_path / "site", tmp_path / "www", "here", delete=True)
    assert ended["here"].data["deleted"] == 1
    assert sorted(path.name for path in (tmp_path / "www").iterdir()) == ["index"]


def test_a_host_that_falls_silent_is_given_up(fleet: Fleet, tmp_path: Path) -> None:
    ended = fleet.put(
        (),
        tmp_path / "motd",
        "here",
        content=b"x",
        validate="sleep 600; true %s",
        idle_timeout=0.5,
    )
    (result,) = ended
    assert result.outcome is Outcome.FAILED, result
    assert result.error is not None
    assert "no output for 0.5 s" in result.error.message
    assert [path.name for path in tmp_path.iterdir()] == ["hosts.ini"]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("missing", "/x"), {}, "missing"),
        (("-", "/x"), {}, "content takes bytes"),
        (((), "/x"), {"content": "text"}, "content: expected bytes"),
        (("hosts.ini", "/x"), {"content": b"x"}, "one of them"),
        (("hosts.ini", "/x"), {"mode": "999"}, "octal"),
        (("hosts.ini", "/x"), {"backup": 1}, "backup: expected True or False"),
        (("hosts.ini", "/x"), {"bakup": True}, "did you mean 'backup'"),
        (("hosts.ini", "/x"), {"exclude": ["["]}, "not closed"),
        (("hosts.ini", "/x"), {"bwlimit": 0}, "a rate is"),
        (("hosts.ini", ""), {}, "dest"),
    ],
)
def test_a_mistake_is_told_before_anything_is_reached(
    fleet: Fleet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[Any, Any],
    options: dict[str, Any],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        fleet.put(*arguments, "here", **options)
