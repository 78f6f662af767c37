"""wait_for: until a port, a file or the connections of a host are as they shall be."""

from __future__ import annotations

import re
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from opsrun.modules.base import Context, Module, ModuleError, ModuleResult, Steps
from opsrun.modules.looking import Answers
from opsrun.modules.options import module, option
from opsrun.modules.requests import Request, Run, Sleep
from opsrun.modules.waiting.probing import (
    LIMIT,
    active,
    connections_script,
    file_script,
    is_open,
    port_script,
)
from opsrun.remote.command import CommandResult

_CONTENT = b"content\0\0"
_STATES = ("ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT")


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look told."""

    there: bool
    """The port is open, the file is there, and holds what is searched for; or is drained."""
    match: re.Match[bytes] | None = None
    sign: str = ""
    """By which a file that is still the same is known."""


@module("wait_for", exclusive=[("path", "port")])
class WaitFor(Module):
    """Look at the host again and again, until it is as it shall be."""

    checks = False

    host: str = option("127.0.0.1", doc="Where the port is, as seen from the host.")
    port: int | None = option(doc="A TCP port that is connected to.", kind="int")
    path: str | None = option(kind="path", doc="A file or directory on the host.")
    search_regex: str | None = option(
        doc="What the file, or what is said on the connection, has to hold; lines are looked at."
    )
    state: str = option(
        "started",
        choices=("absent", "drained", "present", "started", "stopped"),
        doc="What is waited for; ``drained``: nobody is connected to the port.",
    )
    timeout: int = option(300, doc="Seconds in all.")
    delay: int = option(0, doc="Seconds before the first look.")
    sleep: int = option(1, doc="Seconds between looks.")
    connect_timeout: int = option(5, doc="Seconds that one attempt to connect may take.")
    exclude_hosts: list[str] | None = option(
        elements="str", doc="Whose connections don't count for ``drained``."
    )
    active_connection_states: list[str] = option(
        _STATES, elements="str", doc="Connections that count for ``drained``."
    )
    msg: str | None = option(doc="What is said when the time is over.")

    def steps(self, context: Context) -> Steps:
        """A look is one script that only reads."""
        self._sound()
        pattern = self._pattern()
        began = time.monotonic()
        if self.delay:
            yield Sleep(float(self.delay))
        if self.port is None and self.path is None:
            left = self.timeout - (time.monotonic() - began)
            if left > 0 and self.state != "drained":
                yield Sleep(left)
            return ModuleResult(data=self._told(None, began))
        sign = ""
        while True:
            looked = yield from self._look(pattern, sign)
            sign = looked.sign
            if looked.there == (self.state in ("started", "present", "drained")):
                return ModuleResult(data=self._told(looked.match, began))
            left = self.timeout - (time.monotonic() - began)
            if left <= 0:
                elapsed = int(time.monotonic() - began)
                return ModuleResult(
                    failed=True, msg=self.msg or self._late(), data={"elapsed": elapsed}
                )
            yield Sleep(min(float(self.sleep), left))

    def _sound(self) -> None:
        if self.path is not None and self.state in ("stopped", "drained"):
            words = (
                f"state={self.state} should only be used for checking a port in the wait_for module"
            )
            raise ModuleError(words, elapsed=0)
        if self.exclude_hosts is not None and self.state != "drained":
            raise ModuleError("exclude_hosts should only be with state=drained", elapsed=0)
        if self.port is None and self.state == "drained":
            raise ModuleError("state=drained wants a port", elapsed=0)

    def _pattern(self) -> re.Pattern[bytes] | None:
        if self.search_regex is None:
            return None
        try:
            return re.compile(self.search_regex.encode("utf-8", "surrogateescape"), re.MULTILINE)
        except re.error as error:
            words = f"search_regex: {self.search_regex!r} is no regular expression: {error}"
            raise ModuleError(words, elapsed=0) from error

    def _look(self, pattern: re.Pattern[bytes] | None, sign: str) -> Generator[Request, Any, _Look]:
        if self.path is not None:
            script = file_script(self.path, read=pattern is not None, sign=sign)
            return self._at_file((yield Run(script, effect="reads", cap=LIMIT)), pattern)
        assert self.port is not None
        if self.state == "drained":
            names = [self.host, *(self.exclude_hosts or ())]
            answers = Answers((yield Run(connections_script(names), effect="reads")))
            left_out, states = self.exclude_hosts or (), self.active_connection_states
            return _Look(not active(answers, self.host, self.port, left_out, states))
        talk = pattern is not None and self.state in ("started", "present")
        script = port_script(self.host, self.port, self.connect_timeout, talk=talk)
        answers = Answers((yield Run(script, effect="reads")))
        if not is_open(answers):
            return _Look(False)
        if pattern is None or not talk:
            return _Look(True)
        match = pattern.search(answers.text("said").encode("utf-8", "surrogateescape"))
        return _Look(match is not None, match)

    def _at_file(self, answer: CommandResult, pattern: re.Pattern[bytes] | None) -> _Look:
        if answer.truncated:
            raise ModuleError(f"{self.path} has more than {LIMIT >> 20} MiB: it isn't searched")
        head, found, content = answer.stdout.partition(_CONTENT)
        answers = Answers(replace(answer, stdout=head))
        there = answers.seen("path", lenient=True).exists
        if pattern is None or not there:
            return _Look(there)
        match = pattern.search(content) if found else None
        # A file that is still the same still has not what was not in it.
        still = not found and self.state not in ("started", "present")
        return _Look(match is not None or still, match, answers.text("sign"))

    def _told(self, match: re.Match[bytes] | None, began: float) -> dict[str, Any]:
        groups = match.groups() if match else ()
        named = match.groupdict() if match else {}
        return {
            "state": self.state,
            "port": self.port,
            "search_regex": self.search_regex,
            "match_groups": [_text(each) for each in groups],
            "match_groupdict": {name: _text(each) for name, each in named.items()},
            "path": self.path,
            "elapsed": int(time.monotonic() - began),
        }

    def _late(self) -> str:
        what = self.path if self.path is not None else f"{self.host}:{self.port}"
        if self.state == "drained":
            return f"Timeout when waiting for {what} to drain"
        if self.search_regex is not None and self.state in ("started", "present"):
            inside = what if self.path is None else self.path
            return f"Timeout when waiting for search string {self.search_regex} in {inside}"
        if self.path is not None:
            end = "to be absent." if self.state == "absent" else ""
            kind = "" if self.state == "absent" else "file "
            return f"Timeout when waiting for {kind}{what} {end}".rstrip()
        end = "to stop." if self.state in ("stopped", "absent") else ""
        return f"Timeout when waiting for {what} {end}".rstrip()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "surrogateescape")
