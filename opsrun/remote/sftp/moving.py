"""The last step of a delivery: what is in the stage takes its place, name by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opsrun.errors import HostError, TransferFailed
from opsrun.remote.files.delivery import Backup, Delivery
from opsrun.remote.files.words import joined, split
from opsrun.remote.sftp import operations, requests
from opsrun.remote.sftp.client import SFTP, Operation
from opsrun.remote.sftp.failures import cannot, shown
from opsrun.remote.sftp.wire import Attributes
from opsrun.trees.entry import Kind

_SAID = {
    Kind.DIRECTORY: ("is a directory", ""),
    Kind.OTHER: (
        "is neither a file nor a directory",
        "devices, fifos and sockets are left alone",
    ),
    Kind.LINK: ("is a symbolic link", "with --follow, what it points to is written"),
}


class Mover:
    """Looks at the places, keeps backups, renames.

    Args:
        sftp: the host's server.
        delivery: where things go.
        names: what is moved, each by itself.
        staged: where a name is meanwhile.
    """

    def __init__(
        self,
        sftp: SFTP,
        delivery: Delivery,
        names: Sequence[bytes],
        staged: Callable[[bytes], bytes],
    ) -> None:
        self._sftp = sftp
        self._delivery = delivery
        self._names = names
        self._staged = staged
        self._files = set(delivery.files)
        self._new = {each.name for each in delivery.directories}
        self._there: dict[bytes, Attributes] = {}
        self._moved = 0

    def _final(self, name: bytes) -> bytes:
        return joined(self._delivery.directory, name)

    def check(self) -> None:
        """Whether everything can take its place, as far as a look tells.

        Raises:
            TransferFailed: there is something in the way, or a link leads somewhere else.
        """
        self._check_directories()
        told = self._sftp.stream(operations.found(self._final(name)) for name in self._names)
        self._there = {}
        for name, each in zip(self._names, told, strict=True):
            if each is not None:
                self._check_one(name, each.kind or Kind.OTHER)
                self._there[name] = each
        if self._delivery.backup:
            self._check_backups()

    def _check_directories(self) -> None:
        """They are where they are said to be: over a link, names would go somewhere else."""
        below = sorted({split(name)[0] for name in self._names})
        paths = [self._final(each) if each else self._delivery.directory for each in below]
        for path, real in zip(
            paths, self._sftp.stream(operations.realpath(path) for path in paths), strict=True
        ):
            if real != path:
                words = f"{shown(path)} is no directory that is reached over no link"
                raise TransferFailed(words, host=self._sftp.host, hint="it changed meanwhile")

    def _check_one(self, name: bytes, kind: Kind) -> None:
        words, hint = _SAID.get(kind, ("", ""))
        if name in self._new:
            words, hint = "is there by now", "it was not when the host was looked at"
        elif kind is Kind.LINK and (self._delivery.replace_links or name not in self._files):
            return
        if words:
            message = f"{shown(self._final(name))} {words}"
            raise TransferFailed(message, host=self._sftp.host, hint=hint)

    def _check_backups(self) -> None:
        kept = [self._final(name) + self._delivery.backup for name in self._there]
        told = self._sftp.stream(operations.found(path) for path in kept)
        for name, each in zip(self._there, told, strict=True):
            if each is not None:
                words = f"{shown(self._final(name))} has a backup of that name already"
                raise TransferFailed(words, host=self._sftp.host)

    def keep(self) -> list[Backup]:
        """Give what is replaced another name; both are names of the same file until the move.

        Raises:
            TransferFailed: that can't be; no backup is left.
        """
        if not self._delivery.backup or not self._there:
            return []
        if not self._sftp.has(requests.HARDLINK):
            words = "--backup needs hard links, which this SFTP server doesn't make"
            raise cannot(words, self._sftp.host)
        made: list[Backup] = []
        try:
            for name, told in self._there.items():
                made.append(self._keep_one(name, told))
        except HostError:
            self.forget(made)
            raise
        return made

    def _keep_one(self, name: bytes, told: Attributes) -> Backup:
        kept = name + self._delivery.backup
        if told.kind is Kind.LINK:
            target = self._sftp.run(operations.readlink(self._final(name)))
            self._sftp.run(operations.do(requests.symlink(self._final(kept), target)))
        else:
            linking = requests.hardlink(self._final(name), self._final(kept))
            self._sftp.run(operations.do(linking))
        return Backup(name, kept)

    def forget(self, backups: Sequence[Backup]) -> None:
        """Remove them again: what they are backups of is still in its place."""
        try:
            for each in backups:
                removing = requests.remove(self._final(each.kept))
                self._sftp.run(operations.attempt(removing))
        except HostError:
            pass

    def move(self) -> tuple[bytes, ...]:
        """Rename all of them; those that took something's place.

        Raises:
            TransferFailed: the first one could not be renamed: all is as it was.
            HostError: another one; how many are in their places is said.
        """
        try:
            for _ in self._sftp.stream(self._move_one(name) for name in self._names):
                pass
        except HostError as error:
            if not self._moved:
                raise
            some = f"{self._moved} of {len(self._names)} names are in their places already"
            hint = f"{error.hint}; {some}" if error.hint else some
            # No longer one that promises that all is as it was.
            kind = HostError if isinstance(error, TransferFailed) else type(error)
            raise kind(error.message, host=error.host, phase=error.phase, hint=hint) from error
        return tuple(self._there)

    def _move_one(self, name: bytes) -> Operation[None]:
        old, new = self._staged(name), self._final(name)
        if name not in self._there:
            # Refuses where something has come to be there, which posix-rename would replace.
            yield requests.rename(old, new)
        elif self._sftp.has(requests.POSIX_RENAME):
            yield requests.posix_rename(old, new)
        else:
            yield from _swap(old, new)
        self._moved += 1


def _swap(old: bytes, new: bytes) -> Operation[None]:
    """In three steps, of which the second may fail: then the old one comes back."""
    aside = old + b".old"
    yield requests.rename(new, aside)
    refusal = yield from operations.attempt(requests.rename(old, new))
    if refusal is not None:
        yield requests.rename(aside, new)
        raise refusal
    yield requests.remove(aside)
