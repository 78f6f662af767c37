"""What a file is to hold: bytes in memory, or a file of the controller's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from opsrun.modules.base import ModuleError

_PIECE = 256 * 1024

DIFF_LIMIT = 104448
"""Bytes of a file that is still shown in a difference."""


@dataclass(frozen=True, slots=True)
class Digests:
    """Hexadecimal checksums."""

    sha1: str
    md5: str
    sha256: str


@dataclass(slots=True)
class Content:
    """Bytes that go into a file."""

    data: bytes | None = None
    """None for those of ``path``."""
    path: str = ""
    """A local file; empty for content that a task spells out."""
    mode: int = 0o644
    """Its permissions, for ``mode: preserve``."""
    size: int = 0
    _digests: Digests | None = field(default=None, repr=False)

    @classmethod
    def of_bytes(cls, data: bytes, path: str = "", mode: int = 0o644) -> Content:
        """Content that is there already."""
        return cls(data, path, mode, len(data))

    @classmethod
    def of_file(cls, path: str) -> Content:
        """A local file's. ModuleError: it can't be read."""
        try:
            status = os.stat(path)
        except OSError as error:
            raise ModuleError(f"{path}: {error.strerror}") from error
        return cls(None, path, status.st_mode & 0o7777, status.st_size)

    def chunks(self) -> Iterator[bytes]:
        """The bytes, in pieces. ModuleError: they can't be read."""
        if self.data is not None:
            yield self.data
            return
        try:
            with open(self.path, "rb") as file:
                while piece := file.read(_PIECE):
                    yield piece
        except OSError as error:
            raise ModuleError(f"{self.path}: {error.strerror}") from error

    @property
    def digests(self) -> Digests:
        """Its checksums; a file is read for them once."""
        if self._digests is None:
            made = hashlib.sha1(), hashlib.md5(), hashlib.sha256()
            for piece in self.chunks():
                for each in made:
                    each.update(piece)
            self._digests = Digests(*(each.hexdigest() for each in made))
        return self._digests

    def beginning(self) -> bytes:
        """As much of it as a difference shows."""
        for piece in self.chunks():
            return piece[: DIFF_LIMIT + 1]
        return b""
