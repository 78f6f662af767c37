"""Files that hold secrets are replaced whole, and what is edited leaves nothing behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from opsrun.errors import UsageError
from opsrun.vault.editing import edited, put_back
from opsrun.vault.rewriting import (
    private_folder,
    read_whole,
    replace_all,
    replace_whole,
    write_private,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def editor(path: Path, body: str) -> dict[str, str]:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return {"EDITOR": str(path)}


@pytest.mark.parametrize(
    ("before", "clear", "after"), [(0o644, False, 0o644), (0o666, True, 0o660)]
)
def test_permissions_are_kept(tmp_path: Path, before: int, clear: bool, after: int) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    path.chmod(before)
    replace_whole(str(path), b"new", clear=clear)
    assert (path.read_bytes(), mode(path)) == (b"new", after)
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    replace_whole(str(tmp_path / "f"), b"new")
    assert mode(tmp_path / "f") == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("old")
    os.chown(path, 12345, 23456)
    replace_whole(str(path), b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


def test_a_link_stays(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    replace_whole(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_all_of_them_or_none(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    (tmp_path / "folder").mkdir()
    wanted = {str(tmp_path / name): b"new" for name in ("a", "b", "folder")}
    with pytest.raises(UsageError, match="folder: not a regular file"):
        replace_all(wanted)
    wanted = {str(tmp_path / name): b"new" for name in ("a", "missing/c")}
    with pytest.raises(UsageError, match="c: No such file or directory; nothing was written"):
        replace_all(wanted)
    assert [(tmp_path / name).read_text() for name in ("a", "b")] == ["old", "old"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b", "folder"]


def test_what_failed_half_way_says_what_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    replace = os.replace

    def failing(source: str, target: str) -> None:
        if target == str(paths[1]):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(UsageError, match=f"b: No space .*; written already: {paths[0]}"):
        replace_all({str(path): b"new" for path in paths})
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_reading_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="f: No such file"):
        read_whole(str(tmp_path / "f"))
    with pytest.raises(UsageError, match="Is a directory"):
        read_whole(str(tmp_path))


def test_a_private_folder_leaves_nothing(scratch: Path) -> None:
    def left_in_a_hurry() -> None:
        with private_folder() as folder:
            assert mode(Path(folder)) == 0o700
            write_private(f"{folder}/f", b"secret")
            assert mode(Path(folder) / "f") == 0o600
            (Path(folder) / "link").symlink_to("/etc/passwd")
            # Another name of the same file, as editors keep for backups, tells what became of it.
            os.link(f"{folder}/f", scratch / "kept")
            raise KeyError("anything")

    with pytest.raises(KeyError):
        left_in_a_hurry()
    assert [each.name for each in scratch.iterdir()] == ["kept"]
    assert (scratch / "kept").read_bytes() == bytes(6)
    assert Path("/etc/passwd").stat().st_size > 0


def test_editors_see_a_private_file_of_the_same_name(tmp_path: Path, scratch: Path) -> None:
    environ = editor(tmp_path / "ed", f'stat -c "%a %n" "$1" >{tmp_path}/seen; echo b >>"$1"')
    assert edited(b"a\n", "group_vars/all.yml", environ) == b"a\nb\n"
    seen = (tmp_path / "seen").read_text().split()
    assert (seen[0], Path(seen[1]).name) == ("600", "all.yml")
    assert list(scratch.iterdir()) == []


def test_editors_may_have_words_and_replace_the_file(tmp_path: Path, scratch: Path) -> None:
    environ = editor(tmp_path / "ed", '[ "$1" = -x ] && echo new >"$2.tmp" && mv "$2.tmp" "$2"')
    environ = {"VISUAL": f"{environ['EDITOR']} -x"}
    assert edited(b"old", "f", environ) == b"new\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("false", "ended with status 1; nothing was changed"),
        ("/no/such/editor", "can't be started: No such file"),
        ("vi 'x", "can't be read: No closing quotation"),
    ],
)
def test_editors_that_fail(scratch: Path, words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        edited(b"secret", "f", {"EDITOR": words})
    assert list(scratch.iterdir()) == []


PROGRAM = """
import sys
from opsrun.vault.editing import edited
edited(b"secret", "f", {"EDITOR": sys.argv[1]})
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_leave_nothing_behind(tmp_path: Path, number: int) -> None:
    (tmp_path / "tmp").mkdir()
    environ = editor(
        tmp_path / "ed",
        f"echo $$ >{tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; exec sleep 600",
    )
    words = [sys.executable, "-c", PROGRAM, environ["EDITOR"]]
    with subprocess.Popen(words, env={**os.environ, "TMPDIR": str(tmp_path / "tmp")}) as process:
        while not (tmp_path / "pid").exists():
            assert process.poll() is None
            time.sleep(0.01)
        assert list((tmp_path / "tmp").iterdir()) != []
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_an_interrupt_is_the_editors(tmp_path: Path) -> None:
    environ = editor(tmp_path / "ed", 'kill -INT $PPID; sleep 0.1; echo edited >"$1"')
    program = PROGRAM.replace("edited(b", "made = edited(b") + "\nsys.stdout.buffer.write(made)"
    words = [sys.executable, "-c", program, environ["EDITOR"]]
    done = subprocess.run(words, capture_output=True, check=True, timeout=60)
    assert done.stdout == b"edited\n"


def test_what_somebody_else_changed_meanwhile_is_kept(tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"theirs")
    with pytest.raises(UsageError, match=r"changed it meanwhile; .* kept, encrypted, in"):
        put_back(str(path), b"before", "$ANSIBLE_VAULT;ours")
    assert path.read_bytes() == b"theirs"
    (kept,) = scratch.iterdir()
    assert (kept.read_text(), mode(kept)) == ("$ANSIBLE_VAULT;ours", 0o600)
    put_back(str(path), b"theirs", "$ANSIBLE_VAULT;ours")
    assert path.read_text() == "$ANSIBLE_VAULT;ours"
