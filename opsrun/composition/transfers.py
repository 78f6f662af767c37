"""put, get and sync as actions: what is wrong with them is found before the first connection."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from opsrun.adhoc.base import Setting, Worker
from opsrun.adhoc.get import Get, GetOptions
from opsrun.adhoc.layout import check_destination
from opsrun.adhoc.put import Load, Put, PutOptions
from opsrun.adhoc.sync import Sync, SyncOptions
from opsrun.composition.actions import Means
from opsrun.errors import UsageError
from opsrun.trees.entry import Kind
from opsrun.trees.exclude import NOTHING, Excludes
from opsrun.trees.failures import shown
from opsrun.trees.sources import STANDARD_INPUT, Found, Source, find_sources, gather
from opsrun.trees.stdin import Held

PathLike = str | os.PathLike[str]
NEW_FILE = 0o666
"""Permissions of what came from standard input, before the umask."""


@dataclass(frozen=True, slots=True)
class PutAction:
    """Copy files to hosts."""

    load: Load
    dest: bytes
    options: PutOptions
    name: str = "put"
    becomes: bool = True

    @property
    def harmless(self) -> bool:
        """See `Action.harmless`."""
        return self.options.dry_run

    @classmethod
    def prepare(
        cls,
        sources: Sequence[PathLike],
        dest: PathLike,
        options: PutOptions | None = None,
        *,
        exclude: Excludes = NOTHING,
        dereference: bool = False,
        stdin: Callable[[], Held] | None = None,
    ) -> PutAction:
        """Look at the sources.

        Args:
            sources: see `find_sources`.
            dest: path on the hosts.
            options: see `PutOptions`.
            exclude: what is left out of directories.
            dereference: links are what they lead to.
            stdin: gives the bytes that ``-`` stands for.

        Raises:
            UsageError: a source isn't there or can't be read, or the destination can't be one.
        """
        found_sources = find_sources(sources)
        place = os.fsencode(dest)
        check_destination(place, found_sources)
        options = options or PutOptions()
        if found_sources[0].path == STANDARD_INPUT:
            assert stdin is not None
            load = _from_stdin(found_sources, stdin())
            # It has no permissions and no time: those of a new file, kept, were for all to write.
            options = replace(options, finish=replace(options.finish, preserve=False))
        else:
            load = Load(found_sources, gather(found_sources, exclude, follow=dereference))
        return cls(load, place, options)

    @property
    def words(self) -> str:
        """Sources and destination."""
        names = [shown(source.path) for source in self.load.sources]
        return f"{' '.join(names)} {shown(self.dest)}"

    def worker(self, setting: Setting, means: Means) -> Worker:
        """See `Action.worker`."""
        return Put(setting, self.load, self.dest, self.options)


def _from_stdin(sources: tuple[Source, ...], held: Held) -> Load:
    return Load(sources, (Found(replace(held.entry, mode=NEW_FILE), STANDARD_INPUT),), held)


@dataclass(frozen=True, slots=True)
class GetAction:
    """Copy files from hosts."""

    sources: tuple[bytes, ...]
    dest: bytes
    options: GetOptions
    name: str = "get"
    becomes: bool = True
    harmless: bool = False

    @classmethod
    def prepare(
        cls,
        sources: Sequence[PathLike],
        dest: PathLike,
        options: GetOptions | None = None,
    ) -> GetAction:
        """Look at the destination.

        Args:
            sources: paths on the hosts, with their wildcards.
            dest: path here; ``{host}`` in it becomes the host's name.
            options: see `GetOptions`.

        Raises:
            UsageError: nothing is named, a name is empty, or the destination can't be one.
        """
        named = tuple(os.fsencode(source) for source in sources)
        if not named:
            raise UsageError("nothing to get: name a file or a directory of the hosts")
        for path in (*named, os.fsencode(dest)):
            if not path or b"\0" in path:
                raise UsageError(f"no file can be called {shown(path)!r}")
        options = options or GetOptions()
        place = os.fsencode(dest)
        if not options.flat and os.path.lexists(place) and not os.path.isdir(place):
            raise UsageError(f"{shown(place)} is no directory, and each host gets a folder in it")
        return cls(named, place, options)

    @property
    def words(self) -> str:
        """Sources and destination."""
        return " ".join(shown(path) for path in (*self.sources, self.dest))

    def worker(self, setting: Setting, means: Means) -> Worker:
        """See `Action.worker`."""
        return Get(setting, self.sources, self.dest, self.options)


@dataclass(frozen=True, slots=True)
class SyncAction:
    """Mirror a directory on hosts."""

    source: bytes
    found: tuple[Found, ...]
    dest: bytes
    options: SyncOptions
    name: str = "sync"
    becomes: bool = True

    @property
    def harmless(self) -> bool:
        """See `Action.harmless`."""
        return self.options.dry_run

    @classmethod
    def prepare(
        cls, source: PathLike, dest: PathLike, options: SyncOptions | None = None
    ) -> SyncAction:
        """Look at the directory.

        Args:
            source: a directory.
            dest: path of its mirror on the hosts.
            options: see `SyncOptions`.

        Raises:
            UsageError: it is none, something in it can't be read, or the destination can't be one.
        """
        options = options or SyncOptions()
        path, place = os.fsencode(source), os.fsencode(dest)
        if path == STANDARD_INPUT:
            raise UsageError("sync takes a directory; `opsrun put -` sends standard input")
        check_destination(place, ())
        sources = find_sources([os.fsdecode(path.rstrip(b"/") or b"/")])
        if len(sources) != 1 or sources[0].kind is not Kind.DIRECTORY:
            raise UsageError(f"{shown(path)} is no directory; `opsrun put` sends files")
        contents = Source(sources[0].path, b"", Kind.DIRECTORY)
        return cls(path, gather([contents], options.exclude), place, options)

    @property
    def words(self) -> str:
        """Source and destination."""
        return f"{shown(self.source)} {shown(self.dest)}"

    def worker(self, setting: Setting, means: Means) -> Worker:
        """See `Action.worker`."""
        return Sync(setting, self.found, self.dest, self.options)
