"""Where a sparse file has data."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

BLOCK = 4096
"""Segments begin at multiples of so many bytes, and end there or at the end of the file."""


class Segment(NamedTuple):
    """A part of a file that isn't all hole."""

    offset: int
    length: int


def data_segments(descriptor: int, size: int) -> tuple[Segment, ...]:
    """The parts of an open file that have data, by lseek(2)'s SEEK_DATA and SEEK_HOLE.

    Args:
        descriptor: of the file; its position changes.
        size: of the file, in bytes.

    Returns:
        In their order, never touching; one of the whole file where its file system tells nothing.

    Raises:
        OSError: the file can't be looked at.
    """
    found: list[Segment] = []
    end = 0
    while end < size:
        part = _next(descriptor, end, size)
        if part is None:
            break
        start, end = part
        if found and found[-1].offset + found[-1].length >= start:
            start = found.pop().offset
        found.append(Segment(start, end - start))
    return tuple(found)


def _next(descriptor: int, after: int, size: int) -> tuple[int, int] | None:
    """Begin and end of the next part, aligned; None where nothing but a hole follows."""
    try:
        start = os.lseek(descriptor, after, os.SEEK_DATA)
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        if error.errno in (errno.EINVAL, errno.ENOTSUP):
            return after, size
        raise
    if start >= size:
        return None
    return start // BLOCK * BLOCK, min(-(-end // BLOCK) * BLOCK, size)
