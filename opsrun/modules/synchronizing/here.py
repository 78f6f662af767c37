"""The controller as an end: its files, through the system's own calls."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from opsrun.errors import HostError, UsageError
from opsrun.modules.base import Context, ModuleError
from opsrun.modules.local import found_file
from opsrun.modules.synchronizing.ends import Asking, End, Reading, Spot
from opsrun.modules.synchronizing.filters import MERGED, Filters, Rule, parse_file
from opsrun.modules.wording import path_bytes, path_of
from opsrun.remote.files.delivery import Attributes
from opsrun.trees.below import directory_below, split
from opsrun.trees.entry import Entry, Kind
from opsrun.trees.place import current_umask
from opsrun.trees.present import digests_below, present
from opsrun.trees.walk import entry_of, join, kind_of, walk

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Here(End):
    """See `End`.

    Args:
        context: where relative names are looked for.
    """

    def __init__(self, context: Context) -> None:
        self._context = context

    def source(self, path: str) -> str:
        """A source as a task names it: searched for as files of a role are."""
        return found_file(path, "files", self._context, directory=True)

    def dest(self, path: str) -> str:
        """A destination: beside the playbook, where it is relative."""
        path = os.path.expanduser(path)
        if os.path.isabs(path):
            return path
        places = self._context.controller.searched(path, "")
        return places[-1] if places else os.path.abspath(path)

    def look(self, path: str, *, contents: bool) -> Asking[Spot]:
        """See `End.look`."""
        yield from ()
        name = path_bytes(path).rstrip(b"/") or b"/"
        with told(name):
            kind, real = _kind(name, os.lstat), _kind(name, os.stat)
            above = os.path.dirname(name) or b"."
            parent = os.path.isdir(above)
            if real is Kind.DIRECTORY and (contents or kind is Kind.DIRECTORY):
                place = os.path.realpath(name)
            else:
                place = os.path.join(os.path.realpath(above), os.path.basename(name))
        gids = frozenset({os.getegid(), *os.getgroups()})
        me = os.geteuid(), os.getegid()
        return Spot(place, kind, real, parent, current_umask(), *me, gids, _ruled(place))

    def listing(self, reading: Reading) -> Asking[list[Entry]]:
        """See `End.listing`."""
        yield from ()
        top, start = reading.top, reading.start
        filters = reading.filters
        if filters is not None:
            filters = filters.reading(lambda directory: _rules(top, directory))
        leaving = _Below(start, filters or Filters(), reading.depth)
        if filters is not None and start:
            # What is beside it is none of its business.
            filters = filters.reading(lambda directory: _rules(top, directory) if directory else ())
            leaving = _Below(start, filters, reading.depth)
        if start and leaving.matches(b"", directory=_is_directory(join(top, start))):
            return []
        try:
            found = walk(
                join(top, start), leaving, follow=reading.follow, contents=filters is not None
            )
            return [replace(each, path=leaving.whole(each.path)) for each in found]
        except UsageError as error:
            raise ModuleError(f"{error} (on the controller)") from error

    def named(self, top: bytes, names: Iterable[bytes]) -> Asking[list[Entry]]:
        """See `End.named`."""
        yield from ()
        wanted = list(names)
        found = present(top, (_only(name) for name in wanted if name))
        if b"" in wanted:
            with told(top):
                found.append(entry_of(b"", os.stat(top)))
        return found

    def content(self, path: bytes) -> Asking[bytes]:
        """See `End.content`."""
        yield from ()
        with told(path), open(path, "rb") as file:
            return file.read()

    def digests(self, top: bytes, entries: Sequence[Entry]) -> Asking[dict[bytes, str]]:
        """See `End.digests`."""
        yield from ()
        return digests_below(top, [each.path for each in entries])

    def names(
        self, users: Iterable[int], groups: Iterable[int]
    ) -> Asking[tuple[dict[int, str], dict[int, str]]]:
        """See `End.names`."""
        yield from ()
        known: tuple[dict[int, str], dict[int, str]] = ({}, {})
        for uid in users:
            with suppress(KeyError, OverflowError):
                known[0][uid] = pwd.getpwuid(uid).pw_name
        for gid in groups:
            with suppress(KeyError, OverflowError):
                known[1][gid] = grp.getgrgid(gid).gr_name
        return known

    def numbers(
        self, users: Iterable[str], groups: Iterable[str]
    ) -> Asking[tuple[Mapping[str, int], Mapping[str, int]]]:
        """See `End.numbers`."""
        yield from ()
        known: tuple[dict[str, int], dict[str, int]] = ({}, {})
        for user in users:
            with suppress(KeyError):
                known[0][user] = pwd.getpwnam(user).pw_uid
        for group in groups:
            with suppress(KeyError):
                known[1][group] = grp.getgrnam(group).gr_gid
        return known

    def make(self, path: bytes, mode: int, *, parents: bool) -> Asking[None]:
        """See `End.make`."""
        yield from ()
        with told(path):
            if parents:
                os.makedirs(os.path.dirname(path), exist_ok=True)
            os.mkdir(path, mode)

    def remove(self, top: bytes, names: Sequence[bytes]) -> Asking[None]:
        """See `End.remove`."""
        yield from ()
        with _opened(top) as descriptor:
            for path in names:
                above, name = split(path)
                with (
                    told(join(top, path)),
                    suppress(FileNotFoundError),
                    directory_below(descriptor, above) as directory,
                ):
                    _removed(directory, name)

    def settle(self, top: bytes, changes: Sequence[Attributes]) -> Asking[None]:
        """See `End.settle`."""
        yield from ()
        with _opened(top) as descriptor:
            for each in changes:
                for path in each.names:
                    with told(join(top, path)):
                        _settled(descriptor, path, each)


class _Below:
    """Filters for a walk that begins below the top."""

    def __init__(self, start: bytes, filters: Filters, depth: int | None) -> None:
        self._start = start
        self._filters = filters
        self._depth = depth

    def whole(self, path: bytes) -> bytes:
        """The path from the top."""
        return b"/".join(part for part in (self._start, path) if part)

    def matches(self, path: bytes, *, directory: bool) -> bool:
        """See `opsrun.trees.walk.Leaving`."""
        if self._depth is not None and path and path.count(b"/") >= self._depth:
            return True
        return self._filters.hides(self.whole(path), directory=directory)


def _ruled(place: bytes) -> tuple[bytes, ...]:
    found = []
    while place != (above := os.path.dirname(place)):
        place = above
        if os.path.exists(join(place, MERGED)):
            found.append(place)
    return tuple(found)


def _rules(top: bytes, directory: bytes) -> tuple[Rule, ...]:
    """Of a directory's own file."""
    path = join(join(top, directory), MERGED)
    if not os.path.isfile(path):
        return ()
    with told(path), open(path, "rb") as file:
        return parse_file(file.read(), directory)


def _removed(directory: int, name: bytes) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
        # Never over a link, whoever puts one there meanwhile.
        shutil.rmtree(name, dir_fd=directory)
    else:
        os.unlink(name, dir_fd=directory)


def _settled(top: int, path: bytes, wanted: Attributes) -> None:
    if not path:
        settled_at(top, b".", wanted)
        return
    above, name = split(path)
    with directory_below(top, above) as directory:
        settled_at(directory, name, wanted)


def settled_at(directory: int, name: bytes, wanted: Attributes) -> None:
    """Set owner, mode and time of an entry of an open directory. OSError."""
    now = os.stat(name, dir_fd=directory, follow_symlinks=False)
    uid = wanted.owner if isinstance(wanted.owner, int) else -1
    gid = wanted.group if isinstance(wanted.group, int) else -1
    if uid not in (-1, now.st_uid) or gid not in (-1, now.st_gid):
        os.chown(name, uid, gid, dir_fd=directory, follow_symlinks=False)
    if wanted.mode is not None and not stat.S_ISLNK(now.st_mode):
        os.chmod(name, wanted.mode, dir_fd=directory)
    if wanted.mtime is not None:
        times = (now.st_atime_ns, wanted.mtime)
        os.utime(name, ns=times, dir_fd=directory, follow_symlinks=False)


def _kind(path: bytes, look: object) -> Kind | None:
    try:
        status = os.lstat(path) if look is os.lstat else os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return kind_of(status.st_mode)


def _is_directory(path: bytes) -> bool:
    return _kind(path, os.lstat) is Kind.DIRECTORY


def _only(name: bytes) -> Entry:
    return Entry(name, Kind.FILE, 0, 0, 0, 0, 0)


@contextmanager
def _opened(top: bytes) -> Iterator[int]:
    with told(top):
        descriptor = os.open(top, _DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def told(path: bytes) -> Iterator[None]:
    """The system's words become a task's failure: ModuleError."""
    try:
        yield
    except OSError as error:
        words = f"{path_of(path)} on the controller: {error.strerror or error}"
        raise ModuleError(words) from error
    except HostError as error:
        raise ModuleError(error.message) from error
