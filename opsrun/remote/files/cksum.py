"""POSIX cksum(1): the CRC of hosts that have no SHA-256.

It shifts the other way round than zlib's CRC-32 and has the same polynomial (0x04C11DB7), so zlib's
does the work on bytes whose bits are turned round. The length follows the data, lowest byte first,
without leading zeros: POSIX.1-2008, cksum, EXTENDED DESCRIPTION.
"""

from __future__ import annotations

import zlib

_TURNED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ONES = 0xFFFFFFFF


class PosixCksum:
    """A running checksum; `text` is what cksum(1) prints before the name.

    >>> PosixCksum(b"hello").text()
    '3287646509 5'
    """

    def __init__(self, data: bytes = b"") -> None:
        # zlib starts from the complement of what it is given; POSIX starts from zero.
        self._crc = _ONES
        self._size = 0
        self.update(data)

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        self._crc = zlib.crc32(bytes(data).translate(_TURNED), self._crc)
        self._size += len(data)

    def text(self) -> str:
        """``CRC SIZE``, both decimal."""
        length = self._size.to_bytes((self._size.bit_length() + 7) // 8, "little")
        crc = zlib.crc32(length.translate(_TURNED), self._crc)
        return f"{int(f'{crc:032b}'[::-1], 2)} {self._size}"
