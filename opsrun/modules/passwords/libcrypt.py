"""crypt(3) of this machine, where it has one that can be trusted: several times as fast as ours,
and other threads go on meanwhile.

Source: crypt(3), crypt_r(3) of libxcrypt and glibc.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

_LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2")
_ROOM = 256 * 1024
"""Bytes of ``struct crypt_data``, whose size the library doesn't tell: glibc's has 131,232."""
_LONGEST = 500
"""Bytes of a password; libxcrypt refuses more than 512."""

Crypt = Callable[[bytes, bytes], bytes | None]


def hashed(secret: bytes, setting: str, length: int) -> str | None:
    """The hash of ``secret``.

    Args:
        setting: kind, rounds and salt, with a ``$`` at its end.
        length: of what comes behind it.

    Returns:
        None where this machine can't make one.
    """
    crypt = _crypt()
    if crypt is None or b"\0" in secret or len(secret) > _LONGEST:
        return None
    made = (crypt(secret, setting.encode()) or b"").decode("ascii", "replace")
    return made if made.startswith(setting) and len(made) == len(setting) + length else None


@cache
def _crypt() -> Crypt | None:
    for name in _LIBRARIES:
        try:
            function = ctypes.CDLL(name).crypt_r
        except (OSError, AttributeError):
            continue
        function.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
        function.restype = ctypes.c_char_p
        return lambda secret, setting: _called(function, secret, setting)
    return None


def _called(function: Callable[..., bytes | None], secret: bytes, setting: bytes) -> bytes | None:
    data = ctypes.create_string_buffer(_ROOM)
    return function(secret, setting, data)
