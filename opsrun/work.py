"""Names of pieces of work."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_DIVIDERS = re.compile(r"[%/@#\[\]]")


@dataclass(frozen=True, slots=True)
class WorkId:
    """Names one piece of work so that it is found again after a crash.

    ``path`` leads to the task (``("exec",)``, later play, task and include chain), ``digest`` is of
    what is to be done, so that another command is other work.

    >>> from opsrun import WorkId
    >>> str(WorkId("web01", ("exec",), "a1b2c3d4e5f6"))
    'exec@web01#a1b2c3d4e5f6.1'
    """

    host: str
    path: tuple[str, ...]
    digest: str
    item: str | None = None
    attempt: int = 1

    def __str__(self) -> str:
        path = "/".join(map(_quoted, self.path))
        item = f"[{_quoted(self.item)}]" if self.item is not None else ""
        return f"{path}{item}@{_quoted(self.host)}#{self.digest}.{self.attempt}"


def _quoted(part: str) -> str:
    """``part`` without the characters that divide a `WorkId`, as ``%XX`` (RFC 3986)."""
    return _DIVIDERS.sub(lambda match: f"%{ord(match[0]):02X}", part)


def digest(*parts: str | bytes) -> str:
    """A short stable fingerprint of ``parts``: 12 hexadecimal digits of SHA-256."""
    mix = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        mix.update(len(raw).to_bytes(8, "big") + raw)
    return mix.hexdigest()[:12]
