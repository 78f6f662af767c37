"""Takes a tree to a host, whole or not at all, over SFTP.

Everything comes into a stage, a directory of mode 0700 beside what it is for, under names of our
own; there it gets its modes, is read back and compared. Only then does anything that was there
before change: each name by one rename, which replaces at once where the server can
(posix-rename@openssh.com).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby

from opsrun.errors import HostError, TransferFailed
from opsrun.remote.files.delivery import (
    Delivered,
    Delivery,
    FilePart,
    Segment,
    TarPart,
)
from opsrun.remote.files.words import ancestors, joined
from opsrun.remote.sftp import attributes, operations, requests
from opsrun.remote.sftp.client import SFTP, Operation
from opsrun.remote.sftp.failures import Refused, cannot, shown
from opsrun.remote.sftp.intake import Intake
from opsrun.remote.sftp.moving import Mover
from opsrun.remote.sftp.packets import Code, Open
from opsrun.remote.sftp.reading import close_quietly, pieces
from opsrun.remote.sftp.removing import remove_tree
from opsrun.remote.sftp.wire import Attributes

FAREWELL = 10.0
"""Seconds for removing the stage of a run that was ended."""

_PRIVATE = 0o700


class Delivering:
    """One delivery.

    Args:
        sftp: the host's server.
        delivery: what comes, and where it goes.

    Raises:
        TransferFailed: SFTP has no way for what it asks; nothing was sent.
    """

    def __init__(self, sftp: SFTP, delivery: Delivery) -> None:
        self._sftp = sftp
        self._delivery = delivery
        self._stage = joined(delivery.directory, delivery.stage)
        self._staged: dict[bytes, bytes] = {}
        self._new = {each.name for each in delivery.directories}
        self._refuse()
        names = [*delivery.files, *delivery.all_links, *(e.name for e in delivery.directories)]
        self._moved = [name for name in names if not any(a in self._new for a in ancestors(name))]
        for number, name in enumerate(self._moved):
            self._staged[name] = joined(self._stage, b"%d" % number)

    def _refuse(self) -> None:
        host = self._sftp.host
        if self._delivery.validate:
            raise cannot("--validate runs a command, which SFTP can't", host)
        if any(isinstance(part, TarPart) for part in self._delivery.parts):
            raise cannot("an archive can't be unpacked over SFTP", host)
        attributes.check(self._delivery.attributes, host)

    def place(self, name: bytes) -> bytes:
        """Where a name is as long as it isn't in its place."""
        for above in (name, *ancestors(name)):
            if above in self._staged:
                return self._staged[above] + name[len(above) :]
        return joined(self._delivery.directory, name)

    def run(self, chunks: Iterable[bytes]) -> Delivered:
        """Do all of it; see `opsrun.remote.sftp.files.SFTPFiles.deliver`."""
        mover = Mover(self._sftp, self._delivery, self._moved, self.place)
        mover.check()
        with self._in_stage():
            self._make_directories()
            self._take(Intake(chunks, self._delivery.size))
            self._make_links()
            late = self._set_modes()
            mover.check()
            backups = mover.keep()
            try:
                replaced = mover.move()
            except TransferFailed:
                mover.forget(backups)
                raise
            for name, mode in late:
                path = joined(self._delivery.directory, name)
                self._sftp.run(operations.do(requests.setstat(path, Attributes(mode=mode))))
        return Delivered(replaced, tuple(backups))

    # -- the stage

    @contextmanager
    def _in_stage(self) -> Iterator[None]:
        try:
            self._sftp.run(operations.do(requests.mkdir(self._stage, _PRIVATE)))
        except Refused as error:
            # If there is something of that name, it is not ours to remove.
            raise self._explained(error) from error
        try:
            # Once more: the umask takes some away, a default ACL gives others.
            private = requests.setstat(self._stage, Attributes(mode=_PRIVATE))
            self._sftp.run(operations.do(private))
            yield
        except Refused as error:
            explained = self._explained(error)
            self._clean_up(explained)
            raise explained from error
        except HostError as error:
            self._clean_up(error)
            raise
        except BaseException:
            self._clean_up(None)
            raise
        self._sftp.run(operations.attempt(requests.rmdir(self._stage)))

    def _clean_up(self, error: HostError | None) -> None:
        try:
            with self._sftp.farewell(FAREWELL) as possible:
                if possible:
                    self._open_up()
                    remove_tree(self._sftp, self._stage)
                    return
        except HostError:
            pass
        if error is not None:
            left = f"{shown(self._stage)} may have been left there"
            error.hint = f"{error.hint}; {left}" if error.hint else left

    def _open_up(self) -> None:
        """Directories of the stage may have got modes that let nobody remove what is in them."""
        for name in sorted(self._new, key=lambda name: name.count(b"/")):
            setting = requests.setstat(self.place(name), Attributes(mode=_PRIVATE))
            self._sftp.run(operations.attempt(setting))

    def _make_directories(self) -> None:
        """By level, so that each is made in one that is there."""
        named = sorted(self._new, key=lambda name: (name.count(b"/"), name))
        for _, level in groupby(named, lambda name: name.count(b"/")):
            self._all(requests.mkdir(self.place(name), _PRIVATE) for name in level)

    def _make_links(self) -> None:
        links = self._delivery.links
        self._all(requests.symlink(self.place(each.name), each.target) for each in links)
        told = self._sftp.stream(operations.readlink(self.place(each.name)) for each in links)
        for each, target in zip(links, told, strict=True):
            if target != each.target:
                words = f"the server made a link of {shown(each.name)} that leads elsewhere"
                raise TransferFailed(words, host=self._sftp.host)

    def _set_modes(self) -> list[tuple[bytes, int]]:
        """Modes of directories, innermost first, and all other attributes.

        Gives those that have to wait: a directory without ``w`` can't be moved, nor can anything be
        put into it.
        """
        modes = {each.name: each.mode for each in self._delivery.directories}
        wanted = self._delivery.attributes
        attributes.apply(self._sftp, wanted, self.place, skip=frozenset(modes))
        named = {name: each.mode for each in wanted if each.mode is not None for name in each.names}
        modes |= {name: mode for name, mode in named.items() if name in modes}
        inner = sorted(set(modes) - set(self._staged), key=lambda name: -name.count(b"/"))
        for _, level in groupby(inner, lambda name: name.count(b"/")):
            self._all(
                requests.setstat(self.place(name), Attributes(mode=modes[name])) for name in level
            )
        return [(name, modes[name]) for name in modes if name in self._staged]

    def _all(self, all_requests: Iterable[requests.Request]) -> None:
        for _ in self._sftp.stream(operations.do(each) for each in all_requests):
            pass

    # -- files

    def _take(self, intake: Intake) -> None:
        parts = [part for part in self._delivery.parts if isinstance(part, FilePart)]
        for small, group in groupby(parts, self._is_small):
            if small:
                self._take_small(intake, list(group))
                continue
            for part in group:
                self._take_large(intake, part)
        intake.finish()

    def _is_small(self, part: FilePart) -> bool:
        return part.segments is None and part.size <= self._sftp.piece

    def _take_small(self, intake: Intake, parts: list[FilePart]) -> None:
        def operation(part: FilePart) -> Operation[None]:
            return put(self.place(part.name), part, intake.take(part.size))

        for _ in self._sftp.stream(operation(part) for part in parts):
            pass

    def _take_large(self, intake: Intake, part: FilePart) -> None:
        path = self.place(part.name)
        flags = Open.READ | Open.WRITE | Open.CREATE | Open.EXCLUSIVE
        handle = self._sftp.run(operations.open_file(path, flags, 0o600))
        try:
            digest = self._write(intake, part, handle, path)
            self._settle(part, handle, path)
            if self._read_back(part, handle, path) != digest:
                raise _arrived_changed(part.name)
        except BaseException:
            close_quietly(self._sftp, handle, path)
            raise
        self._sftp.run(operations.do(requests.close(handle, path)))

    def _write(self, intake: Intake, part: FilePart, handle: bytes, path: bytes) -> str:
        hashed = hashlib.sha256()

        def writes() -> Iterator[Operation[None]]:
            for segment in _segments(part):
                at = segment.offset
                for piece in intake.pieces(segment.length, self._sftp.piece):
                    hashed.update(piece)
                    yield operations.write_piece(handle, at, piece, path)
                    at += len(piece)

        for _ in self._sftp.stream(writes()):
            pass
        return hashed.hexdigest()

    def _settle(self, part: FilePart, handle: bytes, path: bytes) -> None:
        final = Attributes(mode=part.mode)
        if part.segments is not None:
            final = replace(final, size=part.size)
        self._sftp.run(operations.do(requests.fsetstat(handle, final, path)))
        if self._sftp.has(requests.FSYNC):
            # What a file system only says once it writes to the disk is to be said before the move.
            self._sftp.run(operations.do(requests.fsync(handle, path)))
        told = self._sftp.run(operations.fstat(handle, path))
        if told.size != part.size:
            raise TransferFailed(
                f"{shown(part.name)} did not arrive whole: {told.size} of {part.size} bytes"
            )

    def _read_back(self, part: FilePart, handle: bytes, path: bytes) -> str:
        hashed = hashlib.sha256()
        for each in _segments(part):
            for data in pieces(self._sftp, handle, path, each.offset + each.length, each.offset):
                hashed.update(data)
        return hashed.hexdigest()

    def _explained(self, error: Refused) -> Refused:
        """The same of the name that is meant, and not of where it is meanwhile; a full disk is but
        a failure to SFTP, where the file system itself says more."""
        stage = re.escape(shown(self._stage))
        message = re.sub(rf"{stage}/(\d+)", self._meant, error.message)
        into = f"write into {shown(self._delivery.directory)}"
        message = message.replace(f"make directory {shown(self._stage)}:", f"{into}:")
        hint = error.hint
        if error.code == Code.FAILURE and self._sftp.has(requests.STATVFS):
            more = self._of_file_system()
            message, hint = (f"{message}: {more}", "") if more else (message, hint)
        return Refused.of(message, error.code, error.host, hint)

    def _meant(self, found: re.Match[str]) -> str:
        return shown(joined(self._delivery.directory, self._moved[int(found[1])]))

    def _of_file_system(self) -> str:
        try:
            free, read_only = self._sftp.run(operations.space(self._delivery.directory))
        except TransferFailed:
            return ""
        if read_only:
            return "the file system is read-only"
        if free < self._delivery.size:
            return f"the file system is full ({free:,} bytes are free)"
        return ""


def put(path: bytes, part: FilePart, data: bytes) -> Operation[None]:
    """A small file: written, read back and compared over one handle."""
    flags = Open.READ | Open.WRITE | Open.CREATE | Open.EXCLUSIVE
    handle = yield from operations.open_file(path, flags, 0o600)
    yield from operations.with_handle(path, handle, _put(handle, path, part, data))


def _put(handle: bytes, path: bytes, part: FilePart, data: bytes) -> Operation[None]:
    if data:
        yield requests.write(handle, 0, data, path)
    yield requests.fsetstat(handle, Attributes(mode=part.mode), path)
    back = yield from operations.read_piece(handle, 0, len(data) + 1, path)
    if back != data:
        raise _arrived_changed(part.name)


def _arrived_changed(name: bytes) -> TransferFailed:
    return TransferFailed(f"{shown(name)} arrived changed: what is read back is something else")


def _segments(part: FilePart) -> tuple[Segment, ...]:
    return (Segment(0, part.size),) if part.segments is None else part.segments
