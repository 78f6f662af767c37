"""Wildcards mean what sh means by them; nothing else in a path means anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.remote_files import ODD_NAMES, path, tree, write

from opsrun.errors import HostError, UsageError
from opsrun.remote.files.globbing import Match, is_glob, parse_expanded
from opsrun.remote.files.remote_files import RemoteFiles


def test_wildcards(files: RemoteFiles, top: Path) -> None:
    for name in (*ODD_NAMES, b"b", b"c", b"d-", b".hidden"):
        write(top, name, b"")
    os.symlink("nowhere", top / "link")

    def names(pattern: bytes) -> set[bytes]:
        (match,) = files.expand([path(top, pattern)])
        assert match.is_glob
        return {each.removeprefix(path(top) + b"/") for each in match.paths}

    shown = {name.split(b"/")[0] for name in ODD_NAMES} | {b"b", b"c", b"d-", b"link"}
    assert names(b"*") == shown
    assert names(b"?") == {b"b", b"c", b"~", b"\n"}
    assert names(b"[bc]") == {b"b", b"c"}
    assert names(b"[a-b]") == {b"b"}
    assert names(b"[!b]") == names(b"[^b]") == {b"c", b"~", b"\n"}
    assert names(b"[[:lower:]]*[-]") == {b"d-"}
    assert names(b"*$(id)*") == {b"$(id)`id`"}
    assert names(b"\\**") == {b"*?[a]"}
    assert names(b"*\\\\*") == {b"back\\slash"}
    assert names(b"new*\nline") == {b"new\nline"}
    assert names(b"quote'*") == {b"quote'\"s"}
    assert names(b"*/-rf/* y") == {b"deep/-rf/x y"}
    assert names(b"\xff*") == {b"\xff\xfe"}
    assert names(b"li[n]k") == {b"link"}
    assert names(b"nothing*") == set()


def test_a_path_without_wildcards_is_told_from_a_pattern(files: RemoteFiles, top: Path) -> None:
    for name in ODD_NAMES:
        write(top, name, b"")
    literal = [name.replace(b"\\", b"\\\\") for name in ODD_NAMES]
    for special in (b"*", b"?", b"["):
        literal = [name.replace(special, b"\\" + special) for name in literal]
    found = files.expand([path(top, each) for each in [*literal, b"none", b"no*ne", b"lone["]])
    assert [each.is_glob for each in found] == [False] * (len(ODD_NAMES) + 1) + [True, False]
    assert [each.paths for each in found] == [
        *((path(top, name),) for name in ODD_NAMES),
        (),
        (),
        (),
    ]


def test_homes_and_relative_paths(host: RemoteFiles, top: Path) -> None:
    home = os.fsencode(os.environ["HOME"])
    write(Path(os.environ["HOME"]), b"in home", b"")
    found = host.expand([b"~", b"~/in*", b"~/none", b"no-such-here", b"~no-such-user/x", b"./~"])
    assert [each.paths for each in found] == [(home,), (home + b"/in home",), (), (), (), ()]
    assert host.expand([]) == []


@pytest.mark.parametrize("pattern", [b"", b"nul\0"])
def test_no_path(host: RemoteFiles, pattern: bytes) -> None:
    with pytest.raises(UsageError, match="can't be empty, or hold a NUL"):
        host.expand([pattern])


@pytest.mark.parametrize("output", [b"", b"/a\0", b"/a\0\0more"])
def test_nonsense(output: bytes) -> None:
    with pytest.raises(HostError, match="makes no sense"):
        parse_expanded(output, [b"/a"])
    assert parse_expanded(b"/b\0/a\0\0", [b"/*"]) == [Match(b"/*", True, (b"/a", b"/b"))]


def test_what_is_a_pattern() -> None:
    assert [is_glob(each) for each in (b"a", b"a[", b"\\*", b"[]", b"[!]")] == [False] * 5
    assert [is_glob(each) for each in (b"*", b"[!]]", b"[[]", b"[]]", b"\\\\*")] == [True] * 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pattern=st.text("ab*?[]!-", min_size=1, max_size=8))
def test_patterns_are_those_of_sh(host: RemoteFiles, top: Path, pattern: str) -> None:
    """What needs no quotes is expanded as sh expands it without any."""
    if not tree(top):
        for name in ("a", "b", "ab", "ba", "aab", "-", "a-b", "!", "[", "]", "[a]", "b]", "!a"):
            write(top, name.encode(), b"")
    bare = subprocess.run(
        ["sh", "-c", f'for f in {top}/{pattern}; do [ ! -e "$f" ] || echo "$f"; done'],
        capture_output=True,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    (match,) = host.expand([path(top, pattern.encode())])
    assert set(match.paths) == set(bare.stdout.split())
