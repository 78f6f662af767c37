"""File names for hosts: safe, readable, and no two alike."""

from __future__ import annotations

import hashlib
import string

MAX_LENGTH = 200
"""Bytes; most file systems take 255, and endings come behind."""
_KEPT = frozenset(string.ascii_letters + string.digits + "._+@:,=-")
_KEPT_LENGTH = 150


class FileNames:
    """Gives each host a file name of its own, the same one whenever it is asked.

    ASCII letters, digits and ``._+@:,=-`` stay; all else, and a dot or dash at the start, becomes
    ``%XX`` for each byte, so no name leaves its folder. Over-long names, and names that a file
    system which ignores case would confuse with another one, end in ``~`` and a digest.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()

    def __getitem__(self, host: str) -> str:
        """The name for ``host``, without an ending."""
        if host not in self._names:
            name = escape(host)
            if len(name) > MAX_LENGTH or name.lower() in self._taken:
                mark = hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()[:16]
                name = f"{name[:_KEPT_LENGTH]}~{mark}"
            self._taken.add(name.lower())
            self._names[host] = name
        return self._names[host]


def escape(host: str) -> str:
    """``host`` as one component of a path.

    >>> escape("../etc"), escape("web01")
    ('%2E.%2Fetc', 'web01')
    """
    text = "".join(char if char in _KEPT else _percent(char) for char in host)
    return _percent(text[0]) + text[1:] if text[:1] in (".", "-") else text or "%"


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
