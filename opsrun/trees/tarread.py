"""A tar archive, taken apart as it comes.

Whoever has the bytes pushes them; nothing is ever read, and nothing is kept but the block at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from opsrun.trees.failures import ArchiveError, TreeError, shown
from opsrun.trees.sparsemap import MapReader, SparseMap
from opsrun.trees.tarheaders import (
    BLOCK,
    Extension,
    Header,
    Plain,
    Type,
    check_global,
    more_sparse,
    old_sparse,
    parse_long,
    parse_pax,
    parse_plain,
)

_LONGEST = 1024 * 1024
"""Bytes of one extended header."""
_IN_A_ROW = 16
"""Extended headers before one member; two or three are usual."""
_ZERO_BLOCKS = 4096
"""In a row: two end an archive, and padding goes to 20, or to what ``tar -b`` was given."""
_ZEROS = bytes(BLOCK)


class Receiver(Protocol):
    """Takes what is in an archive. What it raises ends the reading."""

    def begin(self, header: Header) -> None:
        """A member begins."""

    def data(self, offset: int, data: memoryview) -> None:
        """Bytes of its file; offsets only grow, and between them are zeros."""

    def end(self) -> None:
        """It was whole."""


class TarReader:
    """Takes an archive in pieces of any size; several, one behind the other, are one.

    Understands ustar, GNU (long names, old sparse files, binary numbers) and pax (paths, sizes,
    times, sparse files of versions 0.0, 0.1 and 1.0), see `opsrun.trees.tarheaders`.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._broken: TreeError | None = None
        self._position = 0
        self._block = bytearray()
        self._need = BLOCK
        self._then: Callable[[bytes], None] = self._on_header
        self._zeros = 0
        self._extensions = 0
        self._extension = Extension()
        self._member = b""
        self._stored = 0
        self._streaming = False
        self._parts: Iterator[tuple[int, int]] = iter(())
        self._offset = 0
        self._length = 0

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take further bytes.

        Raises:
            ArchiveError: this is no archive, or one with something in it that can't be. From then
                on every call raises the same.
        """
        if self._broken is not None:
            raise self._broken
        self._guarded(self._feed, memoryview(data))

    def close(self) -> None:
        """That was all.

        Raises:
            ArchiveError: the archive is not whole.
        """
        if self._broken is not None:
            raise self._broken
        self._guarded(self._check_end)

    def _guarded(self, call: Callable[..., None], *arguments: object) -> None:
        try:
            call(*arguments)
        except TreeError as error:
            self._broken = error
            raise

    def _feed(self, rest: memoryview) -> None:
        while rest:
            taken = self._pass_on(rest) if self._streaming else self._gather(rest)
            self._position += taken
            rest = rest[taken:]

    def _check_end(self) -> None:
        if self._member:
            raise ArchiveError(f"the archive ends in the middle of {shown(self._member)}")
        if self._block or not self._zeros:
            raise ArchiveError(f"the archive ends too early, after {self._position} bytes")

    def _gather(self, rest: memoryview) -> int:
        """Bytes of a header or of padding."""
        taken = min(len(rest), self._need - len(self._block))
        self._block += rest[:taken]
        if len(self._block) == self._need:
            block = bytes(self._block)
            self._block.clear()
            self._then(block)
        return taken

    def _expect(self, size: int, then: Callable[[bytes], None]) -> None:
        self._need = size
        self._then = then
        if not size:
            then(b"")

    def _pass_on(self, rest: memoryview) -> int:
        """Bytes of a file, up to the end of the part at hand."""
        taken = min(len(rest), self._length)
        self._receiver.data(self._offset, rest[:taken])
        self._offset += taken
        self._length -= taken
        if not self._length:
            self._next_part()
        return taken

    def _next_part(self) -> None:
        part = next(self._parts, None)
        self._streaming = part is not None
        if part is not None:
            self._offset, self._length = part
            return
        self._receiver.end()
        self._expect(-self._stored % BLOCK, self._on_padding)

    def _on_padding(self, _: bytes) -> None:
        self._member = b""
        self._extension = Extension()
        self._extensions = 0
        self._zeros = 0
        self._expect(BLOCK, self._on_header)

    def _on_header(self, block: bytes) -> None:
        if block == _ZEROS:
            self._on_zeros()
            return
        self._zeros = 0
        plain = parse_plain(block)
        self._member = plain.name
        if plain.code in (b"L", b"K", b"x", b"X", b"g"):
            self._extend(plain)
        else:
            self._begin(plain, block)

    def _on_zeros(self) -> None:
        self._zeros += 1
        if self._extensions and self._member:
            raise ArchiveError("the archive has an extended header without its member")
        if self._zeros > _ZERO_BLOCKS:
            raise ArchiveError("the archive has no end but zeros")
        self._expect(BLOCK, self._on_header)

    def _extend(self, plain: Plain) -> None:
        self._extensions += 1
        if plain.size > _LONGEST or self._extensions > _IN_A_ROW:
            raise ArchiveError("the archive has extended headers without end")

        def take(data: bytes) -> None:
            self._on_extension(plain.code, data[: plain.size])
            self._expect(BLOCK, self._on_header)

        self._expect(plain.size + -plain.size % BLOCK, take)

    def _on_extension(self, code: bytes, data: bytes) -> None:
        if code == b"L":
            self._extension.path = parse_long(data)
        elif code == b"K":
            self._extension.target = parse_long(data)
        elif code == b"g":
            check_global(data)
            self._member = b""
        else:
            self._extension = _merged(self._extension, parse_pax(data))

    def _begin(self, plain: Plain, block: bytes) -> None:
        extension = self._extension
        if plain.type in (Type.FILE, Type.UNKNOWN):
            self._stored = plain.size if extension.size is None else extension.size
        else:
            self._stored = 0
        if plain.code == b"S":
            self._begin_old_sparse(plain, block)
        elif extension.sparse is not None and plain.type is Type.FILE:
            self._begin_pax_sparse(plain)
        else:
            whole = (0, self._stored) if self._stored else None
            self._announce(plain, self._stored, iter([whole] if whole else []), sparse=False)

    def _begin_old_sparse(self, plain: Plain, block: bytes) -> None:
        parts = SparseMap()
        numbers, more, size = old_sparse(block)
        parts.extend(numbers)

        def take(further: bytes) -> None:
            numbers, more = more_sparse(further)
            parts.extend(numbers)
            go_on(more)

        def go_on(more: bool) -> None:
            if more:
                self._expect(BLOCK, take)
            else:
                self._announce(plain, size, parts.checked(size, self._stored), sparse=True)

        go_on(more)

    def _begin_pax_sparse(self, plain: Plain) -> None:
        sparse = self._extension.sparse
        assert sparse is not None
        if sparse.path is not None:
            self._extension.path = sparse.path
        reader = MapReader()

        def take(block: bytes) -> None:
            if reader.read + BLOCK > self._stored + -self._stored % BLOCK:
                raise ArchiveError("the archive has a file whose parts can't be so")
            if reader.feed(block):
                self._stored = max(0, self._stored - reader.read)
                parts = reader.map.checked(sparse.size, self._stored)
                self._announce(plain, sparse.size, parts, sparse=True)
            else:
                self._expect(BLOCK, take)

        if sparse.in_data:
            self._expect(BLOCK, take)
        else:
            reader.map.extend(sparse.numbers)
            parts = reader.map.checked(sparse.size, self._stored)
            self._announce(plain, sparse.size, parts, sparse=True)

    def _announce(
        self, plain: Plain, size: int, parts: Iterator[tuple[int, int]], *, sparse: bool
    ) -> None:
        extension = self._extension
        header = Header(
            path=plain.name if extension.path is None else extension.path,
            type=plain.type,
            mode=plain.mode,
            size=size,
            mtime=plain.mtime if extension.mtime is None else extension.mtime,
            target=plain.linkname if extension.target is None else extension.target,
            sparse=sparse,
        )
        # An empty name is refused by the receiver; here it must not look like "no member".
        self._member = header.path or b"?"
        self._parts = parts
        self._receiver.begin(header)
        self._next_part()


def _merged(old: Extension, new: Extension) -> Extension:
    """What is said later counts."""
    return Extension(
        path=old.path if new.path is None else new.path,
        target=old.target if new.target is None else new.target,
        size=old.size if new.size is None else new.size,
        mtime=old.mtime if new.mtime is None else new.mtime,
        sparse=old.sparse if new.sparse is None else new.sparse,
    )
