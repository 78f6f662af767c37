"""A delivery's bytes, cut as they are needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsrun.errors import TransferFailed


class Intake:
    """Cuts a stream of chunks anew, in bounded memory.

    Args:
        chunks: of any lengths.
        size: bytes that there have to be.
    """

    def __init__(self, chunks: Iterable[bytes], size: int) -> None:
        self._chunks = iter(chunks)
        self._size = size
        self._rest = memoryview(b"")

    def take(self, size: int) -> bytes:
        """The next bytes, exactly so many.

        Raises:
            TransferFailed: there are fewer.
        """
        if size <= len(self._rest):
            taken, self._rest = bytes(self._rest[:size]), self._rest[size:]
            return taken
        parts: list[bytes | memoryview] = [self._rest]
        missing = size - len(self._rest)
        while missing:
            chunk = memoryview(next(self._chunks, b""))
            if not chunk:
                chunk = self._after_nothing()
            parts.append(chunk[:missing])
            self._rest = chunk[missing:]
            missing -= len(parts[-1])
        return b"".join(parts)

    def _after_nothing(self) -> memoryview:
        """The next chunk that isn't empty."""
        for chunk in self._chunks:
            if chunk:
                return memoryview(chunk)
        raise TransferFailed(f"fewer bytes came to be sent than the {self._size} promised")

    def pieces(self, size: int, most: int) -> Iterator[bytes]:
        """The next ``size`` bytes, in pieces of at most ``most``."""
        for at in range(0, size, most):
            yield self.take(min(most, size - at))

    def finish(self) -> None:
        """All was taken.

        Raises:
            TransferFailed: there is more.
        """
        if self._rest or any(self._chunks):
            raise TransferFailed(f"more bytes came to be sent than the {self._size} promised")
