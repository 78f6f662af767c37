"""Paths with wildcards, matched here against the host's listings.

The wildcards are those of `opsrun.remote.files.globbing`, and so is what they match: no name that
begins with a dot unless the pattern's does, and never a ``/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from opsrun.errors import UsageError
from opsrun.remote.files.globbing import ITEM, Match, is_glob
from opsrun.remote.files.words import joined
from opsrun.remote.sftp import operations
from opsrun.remote.sftp.client import SFTP, Operation
from opsrun.remote.sftp.failures import Refused, cannot, shown
from opsrun.remote.sftp.requests import EXPAND_PATH

_PIECE = re.compile(
    rb"\\(?P<escaped>[*?\[\]\\])"
    rb"|(?P<wild>[*?])"
    rb"|\[(?P<not>[!^]?+)(?P<set>(?:\]|%(item)b)(?:%(item)b)*)\]" % {b"item": ITEM},
    re.DOTALL,
)
_CLASSES = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": rb"a-z",
    b"print": rb"\x20-\x7e",
    b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    b"space": rb"\t-\r ",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}
_ITEM = re.compile(rb"\[:(?P<class>[a-z]+):\]|(?P<low>.)(?:-(?P<high>[^\]]))?", re.DOTALL)


def absolute_path(sftp: SFTP, path: bytes) -> bytes:
    """A path as the operator wrote it, from the root: below the login directory, or a home.

    Raises:
        UsageError: it is empty, or holds a NUL.
        TransferFailed: ``~USER``, and the server tells no homes.
    """
    if not path or b"\0" in path:
        raise UsageError("a path on a host can't be empty, or hold a NUL")
    if path.startswith(b"~"):
        head, _, rest = path.partition(b"/")
        return joined(_home(sftp, head), rest.strip(b"/"))
    if path.startswith(b"/"):
        return b"/" + path.strip(b"/")
    return joined(sftp.run(operations.realpath(b".")), path.rstrip(b"/"))


def _home(sftp: SFTP, head: bytes) -> bytes:
    if sftp.has(EXPAND_PATH):
        return sftp.run(operations.expand_path(head))
    if head != b"~":
        raise cannot(f"the SFTP server doesn't tell where {shown(head)} is", sftp.host)
    # The draft has no home, but servers start there.
    return sftp.run(operations.realpath(b"."))


def expand(sftp: SFTP, pattern: bytes) -> Match:
    """What a pattern stands for; what can't be read has nothing in it, as in a shell."""
    if not is_glob(pattern):
        path = _plain(pattern)
        there = sftp.run(operations.found(absolute_path(sftp, path))) is not None
        return Match(pattern, False, (path,) if there else ())
    # What a path begins with stays as it was written.
    start = b"/" if pattern.startswith(b"/") else b""
    paths = [start]
    for part in filter(None, pattern.split(b"/")):
        paths = _step(sftp, paths, part)
    if pattern.endswith(b"/"):
        paths = [each + b"/" for each in paths]
    return Match(pattern, True, tuple(sorted(paths)))


def _step(sftp: SFTP, paths: Sequence[bytes], part: bytes) -> list[bytes]:
    """One part further: those that exist."""
    if not is_glob(part):
        further = [_below(each, _plain(part)) for each in paths]
        if part.startswith(b"~") and paths == [b""]:
            return further
        told = sftp.stream(_there(sftp, each) for each in further)
        return [each for each, there in zip(further, told, strict=True) if there]
    fits = compiled(part)
    return [_below(each, name) for each in paths for name in _names(sftp, each) if fits(name)]


def _below(path: bytes, name: bytes) -> bytes:
    return path + name if path in (b"", b"/") else path + b"/" + name


def _there(sftp: SFTP, path: bytes) -> Operation[bool]:
    try:
        return (yield from operations.found(path)) is not None
    except Refused:
        return False


def _names(sftp: SFTP, directory: bytes) -> list[bytes]:
    path = absolute_path(sftp, directory) if directory[:1] == b"~" else directory or b"."
    try:
        return [each.name for each in sftp.run(operations.listdir(path))]
    except Refused:
        return []


def compiled(part: bytes) -> _Fits:
    """What fits one part of a pattern."""
    return _Fits(re.compile(b"".join(_pieces(part)), re.DOTALL), part.startswith((b".", b"\\.")))


class _Fits:
    """Whether a name does."""

    def __init__(self, regex: re.Pattern[bytes], dots: bool) -> None:
        self._regex = regex
        self._dots = dots

    def __call__(self, name: bytes) -> bool:
        hidden = name.startswith(b".") and not self._dots
        return not hidden and self._regex.fullmatch(name) is not None


def _plain(path: bytes) -> bytes:
    """Without the backslashes that take a wildcard as it is."""
    return _PIECE.sub(lambda found: found["escaped"] or found[0], path)


def _pieces(part: bytes) -> Iterator[bytes]:
    at = 0
    for found in _PIECE.finditer(part):
        yield re.escape(part[at : found.start()])
        if found["escaped"] is not None:
            yield re.escape(found["escaped"])
        elif found["wild"] is not None:
            yield b".*" if found["wild"] == b"*" else b"."
        else:
            yield _set(found["not"], found["set"])
        at = found.end()
    yield re.escape(part[at:])


def _set(negated: bytes, inner: bytes) -> bytes:
    items = []
    for found in _ITEM.finditer(inner):
        if found["class"] is not None:
            items.append(_CLASSES.get(found["class"], b""))
        elif found["high"] is not None:
            low, high = found["low"], found["high"]
            items.append(re.escape(low) + b"-" + re.escape(high) if low <= high else b"")
        else:
            items.append(re.escape(found["low"]))
    text = b"".join(items)
    if not text:
        return b"(?!)" if not negated else b"."
    return b"[" + (b"^" if negated else b"") + text + b"]"
