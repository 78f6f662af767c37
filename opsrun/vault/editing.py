"""Encrypted files, changed in an editor."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, Self

from opsrun.errors import UsageError
from opsrun.spawning import spawn
from opsrun.vault.rewriting import private_folder, read_whole, replace_whole, write_private


def edited(plain: bytes, name: str, environ: Mapping[str, str]) -> bytes:
    """What the operator makes of ``plain`` in an editor.

    It is edited in a file that only the operator can read, which is gone when this returns, raises,
    or is ended by SIGTERM or SIGHUP. Ctrl-C is the editor's.

    Args:
        plain: what to begin with.
        name: of the file, as the editor shows it.
        environ: ``EDITOR``, else ``VISUAL``, is the editor; vi where there is neither.

    Raises:
        UsageError: the editor can't be started, or ends with a failure.
    """
    words = environ.get("EDITOR", "").strip() or environ.get("VISUAL", "").strip() or "vi"
    with _Signals() as signals, private_folder() as folder:
        path = os.path.join(folder, os.path.basename(name) or "vault")
        write_private(path, plain)
        _carried_out(words, path, signals)
        return read_whole(path)


def _carried_out(words: str, path: str, signals: _Signals) -> None:
    try:
        argv = shlex.split(words)
        process = spawn([*argv, path])
    except ValueError as error:
        raise UsageError(f"EDITOR {words!r} can't be read: {error}") from None
    except OSError as error:
        raise UsageError(f"the editor {words!r} can't be started: {error.strerror}") from None
    try:
        with signals.may_end():
            status = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if status:
        raise UsageError(f"the editor {words!r} ended with status {status}; nothing was changed")


class _Signals:
    """While it is open, signals that would end this process at once end it in good order: at once
    where the editor is waited for, else at the end. Ctrl-C does nothing."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, Any] = {}
        self._waits = False
        self._number = 0

    def __enter__(self) -> Self:
        # A child would inherit SIG_IGN; a handler is not handed on.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Refused outside of the main thread, where signals are somebody else's.
            with contextlib.suppress(ValueError):
                self._before[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._end()

    def _arrived(self, number: int, frame: Any) -> None:
        if number != signal.SIGINT:
            self._number = number
            if self._waits:
                self._end()

    def _end(self) -> None:
        if self._number:
            raise SystemExit(128 + self._number)

    @contextlib.contextmanager
    def may_end(self) -> Iterator[None]:
        """What is done within may be ended by `SystemExit`."""
        self._waits = True
        try:
            self._end()
            yield
        finally:
            self._waits = False


def put_back(path: str, found: bytes | None, envelope: str) -> None:
    """Replace an encrypted file with what was made of it in an editor.

    Args:
        path: the file.
        found: its bytes before the editor was started; None where there was none.
        envelope: what was made, encrypted.

    Raises:
        UsageError: it was changed by somebody else meanwhile, or can't be written; what was made is
            kept, encrypted, in a file that the message names.
    """
    made = envelope.encode()
    try:
        if _now(path) != found:
            raise UsageError(f"{path}: somebody else has changed it meanwhile")
        replace_whole(path, made)
    except UsageError as error:
        raise UsageError(f"{error}; what you wrote is kept, encrypted, in {_kept(made)}") from None


def _now(path: str) -> bytes | None:
    return read_whole(path) if os.path.lexists(path) else None


def _kept(made: bytes) -> str:
    descriptor, path = tempfile.mkstemp(prefix="opsrun-vault-", suffix=".yml")
    with os.fdopen(descriptor, "wb") as file:
        file.write(made)
    return path
