"""A Chromium without a window, spoken to over two pipes.

The protocol is that of https://chromedevtools.github.io/devtools-protocol/: JSON, each message
ended by a NUL (``--remote-debugging-pipe``: it reads from descriptor 3 and writes to 4).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--no-default-browser-check", "--disable-extensions"),
)
LIMIT = 60.0
"""Seconds that an answer may take; never a part of what is asserted."""


def program() -> str | None:
    """The browser that is installed, if one is."""
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """One page of a browser. What it complains of and asks the network for is kept.

    Args:
        path: of the program.
        folder: an empty one, for what it keeps.
    """

    def __init__(self, path: str, folder: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self._number, self._rest = 0, b""
        self._session: str | None = None
        theirs, self._to = _pipe()
        self._from, answers = _pipe()
        null = os.open(os.devnull, os.O_RDWR)
        places = {theirs: 3, answers: 4, null: 2}
        actions = [(os.POSIX_SPAWN_DUP2, fd, place) for fd, place in places.items()]
        words = [path, *_QUIET, "--remote-debugging-pipe", f"--user-data-dir={folder}"]
        env = {**os.environ, "HOME": str(folder)}
        self._pid = os.posix_spawn(path, words, env, file_actions=actions, setpgroup=0)
        for fd in places:
            os.close(fd)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        told = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = told["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """What a method answers; what comes before that is kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (told := self._next()).get("id") != self._number:
            self.events.append(told)
        assert "error" not in told, told
        found = told["result"]
        assert isinstance(found, dict)
        return found

    def show(self, page: Path) -> None:
        """Open a file and wait until all of it is there."""
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        while not any(each.get("method") == "Page.loadEventFired" for each in self.events):
            self.events.append(self._next())

    def value(self, expression: str) -> Any:
        """What an expression comes to on the page."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def complaints(self) -> list[str]:
        """What was written to its console, and exceptions."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(each["params"]) for each in self.events if each.get("method") in kinds]

    def requests(self) -> list[str]:
        """What it has asked for."""
        kind = "Network.requestWillBeSent"
        found = [each["params"] for each in self.events if each.get("method") == kind]
        return [each["request"]["url"] for each in found]

    def close(self) -> None:
        """End it, and wait until it has."""
        self._session = None
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._to)
        os.close(self._from)

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + LIMIT
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0.0, until - time.monotonic()))
            data = os.read(self._from, 1 << 20) if ready else b""
            assert data, "the browser has gone, or says nothing"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\0")
        found = json.loads(line)
        assert isinstance(found, dict)
        return found


def _pipe() -> tuple[int, int]:
    """Both ends, away from the numbers that a child has them under."""
    ends = os.pipe()
    found = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return found[0], found[1]


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser, while it is needed. There is one: see `program`."""
    path = program()
    assert path is not None
    found = Browser(path, folder)
    try:
        yield found
    finally:
        found.close()
