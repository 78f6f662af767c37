"""find: what could not be listed."""

from __future__ import annotations

import pytest

from opsrun.modules.finding.listing import read_listings
from opsrun.remote.command import CommandResult


@pytest.mark.parametrize(
    ("said", "path"),
    [
        (b"find: './a/b: c': Permission denied\n", "/x/a/b: c"),
        (b"find: ./a/b: Permission denied\n", "/x/a/b"),
        (b"find: '.': Permission denied\n", "/x"),
    ],
)
def test_the_directory_that_cannot_be_read_is_named(said: bytes, path: str) -> None:
    loop = b"find: File system loop detected\n"
    out = b"now\0001\0top\0/x\0list\0\0\0\0why\0" + said + loop + b"\0end\0\0"
    found = read_listings(CommandResult(rc=0, stdout=out))
    assert found.skipped == {path: "Permission denied"}
    assert found.now == 1
