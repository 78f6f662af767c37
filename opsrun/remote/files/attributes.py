"""Lines of a script that set owners, modes and times; the functions are `scripts.ATTRIBUTES`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from opsrun.remote.files.delivery import Attributes
from opsrun.remote.files.words import below, portions, word


def calls(function: str, names: Iterable[bytes]) -> Iterator[str]:
    """A function called with all names, in portions."""
    for each in portions(names):
        yield f"{function} {' '.join(map(below, each))}\n"


def ownership(each: Attributes) -> Iterator[str]:
    """chown(1), chgrp(1)."""
    if each.owner is not None:
        group = "" if each.group is None else f":{each.group}"
        yield from calls(f"own {_who(f'{each.owner}{group}')}", each.names)
    elif each.group is not None:
        yield from calls(f"own_group {_who(str(each.group))}", each.names)


def _who(text: str) -> str:
    return word(text.encode("utf-8", "surrogateescape"))


def modes(each: Attributes) -> Iterator[str]:
    """chmod(1)."""
    if each.mode is not None:
        yield from calls(f"mode {each.mode:04o}", each.names)


def times(each: Attributes) -> Iterator[str]:
    """touch(1): GNU's way with nanoseconds, and POSIX's."""
    if each.mtime is None:
        return
    seconds, rest = divmod(each.mtime, 10**9)
    fraction = f".{rest:09d}" if rest else ""
    yield from calls(f"stamp @{seconds}{fraction} {_posix(seconds)}", each.names)


def _posix(seconds: int) -> str:
    """``[CC]YYMMDDhhmm.SS`` in UTC; what it can't say becomes the nearest that it can."""
    within = min(max(seconds, -62_135_596_800), 253_402_300_799)
    at = time.gmtime(within)
    return (
        f"{at.tm_year:04d}{at.tm_mon:02d}{at.tm_mday:02d}"
        f"{at.tm_hour:02d}{at.tm_min:02d}.{at.tm_sec:02d}"
    )
