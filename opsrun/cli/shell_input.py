"""Where the lines of ``opsrun shell`` come from: a terminal, or a pipe."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from opsrun.cli.main import warn
from opsrun.cli.shell_lines import COMMANDS
from opsrun.folders import state_folder

if TYPE_CHECKING:
    from prompt_toolkit.history import History

_HISTORY = "shell_history"


class Reader(Protocol):
    """Gives lines; a context manager."""

    interactive: bool
    """Somebody types them."""

    def read(self, prompt: str) -> str:
        """The next line, without its end.

        Raises:
            EOFError: there is none.
            KeyboardInterrupt: Ctrl-C.
        """

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


class TerminalReader:
    """A prompt with editing, history and completion of our own commands."""

    interactive = True

    def __init__(self) -> None:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.completion import WordCompleter

        words = WordCompleter([f":{name}" for name in COMMANDS], sentence=True)
        self._session: PromptSession[str] = PromptSession(
            history=make_history(), completer=words, complete_while_typing=False
        )

    def read(self, prompt: str) -> str:
        """See `Reader.read`."""
        return self._session.prompt(prompt)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass


class PlainReader:
    """Lines of standard input, as they come; connections are looked after meanwhile.

    Args:
        engine: of which kind the run is, see `make_engine`.
    """

    interactive = False

    def __init__(self, engine: str) -> None:
        from opsrun.composition.run import make_engine

        self._engine = make_engine(engine)

    def read(self, prompt: str) -> str:
        """See `Reader.read`; there is no prompt."""
        line: bytes = self._engine.offload(sys.stdin.buffer.readline)
        if not line:
            raise EOFError
        return line.decode("utf-8", "surrogateescape").rstrip("\r\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._engine.close(0.0)


def history_path() -> Path:
    """The platform's place for it; on Linux in ``~/.local/state``."""
    return state_folder() / _HISTORY


def make_history() -> History:
    """What was typed before, from a file that is its owner's alone.

    A line that begins with a space is not written down. Where there can be no file there is a
    history of this session, and a warning.
    """
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    class Discreet(FileHistory):
        def store_string(self, string: str) -> None:
            if not string.startswith(" "):
                super().store_string(string)

    path = history_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        warn(f"no history: {path}: {error.strerror}")
        return InMemoryHistory()
    return Discreet(str(path))
