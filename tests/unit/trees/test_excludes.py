"""Which names a pattern leaves out, by a table and by a matcher that is too plain to err."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import InputError, UsageError
from opsrun.trees.exclude import Excludes, parse_excludes, read_excludes

TABLE = [
    # pattern, entries that it leaves out, entries that stay; directories end in /
    ("*.pyc", "a.pyc d/a.pyc d/e/.pyc x.pyc/", "a.py a.pyc.x pyc"),
    ("core", "core d/core core/", "core2 acore"),
    (".git/", ".git/ d/.git/", ".git d/.git .gitx/"),
    ("/build", "build build/", "d/build builds"),
    ("/a/b", "a/b", "x/a/b b a"),
    ("src/*.o", "src/a.o x/src/a.o", "src/x/a.o a.o src2/a.o"),
    ("**/x", "x d/x d/e/x", "dx xd"),
    ("a/**", "a/b a/b/c x/a/b", "a b"),
    ("/a/**/z", "a/b/z a/b/c/z", "a/z x/a/b/z"),
    ("a**z", "az abz a/b/z x/a/z", "abzy"),
    ("dir/***", "dir/ dir/x dir/x/y x/dir/", "dir dirx/"),
    ("?", "a d/b", "ab"),
    ("[a-c]x", "ax bx d/cx", "dx -x x"),
    ("[!a-c]x", "dx -x", "ax x"),
    ("[^a]x", "bx", "ax ^"),
    ("[]a]", "] a", "b"),
    ("[a-]", "a -", "b"),
    ("[[:digit:]_]", "1 _ d/2", "a :"),
    (r"\*", "* d/*", "a"),
    (r"[\]]", "]", "a"),
    (r"\!x", "!x", "x"),
    ("- core", "core", "x"),
    ("a b", "a b", "a"),
    ("x//", "x/", "x"),
    ("a?b", "axb", "a/b"),
    ("a[/]b", "", "a/b"),
    ("a[!x]b", "ayb", "a/b"),
]


def words(text: str) -> list[str]:
    return [text] if text in ("a b",) else text.split()


@pytest.mark.parametrize(("pattern", "out", "stays"), TABLE)
def test_a_pattern_means_these(pattern: str, out: str, stays: str) -> None:
    exclude = parse_excludes([pattern])
    for text, expected in ((out, True), (stays, False)):
        for word in words(text):
            path = word.removesuffix("/").encode()
            assert exclude.matches(path, directory=word.endswith("/")) is expected, word


def test_the_first_that_fits_decides() -> None:
    exclude = parse_excludes(["+ keep.log", "*.log", "+ /a/*.txt", "*.txt"])
    found = {
        path: exclude.matches(path.encode(), directory=False)
        for path in ("keep.log", "d/keep.log", "x.log", "a/x.txt", "b/x.txt", "x")
    }
    assert [path for path, out in found.items() if out] == ["x.log", "b/x.txt"]


def test_what_is_below_is_covered() -> None:
    exclude = parse_excludes(["cache/", "+ *.keep", "x*"])
    assert exclude.covers(b"a/cache/b/c", directory=False)
    assert exclude.covers(b"cache/f.keep", directory=False)
    assert not exclude.covers(b"a/cache", directory=False)
    assert exclude.covers(b"x1/y", directory=True)
    assert not exclude.covers(b"a/b.keep", directory=False)
    assert not exclude.covers(b"", directory=True)
    assert not Excludes().covers(b"a/b", directory=True)


def test_bytes_that_are_no_text_match_too() -> None:
    exclude = parse_excludes(["\udcff*"])
    assert exclude.matches(b"d/\xffx\n", directory=False)


BAD = {
    "": (0, "a pattern needs a name"),
    "/": (1, "a pattern needs a name"),
    "+ ": (3, "a pattern needs a name"),
    "a[bc": (2, "this [ is not closed; for the character itself write \\["),
    "+ a[": (4, "this [ is not closed; for the character itself write \\["),
    "[]": (1, "this [ is not closed; for the character itself write \\["),
    "a[z-b]": (3, "this range runs backwards"),
    "[[:digits:]]": (2, "no such class of characters; there are alnum, alpha, blank, cntrl, digit"),
    "a\\": (2, "a backslash needs a character behind it"),
    "!keep": (1, "to keep a name write '+ NAME'; for a name that begins with !, '\\!…'"),
    "a\0b": (2, "no name has a NUL in it"),
}


@pytest.mark.parametrize("pattern", BAD)
def test_a_bad_pattern_is_one_clear_error(pattern: str, tmp_path: Path) -> None:
    column, why = BAD[pattern]
    with pytest.raises(UsageError) as caught:
        parse_excludes(["ok", pattern])
    assert str(caught.value).startswith(f"--exclude {pattern!r}: {why}")
    assert (f"(character {column})" in str(caught.value)) == bool(column)
    if column:
        file = tmp_path / "patterns"
        file.write_text(f"ok\n\n{pattern}\nok\n")
        with pytest.raises(InputError) as in_file:
            read_excludes(file)
        assert (in_file.value.path, in_file.value.line) == (str(file), 3)
        assert in_file.value.column == column
        assert in_file.value.message.startswith(why)


def test_a_file_of_patterns(tmp_path: Path) -> None:
    file = tmp_path / "patterns"
    file.write_bytes(b"# a comment\n; another\n\n*.pyc\r\n+ a\xff\n   \n#x\n\\#y\na*")
    exclude = read_excludes(file)
    assert len(exclude.rules) == 4
    assert exclude.matches(b"x.pyc", directory=False)
    assert not exclude.matches(b"a\xff", directory=False)
    assert exclude.matches(b"ab", directory=False)
    assert exclude.matches(b"#y", directory=False)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"can't read .*/none: No such file or directory"):
        read_excludes(tmp_path / "none")


def plain(pattern: str, text: str) -> bool:
    """Whether all of ``text`` fits, by trying everything."""
    if not pattern:
        return not text
    if pattern.startswith("**"):
        rest = pattern.lstrip("*")
        return any(plain(rest, text[at:]) for at in range(len(text) + 1))
    if pattern[0] == "*":
        stop = text.find("/") if "/" in text else len(text)
        return any(plain(pattern[1:], text[at:]) for at in range(stop + 1))
    if not text:
        return False
    fits = text[0] != "/" if pattern[0] == "?" else text[0] == pattern[0]
    return fits and plain(pattern[1:], text[1:])


def plainly_left_out(pattern: str, path: str, directory: bool) -> bool:
    if pattern.endswith("/"):
        return directory and plainly_left_out(pattern.rstrip("/"), path, directory)
    whole = "/" + path + ("/" if directory and pattern.endswith("/***") else "")
    if pattern.startswith(("/", "**")):
        return plain(pattern, whole)
    return any(plain(pattern, whole[at + 1 :]) for at in range(len(whole)) if whole[at] == "/")


@given(
    st.text("ab*?/", min_size=1, max_size=7).filter(lambda pattern: pattern.strip("/")),
    st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join),
    st.booleans(),
)
def test_patterns_mean_what_a_plain_matcher_finds(pattern: str, path: str, directory: bool) -> None:
    found = parse_excludes([pattern]).matches(path.encode(), directory=directory)
    assert found == plainly_left_out(pattern, path, directory)
