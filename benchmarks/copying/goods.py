"""What is copied, made anew for every invocation; and whether it arrived, byte by byte."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_POOL = 16 * 1024 * 1024 + 4093
"""Bytes that are repeated in large files: random, and of a length that no block size divides."""

_CHUNK = 1024 * 1024

_DIRECTORIES = 200
_SMALLEST, _LARGEST = 1024, 16 * 1024


@dataclass(frozen=True, slots=True)
class Goods:
    """A file or a tree to copy."""

    path: Path
    files: int
    size: int
    """Bytes of all files."""

    @property
    def name(self) -> str:
        """What it is called wherever it arrives."""
        return self.path.name

    @property
    def is_tree(self) -> bool:
        """Whether it is a directory."""
        return self.path.is_dir()


def big_file(path: Path, size: int) -> Goods:
    """A file of random bytes, none of them a hole."""
    pool = os.urandom(_POOL)
    with path.open("wb") as file:
        for start in range(0, size, _POOL):
            file.write(pool[: size - start])
    return Goods(path, 1, size)


def tree(path: Path, files: int) -> Goods:
    """So many files of 1 to 16 KiB in 200 directories, two deep."""
    rng = random.Random(files)
    total = 0
    for number in range(files):
        place = number % _DIRECTORIES
        folder = path / f"d{place // 20:02}" / f"e{place:03}"
        folder.mkdir(parents=True, exist_ok=True)
        content = rng.randbytes(rng.randint(_SMALLEST, _LARGEST))
        (folder / f"f{number:05}").write_bytes(content)
        total += len(content)
    return Goods(path, files, total)


def what_is_wrong(goods: Goods, arrived: Path) -> str:
    """How a copy differs from its source, in words; nothing if it doesn't."""
    try:
        if not goods.is_tree:
            return "" if _same(goods.path, arrived) else f"{arrived.name} differs"
        return _tree_differs(goods, arrived)
    except OSError as error:
        return f"{goods.name}: {error.strerror}"


def _tree_differs(goods: Goods, arrived: Path) -> str:
    wanted, found = set(_below(goods.path)), set(_below(arrived))
    if wanted != found:
        return (
            f"{len(wanted & found):,} of {len(wanted):,} files arrived, {len(found - wanted)} more"
        )
    wrong = sum(not _same(goods.path / name, arrived / name) for name in wanted)
    return f"{wrong:,} of {len(wanted):,} files differ" if wrong else ""


def _below(top: Path) -> Iterator[str]:
    for folder, _, names in os.walk(top):
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), top)


def _same(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb", buffering=0) as left, other.open("rb", buffering=0) as right:
        while chunk := left.read(_CHUNK):
            if chunk != right.read(len(chunk)):
                return False
    return True
