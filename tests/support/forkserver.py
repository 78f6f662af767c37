"""``opsrun`` without the start of an interpreter: forked from a process that has imported it.

Most of what a short command costs is Python reading opsrun's modules. What is forked is otherwise
a program of its own: arguments, directory, environment, standard descriptors, exit status, and an
interpreter that ends as any other. The server is started with the first command, and ends with us.

Commands that talk to hosts want a process that gevent patched before anything else was imported,
and the others one that it did not: there is a server for each.
"""

from __future__ import annotations

import array
import atexit
import gc
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from importlib import import_module
from pathlib import Path

import opsrun

PATCHED = frozenset({"exec", "get", "ping", "playbook", "put", "sync", "wait"})
PLAIN = frozenset({"doc", "graph", "inventory", "lint", "schema", "vault"})

_NOT_IMPORTED = ("opsrun.__main__", "opsrun.lab", "opsrun.testing")
_LATE = ("ctypes", "jinja2.ext", "platformdirs", "ssl", "urllib.request")
"""What commands import of others while they run, not at the top of a file."""

_ENOUGH = 1 << 20
"""Bytes of a request: words and an environment."""


def can_run(words: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether a forked process would not differ from one that was started.

    Args:
        words: of the command line.
        environ: of the program; what Python reads when it starts must be as it is for us.
    """
    if not words or words[0] not in PATCHED | PLAIN or any("threads" in word for word in words):
        return False
    names = {name for name in (*environ, *os.environ) if name.startswith(("PYTHON", "LC_", "LANG"))}
    return all(environ.get(name) == os.environ.get(name) for name in names)


def run(
    words: Sequence[str], stdin: bytes, cwd: Path, environ: Mapping[str, str], limit: float
) -> tuple[int, bytes, bytes] | None:
    """Exit status (negative for a signal), output and errors; None if the server is in use.

    Raises:
        subprocess.TimeoutExpired: it ran for longer than ``limit`` seconds; it was killed.
    """
    server = _server(words[0] in PATCHED)
    if not server.free.acquire(blocking=False):
        return None
    try:
        return server.run(words, stdin, cwd, environ, limit)
    finally:
        server.free.release()


@cache
def _server(patched: bool) -> _Server:
    server = _Server(patched)
    atexit.register(server.close)
    return server


class _Server:
    def __init__(self, patched: bool) -> None:
        self.free = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = [sys.executable, "-W", "error", "-P", __file__, str(theirs.fileno())]
        self._process = subprocess.Popen(
            [*words, "patched" if patched else "plain"],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def close(self) -> None:
        """End it, and wait for that."""
        self._socket.close()
        self._process.wait()

    def run(
        self,
        words: Sequence[str],
        stdin: bytes,
        cwd: Path,
        environ: Mapping[str, str],
        limit: float,
    ) -> tuple[int, bytes, bytes]:
        request = json.dumps([list(words), str(cwd), dict(environ)]).encode()
        with ExitStack() as ours, ExitStack() as theirs:
            pipes = [_pipe(ours, theirs, writing=name == "stdin") for name in ("stdin", "", "")]
            socket.send_fds(self._socket, [request], [there for _, there in pipes])
            theirs.close()
            pid = int(self._answer())
            here = [each for each, _ in pipes]
            try:
                out, err = _talk(here[0], here[1:], stdin, limit)
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(words), limit) from None
            finally:
                status = int(self._answer())
        return os.waitstatus_to_exitcode(status), out, err

    def _answer(self) -> bytes:
        answer = self._socket.recv(100)
        assert answer, f"the server ended: {self._process.wait()}"
        return answer


def _pipe(ours: ExitStack, theirs: ExitStack, *, writing: bool) -> tuple[int, int]:
    """Our end and theirs, closed with their stacks."""
    read, write = os.pipe()
    here, there = (write, read) if writing else (read, write)
    ours.callback(_close, here)
    theirs.callback(os.close, there)
    return here, there


def _close(descriptor: int) -> None:
    with suppress(OSError):
        os.close(descriptor)


def _talk(to: int, outputs: Sequence[int], text: bytes, limit: float) -> list[bytes]:
    """Write all of ``text``, or as much as is read, and read to the end."""
    end = time.monotonic() + limit
    got = {each: bytearray() for each in outputs}
    with selectors.DefaultSelector() as ready:
        for each in outputs:
            ready.register(each, selectors.EVENT_READ)
        os.set_blocking(to, False)
        ready.register(to, selectors.EVENT_WRITE)
        while ready.get_map():
            events = ready.select(end - time.monotonic())
            if not events:
                raise TimeoutError
            for key, _ in events:
                if key.fd == to:
                    text = _some(to, text)
                    over = not text
                else:
                    data = os.read(key.fd, 65_536)
                    got[key.fd] += data
                    over = not data
                if over:
                    ready.unregister(key.fd)
                    if key.fd == to:
                        os.close(to)
    return [bytes(each) for each in got.values()]


def _some(to: int, text: bytes) -> bytes:
    """What is left after a write; nothing where nobody reads any more."""
    try:
        return text[os.write(to, text) :] if text else b""
    except BrokenPipeError:
        return b""


def _preload(patched: bool) -> None:
    """Import all that a command may: opsrun, but for its servers, and what it imports late."""
    if patched:
        from opsrun.engine import greenlets

        greenlets.patch()
        # Done once for all, and refused once paramiko is there.
        greenlets.patch = lambda: None
    # As a command does, which has no use for it.
    sys.modules["invoke"] = None  # type: ignore[assignment]
    for each in pkgutil.walk_packages(opsrun.__path__, "opsrun."):
        if not each.name.startswith(_NOT_IMPORTED):
            import_module(each.name)
    del sys.modules["invoke"]
    for name in _LATE:
        import_module(name)


def _serve(descriptor: int) -> list[str]:
    """Fork for each request until there are no more; returns in what was forked."""
    # Not socket's class: gevent may have put its own in its place.
    from _socket import socket as native  # type: ignore[import-not-found, unused-ignore]

    requests = native(fileno=descriptor)
    room = socket.CMSG_SPACE(3 * array.array("i").itemsize)
    while True:
        data, ancillary, *_ = requests.recvmsg(_ENOUGH, room)
        if not data:
            os._exit(0)
        descriptors = array.array("i")
        for _, _, received in ancillary:
            descriptors.frombytes(received)
        pid = os.fork()
        if pid == 0:
            requests.close()
            return _become(data, descriptors)
        for each in descriptors:
            os.close(each)
        requests.send(b"%d" % pid)
        requests.send(b"%d" % os.waitpid(pid, 0)[1])


def _become(data: bytes, descriptors: Sequence[int]) -> list[str]:
    """Be the program that was asked for; its words."""
    for number, each in enumerate(descriptors):
        os.dup2(each, number)
        os.close(each)
    words, directory, environ = json.loads(data)
    os.chdir(directory)
    for name in set(os.environ) - set(environ):
        del os.environ[name]
    os.environ.update(environ)
    assert isinstance(words, list)
    return words


def _main() -> None:
    _preload(sys.argv[2] == "patched")
    # What is there for good need not be looked through, nor copied, by those that are forked.
    gc.freeze()
    words = _serve(int(sys.argv[1]))
    sys.argv = [str(Path(opsrun.__file__).with_name("__main__.py")), *words]
    import_module("opsrun.cli.main").entry_point()


if __name__ == "__main__":
    _main()
