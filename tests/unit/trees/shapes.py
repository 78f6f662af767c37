"""Random trees with all that makes trees hard: odd names, links, holes, empty directories."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from opsrun.trees.entry import Entry, Kind
from opsrun.trees.walk import walk

BLOCK = 64 * 1024
ODD = [b"-rf", b"a\nb", b"\xff\xfe", b"it's", b'"', b" ", b"*", b"\\", b"a b ", "ä".encode(), b"~"]

names = st.one_of(
    st.sampled_from([b"a", b"b", b"c", *ODD]),
    st.sampled_from([b"n" * 99, b"n" * 100, b"n" * 101, b"\xc3" * 255]),
    st.binary(min_size=1, max_size=8).filter(
        lambda name: not set(name) & {0, 47} and name not in (b".", b"..")
    ),
)
times = st.integers(0, 2**31).map(lambda seconds: seconds * 1_000_000_000)


@dataclass(frozen=True)
class Node:
    """One entry; ``below`` is None for anything but a directory."""

    mode: int
    mtime: int
    data: tuple[int | bytes, ...] = ()
    """Bytes, or numbers for the lengths of holes."""
    target: bytes = b""
    below: dict[bytes, Node] | None = None


files = st.builds(
    Node,
    mode=st.integers(0, 0o777).map(lambda mode: mode | 0o400),
    mtime=times,
    data=st.lists(
        st.one_of(
            st.binary(max_size=600), st.sampled_from([BLOCK, 3 * BLOCK]), st.just(b"x" * 5000)
        ),
        max_size=4,
    ).map(tuple),
)
links = st.builds(
    Node, mode=st.just(0o777), mtime=times, target=st.one_of(names, st.just(b"l/" * 80 + b"end"))
)
trees = st.recursive(
    st.one_of(files, files, links),
    lambda below: st.builds(
        Node,
        mode=st.integers(0, 0o777).map(lambda mode: mode | 0o700),
        mtime=times,
        below=st.dictionaries(names, below, max_size=4),
    ),
    max_leaves=10,
)
tops = st.builds(
    Node,
    mode=st.just(0o755),
    mtime=times,
    below=st.dictionaries(names, trees, max_size=5),
)


def build(node: Node, path: bytes) -> None:
    """Make what ``node`` says; a directory may be there already."""
    if node.below is not None:
        os.makedirs(path, exist_ok=True)
        for name, below in node.below.items():
            build(below, path + b"/" + name)
        os.chmod(path, node.mode)
    elif node.target:
        os.symlink(node.target, path)
    else:
        _write(path, node)
        os.chmod(path, node.mode)
    os.utime(path, ns=(node.mtime, node.mtime), follow_symlinks=False)


def _write(path: bytes, node: Node) -> None:
    with open(path, "wb") as file:
        for part in node.data:
            if isinstance(part, bytes):
                file.write(part)
            else:
                file.seek(part, os.SEEK_CUR)
        file.truncate()


Seen = dict[bytes, tuple[object, ...]]


def seen(top: str | bytes | Path, *, link_times: bool = True) -> Seen:
    """All of a tree that is to survive a copy; directories' times too, but not the top's."""
    root = os.fsencode(top)
    return {entry.path: _facts(root, entry, link_times) for entry in walk(root) if entry.path}


def _facts(root: bytes, entry: Entry, link_times: bool) -> tuple[object, ...]:
    seconds = entry.mtime // 1_000_000_000
    if entry.kind is Kind.FILE:
        data = Path(os.fsdecode(root + b"/" + entry.path)).read_bytes()
        return entry.kind, entry.mode, seconds, data
    if entry.kind is Kind.LINK:
        return entry.kind, entry.target, seconds if link_times else None
    return entry.kind, entry.mode, seconds


@contextmanager
def two_directories() -> Iterator[tuple[bytes, bytes]]:
    """Empty ones, for one example."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        yield os.fsencode(one), os.fsencode(two)
