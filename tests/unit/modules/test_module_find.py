"""find: what could not be listed."""

from __future__ import annotations

import pytest

from opsrun.modules.base import ModuleError
from opsrun.modules.finding.listing import ListingReader, Listings
from opsrun.modules.looking import Seen

_STAT = "{mode} 0 0 5 7 8 1 8 4096 0 0\nroot\nroot" + 3 * "\n2026-01-02 03:04:05.000000006 +0000"


class _All:
    """Chooses all but what is so named."""

    def __init__(self, without: str = "") -> None:
        self._without = without

    def named(self, name: str) -> bool:
        return name != self._without

    def has(self, seen: Seen, now: int) -> bool:
        assert now == 1
        return True


def _read(out: bytes, reader: ListingReader | None = None, piece: int = 3) -> Listings:
    reader = reader or ListingReader(_All())
    for at in range(0, len(out), piece):
        reader.feed(out[at : at + piece])
    return reader.ended()


def _listed(*names: str, portion: int = 2) -> bytes:
    """As the script lists them; directories are what ends in a slash."""
    out = b"now\0001\0top\0/x\0list\0\0"
    for at in range(0, len(names), portion):
        some = names[at : at + portion]
        out += b"".join(f"./{each}".rstrip("/").encode() + b"\0" for each in some) + b"\0"
        modes = ("41ed" if each.endswith("/") else "81a4" for each in some)
        out += "\n".join(_STAT.format(mode=mode) for mode in modes).encode() + b"\0"
    return out + b"\0\0why\0\0end\0\0"


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
    found = _read(out)
    assert found.skipped == {path: "Permission denied"}
    assert found.now == 1


def test_files_come_before_directories_and_what_is_below_them() -> None:
    out = _listed("b/", "b/d/", "b/d/e", "b/c", "a", "f/", "f/g")
    found = _read(out)
    paths = [each.path for each in found.chosen]
    assert paths == ["/x/a", "/x/b", "/x/f", "/x/b/c", "/x/b/d", "/x/b/d/e", "/x/f/g"]
    assert found.examined == 7
    assert found.chosen[0].mtime == 1767323045 * 10**9 + 6


def test_only_what_is_chosen_is_kept_and_all_is_counted() -> None:
    out = _listed("a", "b/", "b/a", "b/c", "b/d/", "b/d/c")
    found = _read(out, ListingReader(_All("a"), depth=2))
    assert [each.path for each in found.chosen] == ["/x/b", "/x/b/c", "/x/b/d"]
    assert found.examined == 6


def test_a_directory_that_is_none() -> None:
    out = b"now\0001\0top\0/y\0wrong\0dir\0end\0\0" + _listed("a").removeprefix(b"now\0001\0")
    found = _read(out)
    assert found.skipped == {"/y": "'/y' is not a directory"}
    assert [each.path for each in found.chosen] == ["/x/a"]


@pytest.mark.parametrize("size", [0, 5, 14, 60, 200, -1, -5, -9])
def test_a_listing_that_is_cut_off_is_none(size: int) -> None:
    out = _listed("a", "b/", "b/c")
    with pytest.raises(ModuleError, match="makes no sense"):
        _read(out[:size])


@pytest.mark.parametrize(
    ("old", "new"), [(b"end", b"odd"), (b"root\n", b""), (b"81a4", b"x"), (b"now", b"how")]
)
def test_a_listing_that_makes_no_sense(old: bytes, new: bytes) -> None:
    with pytest.raises((ModuleError, ValueError)):
        _read(_listed("a").replace(old, new, 1))
