"""Is it that the server has too much to do, or takes nothing from us for a while?"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable

from paramiko.ssh_exception import SSHException

from opsrun.errors import ConnectionFailed, Drop
from opsrun.transports.ssh.pacing import PENALTY_HINT
from opsrun.transports.ssh.tunnel import JumpLost

_LONGEST = 200
"""Characters of a line that are told."""

_TOO_MUCH = re.compile(r"maxstartups|too many|try again", re.IGNORECASE)
_PENALTY = re.compile(r"not allowed at this time", re.IGNORECASE)
"""What sshd says, from OpenSSH 9.8 on, to whom it penalises (PerSourcePenalties)."""

_RESETS = frozenset((errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED))


class TooManyConnections(SSHException):
    """The server hung up, and said that this is why."""

    code = 12
    """SSH_DISCONNECT_TOO_MANY_CONNECTIONS, RFC 4253 section 11.1."""


def add_drop(
    failed: ConnectionFailed, error: BaseException | None, preface: Iterable[bytes]
) -> None:
    """Note on ``failed`` what it says of the server's load.

    Args:
        failed: of phase banner or kex.
        error: what ended the connection.
        preface: lines that came in place of a banner.
    """
    lines = _readable(preface)
    if isinstance(error, JumpLost):
        failed.drop = Drop(hop=True)
    elif any(map(_PENALTY.search, lines)):
        failed.drop, failed.hint = Drop(penalty=True), PENALTY_HINT
    elif any(map(_TOO_MUCH.search, lines)):
        failed.drop = Drop()
        failed.hint = "too many logins at once, also by others (MaxStartups)"
    elif not lines and _is_drop(error):
        # With other words it is no drop: what a web server says, it will say again.
        failed.drop = Drop()


def said(preface: Iterable[bytes]) -> str:
    """The end of a sentence: what came in place of a banner, if anything did."""
    lines = _readable(preface)
    return f"; the server says: {' / '.join(lines)}" if lines else ""


def _is_drop(error: BaseException | None) -> bool:
    if isinstance(error, OSError):
        return error.errno in _RESETS
    return isinstance(error, (EOFError, TooManyConnections))


def _readable(preface: Iterable[bytes]) -> list[str]:
    texts = (line[: 4 * _LONGEST].decode("utf-8", "replace").strip() for line in preface)
    marks = ("".join(c if c.isprintable() else "\ufffd" for c in text) for text in texts)
    return [text[:_LONGEST] for text in marks if text]
