"""What is said between us and sudo, su or doas: pure, bytes in, answers out."""

from __future__ import annotations

import re

from opsrun.errors import BecomeError
from opsrun.events import StreamName
from opsrun.remote.become_refusals import PASSWORD_HINT, WRONG_HINT, explain
from opsrun.remote.become_script import MISSING, BecomeSpec, Marks
from opsrun.remote.connection import Victim

LONGEST = 64 * 1024
"""Bytes of banners and prompts on one stream, before nobody believes that a shell will come."""

# su's prompt can't be chosen. Only as the last words, of a line that is not over.
_SU_PROMPT = re.compile(r"(?:^|\n)Password(?: for [^\n]{1,64})?: ?\Z")


class Dialogue:
    """One attempt to become another user. The password is given out once, whatever is asked.

    Args:
        spec: who is to become whom.
        marks: random words, never used before.
        host: inventory name, for errors.
        on_terminal: whether both streams come as one, with what is said on either.
    """

    def __init__(
        self, spec: BecomeSpec, marks: Marks, host: str, *, on_terminal: bool = False
    ) -> None:
        self._spec = spec
        self._on_terminal = on_terminal
        self._marks = marks
        self._host = host
        self._heard = {"stdout": b"", "stderr": b""}
        self._ready: dict[StreamName, bytes] = {}
        self._answered_at: int | None = None
        self.victim: Victim | None = None
        """The other user's shell, once it has spoken."""

    @property
    def over(self) -> bool:
        """The other user's shell is there, and told to go on."""
        return len(self._ready) == 2

    @property
    def left(self) -> dict[StreamName, bytes]:
        """What came behind the dialogue: the script's own output."""
        return self._ready

    def hear(self, stream: StreamName, data: bytes) -> bytes:
        """Take what came; what is to be written in answer.

        Raises:
            BecomeError: it will not come to a good end.
        """
        if stream in self._ready:
            self._ready[stream] += data
            return b""
        if self._on_terminal:
            stream = "stderr"
        self._heard[stream] += data
        if len(self._heard[stream]) > LONGEST:
            raise self._error(f"{self._spec.program} says too much, and no shell comes", "")
        self._look_for_shell(stream)
        if self.over:
            return f"{self._marks.go}\n".encode()
        return self._answer() if stream == "stderr" and stream not in self._ready else b""

    def ended(self, how: str) -> BecomeError:
        """The error for a process that ended in the middle of it."""
        said, missing = self._said()
        if missing:
            return self._error(
                f"there is no {self._spec.program} on this host",
                "install it, or choose another ansible_become_method",
            )
        message, hint = explain(
            self._spec,
            f"{said}\n{self._heard['stdout'].decode(errors='replace')}",
            how,
            answered=self._answered_at is not None,
        )
        return self._error(message, hint)

    def timed_out(self, seconds: float) -> BecomeError:
        """The error for a dialogue that took too long."""
        said = [line for line in self._said()[0].splitlines() if line.strip()]
        last = f"; its last words: {said[-1].strip()[:200]}" if said else ""
        state = "after it was given the password" if self._answered_at is not None else "at all"
        return self._error(
            f"{self._spec.program} gave no shell {state} within {seconds:g} s{last}",
            "does it wait for a directory service, or for a question that opsrun can't answer?",
        )

    def _look_for_shell(self, stream: StreamName) -> None:
        _, found, rest = self._heard[stream].partition(self._marks.inner.encode())
        line, newline, behind = rest.partition(b"\n")
        if self._on_terminal and found and newline:
            # The first is the one that standard output greets with.
            _, found, rest = behind.partition(self._marks.inner.encode())
            line, newline, behind = rest.partition(b"\n")
        if not (found and newline):
            return
        if stream == "stderr":
            try:
                self.victim = Victim.parse(line.decode("ascii", "replace").strip())
            except ValueError:
                raise self._error("the other user's shell greeted with nonsense", "") from None
        self._ready[stream] = behind
        if self._on_terminal:
            self._ready = {"stdout": behind, "stderr": b""}

    def _said(self) -> tuple[str, bool]:
        """The method's own words on stderr, and whether there is no such program."""
        _, found, rest = self._heard["stderr"].partition(self._marks.outer.encode())
        line, newline, behind = rest.partition(b"\n")
        if not (found and newline):
            return "", False
        return behind.decode(errors="replace"), MISSING.encode() in line

    def _answer(self) -> bytes:
        said, _ = self._said()
        if self._answered_at is not None:
            if self._asks(said[self._answered_at :]):
                who = self._spec.user if self._spec.method == "su" else "sudo"
                raise self._error(f"wrong password for {who}", WRONG_HINT)
            return b""
        if not self._asks(said):
            return b""
        if self._spec.password is None:
            raise self._error(f"{self._spec.program} needs a password", PASSWORD_HINT)
        self._answered_at = len(said)
        return self._spec.password.reveal().encode("utf-8", "surrogateescape") + b"\n"

    def _asks(self, said: str) -> bool:
        if self._spec.method == "sudo":
            return self._marks.prompt in said
        return self._spec.method == "su" and _SU_PROMPT.search(said) is not None

    def _error(self, message: str, hint: str) -> BecomeError:
        return BecomeError(message, host=self._host, phase="become", hint=hint)
