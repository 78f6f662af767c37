"""Standard input as a source: read once, sent to every host."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from typing import BinaryIO

from opsrun.errors import OpsrunError
from opsrun.trees.entry import Entry, Kind

IN_MEMORY = 64 * 1024 * 1024
"""Bytes that are kept in memory; more goes into a temporary file that has no name."""
_CHUNK = 1024 * 1024


class Held:
    """Bytes that can be read again and again, from any thread."""

    def __init__(self, data: bytes, file: BinaryIO | None, size: int, digest: str) -> None:
        self._data = data
        self._file = file
        self.size = size
        """In bytes."""
        self.digest = digest
        """SHA-256, in hexadecimal digits."""
        self.entry = Entry(b"", Kind.FILE, 0o644, size, time.time_ns(), os.getuid(), os.getgid())
        """As if it were a file that was made when all of it was there."""

    def read(self, size: int, offset: int) -> bytes:
        """At most ``size`` bytes from ``offset`` on; none at the end.

        Raises:
            OSError: the temporary file can't be read.
        """
        if self._file is None:
            return self._data[offset : offset + size]
        return os.pread(self._file.fileno(), size, offset)

    def close(self) -> None:
        """Forget it."""
        self._data = b""
        if self._file is not None:
            self._file.close()


def hold(stream: BinaryIO, *, in_memory: int = IN_MEMORY, directory: str | None = None) -> Held:
    """Read a stream to its end.

    Args:
        stream: standard input, in binary.
        in_memory: bytes up to which no file is made.
        directory: of the temporary file; None for the system's.

    Raises:
        OpsrunError: it can't be read, or the temporary file can't be written.
    """
    hashed = hashlib.sha256()
    data = bytearray()
    try:
        while len(data) <= in_memory:
            chunk = stream.read(min(_CHUNK, in_memory + 1 - len(data)))
            if not chunk:
                return Held(bytes(data), None, len(data), hashed.hexdigest())
            hashed.update(chunk)
            data += chunk
        return _in_a_file(stream, bytes(data), hashed, directory)
    except OSError as error:
        raise OpsrunError(f"can't keep standard input: {error.strerror or error}") from error


def _in_a_file(stream: BinaryIO, head: bytes, hashed: hashlib._Hash, directory: str | None) -> Held:
    # Open for as long as the run: its `Held` closes it.
    file = tempfile.TemporaryFile("w+b", buffering=0, dir=directory)  # noqa: SIM115
    size = 0
    chunk = head
    try:
        while chunk:
            rest = memoryview(chunk)
            while rest:
                rest = rest[file.write(rest) :]
            size += len(chunk)
            chunk = stream.read(_CHUNK)
            hashed.update(chunk)
    except BaseException:
        file.close()
        raise
    return Held(b"", file, size, hashed.hexdigest())
