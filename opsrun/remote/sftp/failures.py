"""A server's refusals as errors: what was to be done, to which path, and the server's words."""

from __future__ import annotations

from opsrun.errors import TransferFailed
from opsrun.remote.sftp.packets import Code, Status
from opsrun.remote.sftp.requests import Request

_LONGEST = 400
"""Characters of a server's words that are passed on."""

_WORDS = {
    Code.EOF: "End of file",
    Code.NO_SUCH_FILE: "No such file or directory",
    Code.PERMISSION_DENIED: "Permission denied",
    Code.FAILURE: "Failure",
    Code.BAD_MESSAGE: "the server doesn't understand the request",
    Code.OP_UNSUPPORTED: "the server doesn't have that",
}
_BARE = ("", "failure", "ssh_fx_failure", "error")
"""Words that say nothing, in lower case."""


class Refused(TransferFailed):
    """A request that the server answered with no."""

    code: int = Code.FAILURE
    """Of `Code`, or another number."""

    @classmethod
    def of(cls, message: str, code: int, host: str, hint: str = "") -> Refused:
        """One with its code."""
        error = cls(message, host=host, hint=hint)
        error.code = code
        return error

    @property
    def absent(self) -> bool:
        """There is nothing of that name."""
        return self.code == Code.NO_SUCH_FILE


def shown(path: bytes) -> str:
    """A path for a message: bytes that are no UTF-8 become visible."""
    return path.decode("utf-8", "backslashreplace")


def refused(request: Request, status: Status, host: str) -> Refused:
    """The error for a status that isn't `Code.OK`."""
    usual = _WORDS.get(Code(status.code)) if status.code in set(Code) else None
    said = " ".join(status.message.split())[:_LONGEST]
    if status.code == Code.NO_SUCH_FILE or said.lower().rstrip(".") in _BARE:
        said = usual or f"status {status.code}"
    hint = ""
    if said == _WORDS[Code.FAILURE]:
        hint = "the server says no more than that"
    message = f"can't {request.doing} {shown(request.path)}: {said}"
    return Refused.of(message, status.code, host, hint)


def cannot(message: str, host: str, hint: str = "") -> TransferFailed:
    """What SFTP has no way for; nothing was sent."""
    return TransferFailed(message, host=host, hint=hint)
