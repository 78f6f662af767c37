"""Where the sources of a put go."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from opsrun.adhoc.layout import check_destination, lay_out, split
from opsrun.errors import TransferFailed, UsageError
from opsrun.trees.entry import Kind
from opsrun.trees.sources import find_sources, gather


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/one").write_text("1")
    (tmp_path / "tree/sub/two").write_text("2")
    return tmp_path


def laid(words: list[str], dest: str, there: Kind | None) -> dict[bytes, Kind]:
    """Full path on the host, and kind, of everything that would be there."""
    sources = find_sources(words)
    layout = lay_out(sources, gather(sources), os.fsencode(dest), there)
    return {
        os.path.normpath(os.path.join(layout.directory, one.entry.path)): one.entry.kind
        for one in layout.found
    }


@pytest.mark.parametrize("words", [["a"], ["tree"], ["a", "b"], ["a", "tree"], ["tree/"]])
@pytest.mark.parametrize("dest", ["new", "old", "old/", "old/.", "sub/new"])
def test_everything_goes_where_cp_puts_it(here: Path, words: list[str], dest: str) -> None:
    for folder in ("old", "sub"):
        (here / folder).mkdir()
    there = Kind.DIRECTORY if dest.startswith("old") else None
    for_cp = ["tree/." if word == "tree/" else word for word in words]
    copied = subprocess.run(["cp", "-r", *for_cp, dest], check=False, capture_output=True)
    if copied.returncode:
        with pytest.raises(TransferFailed, match="several sources need a directory"):
            laid(words, dest, there)
        return
    found = {
        os.fsencode(path.relative_to(here))
        for folder in ("old", "sub", "new")
        for path in [here / folder, *(here / folder).rglob("*")]
        if path.exists()
    }
    assert set(laid(words, dest, there)) | {b"old", b"sub"} == found


def test_a_directory_that_a_slash_names_is_made(here: Path) -> None:
    assert laid(["a"], "new/", None) == {b"new": Kind.DIRECTORY, b"new/a": Kind.FILE}
    assert laid(["a", "b"], "/srv/new/", None) == {
        b"/srv/new": Kind.DIRECTORY,
        b"/srv/new/a": Kind.FILE,
        b"/srv/new/b": Kind.FILE,
    }


@pytest.mark.parametrize(
    ("words", "dest", "there", "message"),
    [
        (["a", "b"], "f", Kind.FILE, "f is no directory"),
        (["tree/"], "f", Kind.FILE, "f is no directory"),
        (["a"], "f/", Kind.FILE, "f/ is no directory"),
        (["tree"], "f", Kind.FILE, "f is no directory, and tree is one"),
        (["a"], "f", Kind.OTHER, "neither a file nor a directory"),
        (["a", "b"], "new", None, "several sources need a directory"),
    ],
)
def test_what_does_not_go_together_is_refused(
    here: Path, words: list[str], dest: str, there: Kind | None, message: str
) -> None:
    with pytest.raises(TransferFailed, match=message):
        laid(words, dest, there)


def test_a_file_takes_the_place_of_a_file(here: Path) -> None:
    assert laid(["a"], "/etc/motd", Kind.FILE) == {b"/etc/motd": Kind.FILE}


@pytest.mark.parametrize(("dest", "message"), [(b"", "empty"), (b"a\0b", "NUL")])
def test_a_destination_that_is_none(dest: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_destination(dest, ())


@pytest.mark.parametrize(("dest", "directory"), [(b"/srv/", b"/srv"), (b"/", b"/")])
def test_no_slash_is_left_behind_a_directory(here: Path, dest: bytes, directory: bytes) -> None:
    sources = find_sources(["a"])
    layout = lay_out(sources, gather(sources), dest, Kind.DIRECTORY)
    assert layout.directory == directory


def test_standard_input_needs_the_name_of_a_file() -> None:
    sources = find_sources(["-"])
    with pytest.raises(UsageError, match="no name"):
        check_destination(b"/etc/", sources)
    with pytest.raises(TransferFailed, match="/etc is a directory"):
        lay_out(sources, (), b"/etc", Kind.DIRECTORY)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        (b"/a", (b"/", b"a")),
        (b"a/b/", (b"a", b"b")),
        (b"a//b", (b"a", b"b")),
        (b"~x", (b".", b"~x")),
    ],
)
def test_split(path: bytes, parts: tuple[bytes, bytes]) -> None:
    assert split(path) == parts
