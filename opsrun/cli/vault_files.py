"""What `opsrun vault` reads and writes."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping, Sequence

from opsrun.errors import UsageError
from opsrun.vault.envelope import is_sealed
from opsrun.vault.rewriting import read_whole, replace_all, replace_whole

STDIN = "-"


def clear_texts(files: Sequence[str], output: str | None) -> dict[str, bytes]:
    """What is to be encrypted, by path. Raises UsageError for what is encrypted already."""
    found = _texts(files, output)
    for path, data in found.items():
        if is_sealed(data):
            words = "it is encrypted already; `opsrun vault rekey` gives it another secret"
            raise UsageError(f"{_named(path)}: {words}")
    return found


def sealed_texts(files: Sequence[str], output: str | None) -> dict[str, bytes]:
    """What is to be decrypted, by path. Raises UsageError for what isn't encrypted."""
    found = _texts(files, output)
    for path, data in found.items():
        if not is_sealed(data):
            raise UsageError(f"{_named(path)}: it is not encrypted")
    return found


def _texts(files: Sequence[str], output: str | None) -> dict[str, bytes]:
    paths = list(dict.fromkeys(files)) or [STDIN]
    if output is not None and len(paths) > 1:
        raise UsageError(f"--output takes what is made of one file, and there are {len(paths)}")
    return {path: read_stdin() if path == STDIN else read_whole(path) for path in paths}


def _named(path: str) -> str:
    return "standard input" if path == STDIN else path


def read_stdin() -> bytes:
    """All of standard input."""
    if sys.stdin.isatty():
        print("opsrun: reading standard input; Ctrl-D ends it", file=sys.stderr)
    return sys.stdin.buffer.read()


def put_out(made: Mapping[str, bytes], output: str | None, *, clear: bool = False) -> None:
    """Write what was made of files: in their places, or to ``output``.

    Args:
        made: by path; ``-`` came from standard input.
        output: a path, ``-`` for standard output, None for the files' own places.
        clear: it is a secret in clear text.
    """
    aside = {path: data for path, data in made.items() if path == STDIN or output is not None}
    for data in aside.values():
        _aside(output or STDIN, data, clear)
    replace_all({path: data for path, data in made.items() if path not in aside}, clear=clear)


def _aside(output: str, data: bytes, clear: bool) -> None:
    if output == STDIN:
        write_bytes(data)
    elif _is_special(output):
        with open(output, "wb") as file:
            file.write(data)
    else:
        replace_whole(output, data, clear=clear)


def _is_special(path: str) -> bool:
    """A pipe, a terminal: nothing that could be replaced."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def write_bytes(data: bytes) -> None:
    """To standard output, as they are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def writable(path: str) -> None:
    """Refuse beforehand what could not be written in the end. UsageError."""
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise UsageError(f"{path}: there is no directory {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{path}: nothing can be written into {folder}")
