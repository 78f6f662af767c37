"""What the operator names is found, or refused by name before anything begins."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from opsrun.errors import UsageError
from opsrun.trees.entry import Kind
from opsrun.trees.exclude import parse_excludes
from opsrun.trees.sources import STANDARD_INPUT, Source, find_sources, gather


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("conf/a.conf", "conf/b.conf", "conf/.hidden", "conf/sub/c.conf", "app.py", "[x]"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    Path("empty").mkdir()
    Path("link").symlink_to("app.py")
    Path("dirlink").symlink_to("conf")
    Path("dangling").symlink_to("gone")
    Path("back").mkdir()
    Path("back/app.py").touch()


def named(*words: str) -> list[tuple[bytes, bytes]]:
    return [(source.path, source.name) for source in find_sources(words)]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("app.py", [(b"app.py", b"app.py")]),
        ("./app.py", [(b"./app.py", b"app.py")]),
        ("conf", [(b"conf", b"conf")]),
        ("conf/", [(b"conf", b"")]),
        ("conf//", [(b"conf", b"")]),
        ("conf/.", [(b"conf/.", b"")]),
        (".", [(b".", b"")]),
        ("conf/..", [(b"conf/..", b"")]),
        ("/", [(b"/", b"")]),
        ("conf/*.conf", [(b"conf/a.conf", b"a.conf"), (b"conf/b.conf", b"b.conf")]),
        ("conf/*", [(b"conf/" + name, name) for name in (b"a.conf", b"b.conf", b"sub")]),
        ("conf/?.c[o]nf", [(b"conf/a.conf", b"a.conf"), (b"conf/b.conf", b"b.conf")]),
        ("*/sub/", [(b"conf/sub", b"")]),
        ("[x]", [(b"[x]", b"[x]")]),
        ("link", [(b"link", b"link")]),
        ("dirlink/", [(b"dirlink", b"")]),
        ("-", [(STANDARD_INPUT, b"")]),
    ],
)
def test_a_word_means_these(word: str, found: list[tuple[bytes, bytes]]) -> None:
    if word == "*/sub/":
        Path("dirlink").unlink()
    assert named(word) == found


def test_several_and_path_objects() -> None:
    assert find_sources([Path("app.py"), "conf"]) == (
        Source(b"app.py", b"app.py", Kind.FILE),
        Source(b"conf", b"conf", Kind.DIRECTORY),
    )


def test_a_file_that_is_called_like_standard_input() -> None:
    Path("-").touch()
    assert named("-") == [(STANDARD_INPUT, b"")]
    assert named("./-") == [(b"./-", b"-")]


def test_names_that_are_no_text() -> None:
    Path(os.fsdecode(b"\xff\n")).touch()
    assert named(os.fsdecode(b"\xff\n")) == [(b"\xff\n", b"\xff\n")]
    assert named(os.fsdecode(b"\xff*")) == [(b"\xff\n", b"\xff\n")]


WRONG = {
    (): "nothing to copy: name a file, a directory, or - for standard input",
    ("",): "nothing to copy: a name is empty",
    ("ap.py",): "can't read ap.py: No such file or directory; did you mean 'app.py'?",
    ("conf/a.cnf",): "can't read conf/a.cnf: No such file or directory; did you mean 'a.conf'?",
    ("zzz/f",): "can't read zzz/f: No such file or directory",
    ("app.py/",): "can't read app.py/: Not a directory",
    ("dangling",): "can't read dangling: No such file or directory: it is a link to gone",
    ("*.rb",): "no file here fits *.rb",
    ("a\0b",): "no file can be called 'a\\x00b'",
    ("/dev/null",): "/dev/null is no file and no directory; for what a program prints, use -",
    ("app.py", "-"): "standard input (-) can only be copied alone: it has no name of its own",
    ("-", "-"): "standard input (-) can only be copied alone: it has no name of its own",
    ("app.py", "back/app.py"): "app.py and back/app.py would both become app.py; copy them one",
    ("app.py", "*.py"): "app.py and app.py would both become app.py; copy them one after",
}


@pytest.mark.parametrize("words", WRONG)
def test_refused_by_name(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="^" + re.escape(WRONG[words])):
        find_sources(words)


def test_a_fifo_is_no_source_and_is_not_waited_for() -> None:
    os.mkfifo("fifo")
    with pytest.raises(UsageError, match="fifo is no file and no directory"):
        find_sources(["fifo"])


@pytest.mark.parametrize("name", ["app.py", "conf"])
def test_what_may_not_be_read_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match=f"can't read {name}: Permission denied"):
        find_sources([name])


def gathered(*words: str, **options: bool) -> dict[bytes, bytes]:
    sources = find_sources(words)
    return {found.entry.path: found.local for found in gather(sources, **options)}


def test_sources_become_one_tree() -> None:
    assert gathered("app.py", "conf/sub") == {
        b"app.py": b"app.py",
        b"sub": b"conf/sub",
        b"sub/c.conf": b"conf/sub/c.conf",
    }
    assert gathered("conf/") == {
        b"": b"conf",
        b".hidden": b"conf/.hidden",
        b"a.conf": b"conf/a.conf",
        b"b.conf": b"conf/b.conf",
        b"sub": b"conf/sub",
        b"sub/c.conf": b"conf/sub/c.conf",
    }


def test_what_is_named_is_followed_and_what_is_in_it_is_not() -> None:
    (file,) = gather(find_sources(["link"]))
    assert (file.entry.kind, file.entry.size) == (Kind.FILE, 6)
    os.symlink("../app.py", "conf/inner")
    kinds = {found.entry.path: found.entry.kind for found in gather(find_sources(["dirlink"]))}
    assert kinds[b"dirlink"] is Kind.DIRECTORY
    assert kinds[b"dirlink/inner"] is Kind.LINK
    followed = gather(find_sources(["dirlink"]), follow=True)
    assert {found.entry.kind for found in followed} == {Kind.DIRECTORY, Kind.FILE}


def test_excludes_are_those_of_each_source() -> None:
    exclude = parse_excludes(["/a.conf", ".*"])
    paths = [found.entry.path for found in gather(find_sources(["conf"]), exclude)]
    assert paths == [b"conf", b"conf/b.conf", b"conf/sub", b"conf/sub/c.conf"]


def test_contents_that_clash_are_refused_and_directories_merge() -> None:
    Path("more/sub").mkdir(parents=True)
    Path("more/sub/d.conf").touch()
    merged = gathered("conf/", "more/")
    assert merged[b"sub/d.conf"] == b"more/sub/d.conf"
    assert merged[b"sub"] == b"conf/sub"
    Path("more/sub/c.conf").touch()
    with pytest.raises(
        UsageError, match=r"conf/sub/c\.conf and more/sub/c\.conf would both become sub/c\.conf"
    ):
        gathered("conf/", "more/")
    Path("more/sub/c.conf").unlink()
    Path("more/a.conf").mkdir()
    with pytest.raises(UsageError, match=r"would both become a\.conf"):
        gathered("conf/", "more/")
