"""The files of a host that has no shell to use: the jobs of `RemoteFiles`, over SFTP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opsrun.errors import TransferFailed
from opsrun.remote.files.delivery import Attributes, Delivered, Delivery
from opsrun.remote.files.globbing import Match
from opsrun.remote.files.host_files import Digests, OnData
from opsrun.remote.files.listing import asked, inside
from opsrun.remote.files.looking import Look
from opsrun.remote.files.tools import Check
from opsrun.remote.files.words import absolute, ancestors, checked, joined
from opsrun.remote.sftp import attributes, globbing, listing, looking, operations, reading, requests
from opsrun.remote.sftp.client import SFTP
from opsrun.remote.sftp.delivering import Delivering
from opsrun.remote.sftp.failures import cannot, shown
from opsrun.remote.sftp.removing import remove
from opsrun.remote.sftp.wire import Attributes as Setting
from opsrun.trees.entry import Entry, Kind


class SFTPFiles:
    """Files of one host. Names are bytes, as they are on the host.

    Any of its methods raises `TransferFailed` with the path and the server's words for what the
    host refused, `ConnectionLost` where it breaks, falls silent or makes no sense, and `Cancelled`.
    Used by one task at a time.

    Args:
        sftp: the host's server; closed by whoever made it.
        probe: whether `look` may make a directory, and remove it again.
    """

    def __init__(self, sftp: SFTP, *, probe: bool = False) -> None:
        self._sftp = sftp
        self._probe = probe

    @property
    def replaces_at_once(self) -> bool:
        """Whether a file gives way to its successor without a moment in which there is neither.

        Where not, the old one is moved aside first, and back if the new one can't take its place.
        """
        return self._sftp.has(requests.POSIX_RENAME)

    # -- looking

    def look(self, dest: bytes, names: Sequence[bytes] = ()) -> Look:
        """What is under ``dest``; as from a host without tar(1).

        SFTP tells neither umask nor user, nor what may be written. A probe tells; without one they
        are 022, -1, and what the file system says.

        Args:
            dest: absolute, below the login directory, or below a home (``~/``, ``~user/``).
            names: expected ones, of which the look holds those that exist below ``dest``.

        Raises:
            UsageError: ``dest`` is empty, or a name leads out of it.
        """
        checked(names)
        return looking.look(self._sftp, dest, names, probe=self._probe)

    def entries(self, top: bytes, names: Sequence[bytes] | None = None) -> list[Entry]:
        """All that is below a directory, or those of ``names`` that exist.

        Links are told of, never followed. What vanishes meanwhile is left out; a directory that
        can't be read is an error, and so is a name that can't be one.

        Args:
            top: absolute.
            names: None for all, ``top`` itself with them.

        Raises:
            UsageError: ``top`` is relative, or a name leads out of it.
        """
        absolute(top)
        if names is None:
            return listing.tree(self._sftp, top)
        found = listing.names_below(self._sftp, top, asked(checked(names)))
        return inside(found, names)

    def digests(
        self, top: bytes, files: Sequence[Entry], check: Check = Check.SHA256
    ) -> dict[bytes, str]:
        """SHA-256 of files, of what is read back unless the host makes it itself.

        Those that vanished or can't be read have none.
        """
        self._only_sha256(check)
        checked(each.path for each in files)
        return reading.digests(self._sftp, absolute(top), files)

    def expand(self, patterns: Sequence[bytes]) -> list[Match]:
        """What paths with wildcards stand for on this host.

        Raises:
            UsageError: one of them is empty.
        """
        return [globbing.expand(self._sftp, each) for each in patterns]

    def owners(self, user: str, group: str) -> tuple[int | None, int | None]:
        """The numbers of a user and a group, which is what they have to be.

        Args:
            user, group: numbers; empty for none.

        Raises:
            TransferFailed: a name: nobody looks it up over SFTP.
        """
        attributes.check(
            (Attributes((), owner=user or None, group=group or None),), self._sftp.host
        )
        return (int(user) if user else None, int(group) if group else None)

    # -- putting

    def deliver(
        self, delivery: Delivery, chunks: Iterable[bytes], digests: Digests | None = None
    ) -> Delivered:
        """Put files in their places, whole or not at all.

        Each file is compared with what was sent, as it is read back.

        Args:
            delivery: what comes, and where it goes; no archives.
            chunks: the bytes of its parts, `Delivery.size` of them; pulled as the host takes them.
            digests: not needed: what goes out is hashed here.

        Raises:
            TransferFailed: all is as it was; no stage is left, unless the hint says where. So too
                for what SFTP has no way for (a command that validates, owners by name), before
                anything is sent.
            HostError: some renames were made when one was refused; it says so.
            ConnectionLost: what was done is not known; the stage is left there, as the hint says.
        """
        self._only_sha256(delivery.check)
        return Delivering(self._sftp, delivery).run(chunks)

    def remove(self, top: bytes, names: Sequence[bytes]) -> None:
        """Remove files and whole directories below ``top``, over no link.

        Raises:
            UsageError: a name leads out of it.
        """
        remove(self._sftp, absolute(top), names)

    def set_attributes(self, top: bytes, changes: Sequence[Attributes]) -> None:
        """Set owners, modes and times of what is there below ``top``, or (``b""``) of itself.

        Raises:
            UsageError: a name leads out of it.
        """
        names = checked(name for each in changes for name in each.names if name)
        attributes.check(changes, self._sftp.host)
        above = {each for name in names for each in ancestors(name)}
        for entry in listing.names_below(self._sftp, absolute(top), sorted(above)):
            if entry.kind is not Kind.DIRECTORY:
                path = shown(joined(top, entry.path))
                words = f"{path} is no directory that is reached over no link"
                raise TransferFailed(words, host=self._sftp.host)
        attributes.apply(self._sftp, changes, lambda name: joined(top, name), skip=frozenset())

    def make_directory(self, path: bytes, mode: int | None = None, *, parents: bool = True) -> bool:
        """Make a directory, where there is none.

        Args:
            path: absolute.
            mode: of the last part; None for what the umask leaves.
            parents: whether to make those above it too.

        Returns:
            Whether it was made.
        """
        name = absolute(path).strip(b"/")
        if parents:
            for above in ancestors(name):
                self._make(b"/" + above, None)
        return self._make(b"/" + name, mode)

    def _make(self, path: bytes, mode: int | None) -> bool:
        told = self._sftp.run(operations.found(path, follow=True))
        if told is not None and told.kind is Kind.DIRECTORY:
            return False
        self._sftp.run(operations.do(requests.mkdir(path, 0o777 if mode is None else mode)))
        if mode is not None:
            self._sftp.run(operations.do(requests.setstat(path, Setting(mode=mode))))
        return True

    # -- getting

    def read(self, path: bytes, on_data: OnData, check: Check = Check.SHA256) -> str:
        """A file's bytes; then SHA-256 of what came.

        Args:
            path: absolute. A link is followed.
            on_data: takes the bytes as they come, and may wait.
            check: SHA-256.

        Returns:
            The checksum; empty if the file changed while it was read.
        """
        self._only_sha256(check)
        return reading.read(self._sftp, absolute(path), on_data)

    def read_beginning(
        self, path: bytes, size: int, on_data: OnData, check: Check = Check.SHA256
    ) -> str:
        """The first ``size`` bytes of a file, then their SHA-256.

        What is appended meanwhile, to a log for example, changes neither.

        Args:
            path: absolute. A link is followed.
            size: bytes.
            on_data: takes the bytes as they come, and may wait.
            check: SHA-256.

        Returns:
            The checksum; empty if there are fewer bytes.
        """
        self._only_sha256(check)
        return reading.read_beginning(self._sftp, absolute(path), size, on_data)

    def pack(
        self,
        top: bytes,
        entries: Sequence[Entry],
        on_data: OnData,
        check: Check = Check.SHA256,
    ) -> dict[bytes, str]:
        """Files and links as a tar archive, which is made here; then checksums of what came.

        What vanished is not in the archive and has no checksum; nor has what changed meanwhile.

        Args:
            top: absolute.
            entries: files and links; directories come in no archive.
            on_data: takes the bytes as they come, and may wait.
            check: SHA-256.

        Raises:
            TransferFailed: not all could be read; what could has been passed on.
        """
        self._only_sha256(check)
        checked(each.path for each in entries if each.kind in (Kind.FILE, Kind.LINK))
        return reading.pack(self._sftp, absolute(top), entries, on_data)

    def _only_sha256(self, check: Check) -> None:
        if check is not Check.SHA256:
            raise cannot(f"over SFTP files are compared by SHA-256, not {check}", self._sftp.host)
