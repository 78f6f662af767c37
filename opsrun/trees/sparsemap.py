"""Where the bytes of an archive's sparse member belong in its file."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

from opsrun.trees.failures import ArchiveError
from opsrun.trees.tarheaders import BLOCK, number

MOST = 1_000_000
"""Parts of a file; 16 bytes of memory each."""


class SparseMap:
    """Offset and length of each part that the archive has bytes of."""

    def __init__(self) -> None:
        self._numbers = array("q")

    def extend(self, numbers: Iterable[int]) -> None:
        """Take further numbers: offset, length, offset, length …

        Raises:
            ArchiveError: there are too many.
        """
        self._numbers.extend(numbers)
        if len(self._numbers) > 2 * MOST:
            raise ArchiveError("the archive has a file of too many parts")

    def checked(self, size: int, stored: int) -> Iterator[tuple[int, int]]:
        """The parts that have bytes, in their order.

        Args:
            size: of the file.
            stored: bytes that the archive has of it.

        Raises:
            ArchiveError: they overlap, run backwards, end behind the file, or are of another
                length than what is stored. Raised at once, before the first part.
        """
        offsets, lengths = self._numbers[::2], self._numbers[1::2]
        end = 0
        fits = len(offsets) == len(lengths) and sum(lengths) == stored
        for offset, length in zip(offsets, lengths, strict=False):
            fits = fits and offset >= end and length >= 0
            end = offset + length
        if not fits or end > size:
            raise ArchiveError("the archive has a file whose parts can't be so")
        return (part for part in zip(offsets, lengths, strict=True) if part[1])


class MapReader:
    """Reads the map of version 1.0: decimal numbers, one a line, their count first, in blocks."""

    def __init__(self) -> None:
        self.map = SparseMap()
        self.read = 0
        """Bytes of the archive that it took."""
        self._count: int | None = None
        self._seen = 0
        self._tail = b""

    def feed(self, block: bytes) -> bool:
        """Take a block; whether it was the last.

        Raises:
            ArchiveError: it is malformed.
        """
        self.read += BLOCK
        lines = (self._tail + block).split(b"\n")
        self._tail = lines.pop()
        if self._count is None:
            self._count = 2 * number(lines.pop(0) if lines else b"")
        numbers = [number(line) for line in lines[: self._count - self._seen]]
        self._seen += len(numbers)
        self.map.extend(numbers)
        if self._seen < self._count and len(self._tail) > BLOCK:
            raise ArchiveError("the archive has a file whose parts can't be so")
        return self._seen == self._count
