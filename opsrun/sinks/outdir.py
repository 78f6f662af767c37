"""``--outdir DIR``: each host's output, byte for byte, in files of its own.

``DIR/HOST.out`` and ``DIR/HOST.err`` hold what came, as it comes and without a cap; a stream that
stays empty leaves no file. Files of an earlier run are replaced, for the hosts of this run.
``DIR/hosts.tsv`` has a line for each host as it ends: host, outcome, rc, signal, the two files.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path

from opsrun.errors import OpsrunError, UsageError
from opsrun.events import Event, Output, Result, RunStarted, StreamName
from opsrun.sinks.filenames import FileNames

INDEX = "hosts.tsv"
_HEADER = ("host", "outcome", "rc", "signal", "stdout", "stderr")
_OPEN_FILES = 64
"""Files held open at once, however many hosts are under way."""
_ENDINGS: dict[StreamName, str] = {"stdout": ".out", "stderr": ".err"}
_NEW = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_AGAIN = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class OutdirSink:
    """Writes files; see the module.

    Args:
        directory: made with mode 0700 where it is missing; files have mode 0600.

    Raises:
        UsageError: the directory can't be made, or nothing can be written there.

    A write that fails later (disk full, directory gone) raises `OpsrunError`.
    """

    wants_output = True
    reads_results = False

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._path = Path(directory)
        self._names = FileNames()
        self._folder = Folder(_made(self._path), self._path)
        self._written: set[str] = set()
        self._indexed = False

    def handle(self, seq: int, event: Event) -> None:
        """Write what came."""
        if self._folder.closed:
            return
        if isinstance(event, Output):
            self._append(event.host, event.stream, event.data)
        elif isinstance(event, Result):
            self._result(event)
        elif isinstance(event, RunStarted):
            self._begin(event)

    def flush(self) -> None:
        """Nothing waits: what came is in its file."""

    def tick(self, now: float) -> None:
        """Nothing happens while nothing happens."""

    def close(self) -> None:
        """Close what is open; later calls do nothing."""
        self._folder.close()

    def _begin(self, event: RunStarted) -> None:
        for host in event.hosts:
            for ending in _ENDINGS.values():
                self._folder.remove(self._names[host] + ending)
        self._index(_HEADER)

    def _append(self, host: str, stream: StreamName, data: bytes) -> None:
        if not data:
            return
        name = self._names[host] + _ENDINGS[stream]
        self._folder.append(name, data, new=name not in self._written)
        self._written.add(name)

    def _result(self, result: Result) -> None:
        kept: dict[StreamName, bytes] = {"stdout": result.stdout, "stderr": result.stderr}
        files = [self._names[result.host] + ending for ending in _ENDINGS.values()]
        for name, (stream, data) in zip(files, kept.items(), strict=True):
            if name not in self._written:
                self._append(result.host, stream, data)
            self._folder.release(name)
        rc = "" if result.rc is None else str(result.rc)
        present = [name if name in self._written else "" for name in files]
        self._index((result.host, str(result.outcome), rc, result.signal or "", *present))

    def _index(self, fields: tuple[str, ...]) -> None:
        line = "\t".join(map(_escaped, fields)) + "\n"
        self._folder.append(INDEX, line.encode("utf-8", "backslashreplace"), new=not self._indexed)
        self._indexed = True


class Folder:
    """Appends to files of one directory, of which only a few are open at once.

    Everything happens relative to the directory that was opened first, and no symbolic link is
    followed: what stands in a file's place is removed, never written through.
    """

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._path = path
        self._open: OrderedDict[str, int] = OrderedDict()
        self.closed = False

    def append(self, name: str, data: bytes, *, new: bool) -> None:
        """Write all of ``data`` at the file's end; with ``new`` the file is made afresh."""
        try:
            if new:
                self.remove(name)
            fd = self._descriptor(name, _NEW if new else _AGAIN)
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
        except OSError as error:
            raise self._failed(name, error) from error

    def remove(self, name: str) -> None:
        """Remove the file, if there is one."""
        self.release(name)
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._failed(name, error) from error

    def release(self, name: str) -> None:
        """Nothing more is to come for this file."""
        fd = self._open.pop(name, None)
        if fd is None:
            return
        try:
            os.close(fd)
        except OSError as error:
            raise self._failed(name, error) from error

    def close(self) -> None:
        """Close everything; once is enough, more is harmless."""
        if self.closed:
            return
        self.closed = True
        with ExitStack() as stack:
            stack.callback(os.close, self._fd)
            for name in tuple(self._open):
                stack.callback(self.release, name)

    def _descriptor(self, name: str, flags: int) -> int:
        fd = self._open.get(name)
        if fd is None:
            if len(self._open) >= _OPEN_FILES:
                self.release(next(iter(self._open)))
            fd = self._open[name] = os.open(name, flags, 0o600, dir_fd=self._fd)
        self._open.move_to_end(name)
        return fd

    def _failed(self, name: str, error: OSError) -> OpsrunError:
        return OpsrunError(f"can't write {self._path / name}: {error.strerror or error}")


def _made(path: Path) -> int:
    """The directory's descriptor; the directory is made where it is missing."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"--outdir {path}: {error.strerror or error}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        os.close(fd)
        raise UsageError(f"--outdir {path}: no permission to write there")
    return fd


def _escaped(field: str) -> str:
    """As TSV (IANA text/tab-separated-values) needs it: no tab and no newline inside a field."""
    for char, code in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        field = field.replace(char, code)
    return field
