"""A world of the tests' own: environment, home, names and network."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FOREIGN = re.compile(
    r"(OPSRUN|ANSIBLE|SSH|SUDO|XDG|CLICOLOR)_.*|.*_proxy|.*_PROXY"
    r"|NO_COLOR|FORCE_COLOR|CLICOLOR|COLORTERM|COLUMNS|LINES|PAGER|EDITOR|VISUAL|BASH_ENV|ENV"
)
"""Variables of the operator's that could change what a test sees."""

_XDG = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_CACHE_HOME": ".cache",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_RUNTIME_DIR": ".run",
}


def private_environment(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """``environ`` without what is the operator's own, at home in ``home``."""
    kept = {name: value for name, value in environ.items() if not _FOREIGN.fullmatch(name)}
    own = {name: str(home / place) for name, place in _XDG.items()}
    fixed = {"HOME": str(home), "TERM": "xterm", "SHELL": "/bin/sh", "LC_ALL": "C.UTF-8"}
    return kept | own | fixed


def replace_environment(new: Mapping[str, str]) -> None:
    """Make ``os.environ`` exactly ``new``."""
    for name in set(os.environ) - set(new):
        del os.environ[name]
    for name, value in new.items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def empty(directory: Path) -> None:
    """Remove everything in a directory."""
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


class Network:
    """Lets nothing out of the machine, and remembers who tried.

    It listens to the interpreter's audit events, which every way into the C library raises,
    gevent's among them. Names under ``.invalid`` are unknown unless a test gives them addresses.
    """

    def __init__(self) -> None:
        self.active = False
        self.attempts: list[str] = []
        self.names: dict[str, tuple[str, ...]] = {}
        self._resolve: Callable[..., Any] = socket.getaddrinfo
        sys.addaudithook(self._audit)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        # Called for every audit event of the process: the cheapest test comes first.
        if not event.startswith("socket.") or not self.active:
            return
        if event in ("socket.getaddrinfo", "socket.gethostbyname"):
            self._judge_name(args[0])
        elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
            self._judge_address(args[1][0])

    def _judge_name(self, name: str | bytes | None) -> None:
        text = name.decode() if isinstance(name, bytes) else name or "localhost"
        if text == "localhost" or _address(text) is not None:
            return
        if not text.rstrip(".").endswith(".invalid"):
            self.attempts.append(f"asked for the address of {text!r}")
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def _judge_address(self, host: object) -> None:
        if not isinstance(host, str):
            return
        address = _address(host)
        if address is None:
            self._judge_name(host)
        elif not (address.is_loopback or address.is_unspecified):
            self.attempts.append(f"tried to reach {host}")
            raise OSError(101, "Network is unreachable")

    def getaddrinfo(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        """`socket.getaddrinfo`, with the names that a test gave addresses to."""
        if host not in self.names:
            return self._resolve(host, port, *args, **kwargs)
        found: list[Any] = []
        for address in self.names[host]:
            found += self._resolve(address, port, *args, **kwargs)
        return found

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep watch inside the block."""
        socket.getaddrinfo = self.getaddrinfo
        self.active = True
        try:
            yield
        finally:
            self.active = False
            socket.getaddrinfo = self._resolve


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


@contextmanager
def usual_signals() -> Iterator[None]:
    """Have programs that are started heed what is ignored here (nohup, ``&`` in a script).

    A handler is no program's but ours: in others the signal has its usual effect again, see
    execve(2); while here it still has none.
    """
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
    ignored = [number for number in numbers if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *received: None)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def left_behind(before: set[threading.Thread], seconds: float = 5.0) -> list[threading.Thread]:
    """Threads that were not there before and don't end in time."""
    deadline = time.monotonic() + seconds
    new = [
        thread
        for thread in threading.enumerate()
        if thread not in before and not isinstance(thread, threading._DummyThread)
    ]
    for thread in new:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in new if thread.is_alive()]
