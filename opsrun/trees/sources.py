"""What the operator named to be copied, and everything that is in it."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from opsrun.errors import UsageError, did_you_mean
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.exclude import NOTHING, Excludes
from opsrun.trees.failures import shown
from opsrun.trees.walk import join, kind_of, walk

STANDARD_INPUT = b"-"
"""The path of standard input. A file of that name is ``./-``."""

_MAGIC = re.compile(rb"[*?[]")


@dataclass(frozen=True, slots=True)
class Source:
    """One file, directory or standard input that was named."""

    path: bytes
    """As it was named, without ``/`` at its end."""
    name: bytes
    """What it is called where it goes; ``b""`` for the contents of a directory, and for standard
    input, which has no name."""
    kind: Kind
    """Of what the path leads to: what is named may be a link, and isn't copied as one."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry to be copied."""

    entry: Entry
    """Its path is where it goes, below the destination."""
    local: bytes
    """Where it is read; relative paths are those of the working directory."""


def find_sources(words: Sequence[str | os.PathLike[str]]) -> tuple[Source, ...]:
    """What the words of a command line mean.

    ``-`` is standard input, a directory with ``/`` behind it (or ``.``) stands for what is in it,
    and patterns that no shell has expanded are expanded: ``*``, ``?`` and ``[...]``, of names that
    don't begin with a dot. A name that is there is never a pattern.

    Raises:
        UsageError: nothing is named, something isn't there, can't be read, is no file and no
            directory, or no name fits a pattern; two of the same name.
    """
    if not words:
        raise UsageError("nothing to copy: name a file, a directory, or - for standard input")
    sources = [source for word in words for source in _named(os.fsencode(word))]
    if len(sources) > 1 and any(source.path == STANDARD_INPUT for source in sources):
        raise UsageError("standard input (-) can only be copied alone: it has no name of its own")
    _check_names(sources)
    return tuple(sources)


def gather(
    sources: Iterable[Source], exclude: Excludes = NOTHING, *, follow: bool = False
) -> tuple[Found, ...]:
    """Everything that is in the sources, as one tree, directories before what is in them.

    Args:
        sources: of `find_sources`, without standard input.
        exclude: what is left out; its ``/`` is the top of each source.
        follow: links are what they lead to.

    Raises:
        UsageError: something can't be read, or two sources have an entry of the same path, other
            than directories.
    """
    found: dict[bytes, Found] = {}
    for source in sources:
        for entry in walk(source.path, exclude, follow=follow, follow_top=True):
            path = b"/".join(part for part in (source.name, entry.path) if part)
            _add(found, Found(replace(entry, path=path), join(source.path, entry.path)))
    return tuple(found.values())


def _add(found: dict[bytes, Found], new: Found) -> None:
    old = found.setdefault(new.entry.path, new)
    if old is new or old.entry.kind is new.entry.kind is Kind.DIRECTORY:
        return
    raise UsageError(
        f"{shown(old.local)} and {shown(new.local)} would both become {shown(new.entry.path)}"
    )


def _named(word: bytes) -> list[Source]:
    if word == STANDARD_INPUT:
        return [Source(word, b"", Kind.FILE)]
    if not word:
        raise UsageError("nothing to copy: a name is empty")
    if b"\0" in word:
        raise UsageError(f"no file can be called {shown(word)!r}")
    if os.path.lexists(word) or not _MAGIC.search(word):
        return [_source(word)]
    fitting = sorted(glob.glob(word))
    if not fitting:
        raise UsageError(f"no file here fits {shown(word)}")
    return [_source(path) for path in fitting]


def _source(word: bytes) -> Source:
    try:
        status = os.stat(word)
    except OSError as error:
        raise UsageError(_absent(word, error)) from error
    kind = kind_of(status.st_mode)
    if kind is Kind.OTHER:
        hint = "; for what a program prints, use - and a pipe"
        raise UsageError(f"{shown(word)} is no file and no directory{hint}")
    needed = os.R_OK | os.X_OK if kind is Kind.DIRECTORY else os.R_OK
    if not os.access(word, needed):
        raise UsageError(f"can't read {shown(word)}: Permission denied")
    path = word.rstrip(b"/") or b"/"
    name = os.path.basename(path)
    contents = kind is Kind.DIRECTORY and (word.endswith(b"/") or name in (b".", b"..", b""))
    return Source(path, b"" if contents else name, kind)


def _absent(word: bytes, error: OSError) -> str:
    """Why a name leads nowhere, and what was probably meant."""
    text = f"can't read {shown(word)}: {error.strerror or error}"
    if os.path.islink(word):
        return f"{text}: it is a link to {shown(os.readlink(word))}"
    above, name = os.path.split(word.rstrip(b"/"))
    try:
        names = os.listdir(above or b".")
    except OSError:
        return text
    return text + did_you_mean(shown(name), sorted(map(shown, names)))


def _check_names(sources: Sequence[Source]) -> None:
    named: dict[bytes, Source] = {}
    for source in sources:
        other = named.setdefault(source.name, source) if source.name else source
        if other is not source:
            raise UsageError(
                f"{shown(other.path)} and {shown(source.path)} would both become"
                f" {shown(source.name)}; copy them one after the other, or rename one"
            )
