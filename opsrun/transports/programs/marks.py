"""Tells a command's own end from that of the program which carries it.

A container program ends with the command's status, and with the same numbers for failures of its
own. So the command is put between two marks on standard error: what comes before the first one is
the program's, and an end without the second one is not the command's. 128 random bits: nothing
that a command prints is taken for a mark.
"""

from __future__ import annotations

import re
import secrets

from opsrun.remote.connection import TAG

# The tag is the command's alone: who is to end it must leave the wrapper to tell of it.
_WRAPPER = (
    f'printf %s "$3" >&2; ( [ -z "$2" ] || {{ {TAG}=$2; export {TAG}; }}; exec sh -c "$1" ); '
    's=$?; printf %s "$4$s." >&2; exit $s'
)


class Marks:
    """The marks of one command, and what of its standard error lies between them."""

    def __init__(self) -> None:
        token = secrets.token_hex(16)
        self._begin = f"\036{token}+".encode()
        self._end = f"\036{token}-".encode()
        self._ended = re.compile(re.escape(self._end) + rb"(\d{1,3})\.")
        self._held = b""
        self.begun = False
        """The host's shell has begun."""
        self.status: int | None = None
        """The command's exit status, once it has ended."""
        self.before = b""
        """What the program itself said; the last of it."""

    def argv(self, script: str, tag: str = "") -> tuple[str, ...]:
        """Words that run ``script`` between the marks, to be put after the program's own.

        Args:
            script: what the host's shell is to read.
            tag: see `Manner.tag`.
        """
        marks = (self._begin.decode(), self._end.decode())
        return ("sh", "-c", _WRAPPER, "sh", script, tag, *marks)

    def feed(self, data: bytes) -> bytes:
        """Take standard error as it comes; give what is the command's of it."""
        self._held += data
        if not self.begun and not self._look_for_begin():
            return b""
        if self.status is None and (found := self._ended.search(self._held)):
            self.status = int(found[1])
            self._held = self._held[: found.start()] + self._held[found.end() :]
        if self.status is not None:
            # What the command left behind may go on talking.
            return self._release(len(self._held))
        return self._release(self._safe())

    def _look_for_begin(self) -> bool:
        at = self._held.find(self._begin)
        if at < 0:
            self.before = self._held = self._held[-8192:]
            return False
        self.begun = True
        self.before, self._held = self._held[:at], self._held[at + len(self._begin) :]
        return True

    def _safe(self) -> int:
        """How much of what is held can't be the start of the second mark."""
        at = self._held.rfind(b"\036")
        if at < 0:
            return len(self._held)
        tail = self._held[at:]
        whole = tail.startswith(self._end) and re.fullmatch(rb"\d{0,3}", tail[len(self._end) :])
        return at if whole or self._end.startswith(tail) else len(self._held)

    def _release(self, size: int) -> bytes:
        out, self._held = self._held[:size], self._held[size:]
        return out

    def rest(self) -> bytes:
        """What is still held at the end of the stream."""
        return self._release(len(self._held)) if self.begun else b""
