"""Random trees for whole copies: those of `unit.trees.shapes`, with more and larger files."""

from __future__ import annotations

import os

from hypothesis import strategies as st
from unit.trees.shapes import Node, names, times, tops

LARGE = 1024 * 1024
"""Bytes from which on files go by another way than small ones."""

large = st.builds(
    Node,
    mode=st.sampled_from([0o600, 0o644, 0o755]),
    mtime=times,
    data=st.sampled_from(
        [
            (b"x" * (LARGE - 1),),
            (b"y" * LARGE,),
            (os.fsencode("ž") * LARGE,),
            (b"begin", LARGE, b"end"),
            (2 * LARGE,),
        ]
    ),
)
small = st.builds(
    Node, mode=st.just(0o640), mtime=times, data=st.binary(max_size=40).map(lambda data: (data,))
)


def _merged(top: Node, more: dict[bytes, Node]) -> Node:
    return Node(top.mode, top.mtime, below={**(top.below or {}), **more})


tangled = st.one_of(
    tops,
    st.builds(_merged, tops, st.dictionaries(names, large, min_size=1, max_size=2)),
    st.builds(_merged, tops, st.dictionaries(names, small, min_size=5, max_size=9)),
)
"""Some with so many small files that these go in archives, some with large ones, and holes."""
