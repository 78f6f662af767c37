"""What ssh(1) writes into its log (``-E``, ``LogLevel=DEBUG1``): how far it got, and why it ended.

The lines are those of OpenSSH 7.4 to 10; any that is not known here says nothing.
"""

from __future__ import annotations

from opsrun.errors import AuthenticationFailed, ConnectionFailed, HostKeyError
from opsrun.transports.targets.target import ProgramTarget

_KEPT = 256 * 1024

_PROGRESS = (
    ("debug1: Connecting to ", "tcp"),
    ("debug1: Executing proxy command", "tcp"),
    ("debug1: Connection established", "banner"),
    ("debug1: Local version string", "banner"),
    ("debug1: Remote protocol version", "kex"),
    ("debug1: Server host key", "hostkey"),
    ("debug1: SSH2_MSG_NEWKEYS sent", "auth"),
    ("Authenticated to ", "open"),
)
"""How a line begins, and the phase that it begins."""

_NOISE = (
    *("debug1:", "debug2:", "debug3:", "Authenticated to ", "Authenticated using "),
    *("Transferred: ", "Bytes per second: ", "Warning: Permanently added", "OpenSSH_"),
)

_STARTS = (
    *("debug1: Sending command: ", "debug1: Sending subsystem: "),
    "debug1: mux_client_request_session: ",
)
"""Lines that tell of what is asked of the server."""

_HINTS = {
    "dns": "check the name, or set ansible_host",
    "tcp": "is the host up, and sshd running on this port?",
    "hostkey": "compare the fingerprint, and record the key (ssh-keyscan)",
    "auth": "check user and key; ssh(1) is run with BatchMode=yes and asks nobody",
}


class Story:
    """Reads the log as it comes.

    Args:
        newlines: how many there are in the command, which the log repeats as it is.
    """

    def __init__(self, newlines: int = 0) -> None:
        self._newlines = newlines
        self.size = 0
        """Bytes read so far."""
        self.phase = "dns"
        self.sent = False
        """The server was given the command."""
        self.exited = False
        """The server told the command's exit status, and ssh ended because of that."""
        self.killed = False
        """The server told that a signal ended the command."""
        self.refused = False
        """The server has no such subsystem."""
        self.last_words = ""
        """The latest line that is about something wrong."""
        self._all_words: list[str] = []
        self._rest = b""
        self._told = False
        self._echoed = 0

    def feed(self, data: bytes) -> None:
        """Take a piece of the log."""
        self.size += len(data)
        *lines, self._rest = (self._rest + data)[-_KEPT:].split(b"\n")
        for line in lines:
            self._take(line.decode(errors="replace").strip())

    def _take(self, line: str) -> None:
        if self._echoed and not line.startswith("debug1: "):
            # Of the command itself, which ssh repeats; of a long one only the beginning.
            self._echoed -= 1
            return
        self._echoed = self._newlines if line.startswith("debug1: Sending command: ") else 0
        for start, phase in _PROGRESS:
            if line.startswith(start):
                self.phase = phase
        # A connection that is shared (ControlMaster) is asked for a session by the second line.
        if line.startswith(_STARTS):
            self.sent = self.sent or "Sending " in line or "master session id" in line
        self.refused = self.refused or line.startswith("subsystem request failed")
        if line.startswith("debug1: client_input_channel_req: "):
            self._told = self._told or " rtype exit-status " in line
            self.killed = self.killed or " rtype exit-signal " in line
        self.exited = self.exited or (self._told and line.startswith("debug1: Exit status "))
        if line and not line.startswith(_NOISE):
            self.last_words = line
            self._all_words = [*self._all_words[-30:], line]

    def failure(self, target: ProgramTarget, status: int, said: bytes) -> ConnectionFailed:
        """Why the command never got to the server.

        Args:
            target: the host.
            status: ssh's own.
            said: what came on standard error, which a jump host's ssh shares.
        """
        lines = said.decode(errors="replace").split("\n")
        others = [line.strip() for line in lines if line.strip()]
        words = self.last_words or (others[-1] if others else f"ssh ended with status {status}")
        if others and "UNKNOWN port" in words:
            # All that ssh says of a connection that its own proxy could not make.
            words = others[-1]
        text = "\n".join([*self._all_words, words])
        phase, kind = self.phase, ConnectionFailed
        if "Could not resolve hostname" in text:
            phase = "dns"
        elif "Host key verification failed" in text or "HOST IDENTIFICATION HAS CHANGED" in text:
            phase, kind = "hostkey", HostKeyError
        elif "Permission denied" in text or "Too many authentication failures" in text:
            phase, kind = "auth", AuthenticationFailed
        hint = _HINTS.get(phase, "")
        return kind(f"{target.place}: {words}", host=target.host, phase=phase, hint=hint)
