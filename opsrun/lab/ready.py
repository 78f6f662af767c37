"""Wait until servers answer as SSH servers do: with a line that begins with ``SSH-``.

RFC 4253, section 4.2.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable

from opsrun.lab.layout import LabHost
from opsrun.lab.signals import undisturbed

_AT_ONCE = 64
_PAUSE = 0.02
"""Seconds until servers that were not there yet are asked again."""


class _Probe:
    """One connection on its way to a banner."""

    def __init__(self, host: LabHost) -> None:
        self.host = host
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.received = b""
        self.connecting = True
        code = self.socket.connect_ex((host.address, host.port))
        self.failed = code not in (0, errno.EINPROGRESS)

    def advance(self) -> bool | None:
        """True once the banner is there, False when there will be none, None to wait on."""
        if self.connecting:
            self.connecting = False
            return False if self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) else None
        try:
            data = self.socket.recv(256)
        except OSError:
            return False
        self.received += data
        if not data or not b"SSH-".startswith(self.received[:4]):
            return False
        return True if len(self.received) >= 4 else None


def silent_hosts(
    hosts: Iterable[LabHost],
    seconds: float,
    *,
    patient: bool,
    check: Callable[[], None] = lambda: None,
) -> tuple[LabHost, ...]:
    """Ask all hosts for a banner at once; those that gave none.

    Args:
        hosts: whom to ask.
        seconds: how long at most.
        patient: ask again where nobody listens yet.
        check: called at every turn; raises when there is no use in waiting any longer.
    """
    deadline = time.monotonic() + seconds
    waiting = deque(hosts)
    silent: list[LabHost] = []
    retry = waiting if patient else silent
    with selectors.DefaultSelector() as selector:
        try:
            while (waiting or selector.get_map()) and time.monotonic() < deadline:
                check()
                # A signal may come while we wait, and not while a socket is nobody's yet.
                with undisturbed():
                    _ask(waiting, retry, selector)
                events = selector.select(_PAUSE)
                with undisturbed():
                    for key, _ in events:
                        _advance(key.data, retry, selector)
            silent += [key.data.host for key in selector.get_map().values()]
        finally:
            for key in selector.get_map().values():
                key.data.socket.close()
    return (*silent, *waiting)


def _ask(
    waiting: deque[LabHost],
    retry: deque[LabHost] | list[LabHost],
    selector: selectors.BaseSelector,
) -> None:
    for _ in range(min(len(waiting), _AT_ONCE - len(selector.get_map()))):
        probe = _Probe(waiting.popleft())
        if probe.failed:
            probe.socket.close()
            retry.append(probe.host)
        else:
            selector.register(probe.socket, selectors.EVENT_WRITE, probe)


def _advance(
    probe: _Probe, retry: deque[LabHost] | list[LabHost], selector: selectors.BaseSelector
) -> None:
    answer = probe.advance()
    if answer is None:
        selector.modify(probe.socket, selectors.EVENT_READ, probe)
        return
    selector.unregister(probe.socket)
    probe.socket.close()
    if not answer:
        retry.append(probe.host)
