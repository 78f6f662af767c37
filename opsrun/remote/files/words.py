"""Names as words of a shell script, in portions that every system's exec(2) takes."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from opsrun.errors import UsageError

MOST_NAMES = 1_000
MOST_BYTES = 64 * 1024
"""Of the words of one command: POSIX grants 4 KiB, every system of today has 128 KiB."""

FILTERED = 250
"""Names in a portion that the shell itself sieves: what that costs grows with the square."""


def text(name: bytes) -> str:
    """What a script holds for these bytes; a frame turns it into the same bytes again."""
    return name.decode("utf-8", "surrogateescape")


def raw(script: str) -> bytes:
    """The bytes that a host reads for ``script``."""
    return script.encode("utf-8", "surrogateescape")


def word(name: bytes) -> str:
    """One word that a POSIX shell reads as exactly these bytes."""
    return shlex.quote(text(name))


def below(name: bytes) -> str:
    """A name below the working directory, as a word that no program takes for an option."""
    return word(b"./" + name) if name else "."


def checked(names: Iterable[bytes]) -> list[bytes]:
    """The names as they are.

    Raises:
        UsageError: one of them would lead out of the tree, or is not in its one way of writing.
    """
    good = []
    for name in names:
        parts = name.split(b"/")
        if b"\0" in name or b"" in parts or b"." in parts or b".." in parts:
            raise UsageError(f"{text(name)!r} is no name below a directory")
        good.append(name)
    return good


def absolute(path: bytes) -> bytes:
    """The path as it is.

    Raises:
        UsageError: it is relative, or holds a NUL.
    """
    if not path.startswith(b"/") or b"\0" in path:
        raise UsageError(f"{text(path)!r} is no absolute path")
    return path


def split(name: bytes) -> tuple[bytes, bytes]:
    """The directory and the last part; the directory is ``b""`` at the top."""
    directory, _, base = name.rpartition(b"/")
    return directory, base


def joined(directory: bytes, name: bytes) -> bytes:
    """``name`` below ``directory``; an empty name is the directory itself."""
    return directory.rstrip(b"/") + b"/" + name if name else directory


def ancestors(name: bytes) -> Iterator[bytes]:
    """The directories above a name, the topmost first, without the top."""
    at = name.find(b"/")
    while at >= 0:
        yield name[:at]
        at = name.find(b"/", at + 1)


def portions(
    names: Iterable[bytes], most: int = MOST_NAMES, extra: int = 3
) -> Iterator[Sequence[bytes]]:
    """The names in order, in portions for one command each.

    Args:
        names: any; one that is too long by itself is a portion of its own.
        most: names in a portion.
        extra: bytes that each name has more as a word.
    """
    portion: list[bytes] = []
    size = 0
    for name in names:
        cost = len(name) + extra
        if portion and (len(portion) >= most or size + cost > MOST_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(name)
        size += cost
    if portion:
        yield portion


def is_odd(name: bytes) -> bool:
    """Whether the digest tools write this name otherwise than it is."""
    return b"\n" in name or b"\\" in name or b"\r" in name
