"""How connections end, in words."""

from __future__ import annotations

import errno

from paramiko.ssh_exception import IncompatiblePeer, MessageOrderError

SETTLED = (IncompatiblePeer, MessageOrderError)
"""After these another attempt ends the same way, or had better not be made unasked."""


def explain(error: BaseException | None) -> tuple[str, str]:
    """What the link's thread ended with: what happened, and what to do next."""
    if isinstance(error, IncompatiblePeer):
        return str(error), (
            "the server's are not safe, or not known here: update it, or reach it with "
            "ansible_connection: ssh_binary"
        )
    if isinstance(error, MessageOrderError):
        return str(error), "somebody may have changed what was sent on the way (CVE-2023-48795)"
    if isinstance(error, EOFError) or error is None:
        return "the server closed the connection", "too many connections at once, or not allowed"
    if isinstance(error, OSError) and error.errno in (errno.ECONNRESET, errno.EPIPE):
        return "connection reset", "too many connections at once, or something on the way"
    return str(error) or type(error).__name__, "-vv tells the story of the connection"
