"""What can be done with a host's files, whichever way it is reached."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from opsrun.remote.files.delivery import Attributes, Delivered, Delivery
from opsrun.remote.files.globbing import Match
from opsrun.remote.files.looking import Look
from opsrun.remote.files.tools import Check
from opsrun.trees.entry import Entry

OnData = Callable[[bytes], None]
Digests = Callable[[], Mapping[bytes, str]]


class HostFiles(Protocol):
    """`RemoteFiles` over a shell, `SFTPFiles` over SFTP; there it is said what each takes."""

    def look(self, dest: bytes, names: Sequence[bytes] = ()) -> Look:
        """What the host has to copy with, and what is under ``dest``."""

    def entries(self, top: bytes, names: Sequence[bytes] | None = None) -> list[Entry]:
        """All that is below a directory, or those of ``names`` that exist."""

    def digests(
        self, top: bytes, files: Sequence[Entry], check: Check = Check.SHA256
    ) -> dict[bytes, str]:
        """Checksums of files, by name."""

    def expand(self, patterns: Sequence[bytes]) -> list[Match]:
        """What paths with wildcards stand for."""

    def owners(self, user: str, group: str) -> tuple[int | None, int | None]:
        """The numbers of a user and a group."""

    def deliver(
        self, delivery: Delivery, chunks: Iterable[bytes], digests: Digests | None = None
    ) -> Delivered:
        """Put files in their places, whole or not at all."""

    def remove(self, top: bytes, names: Sequence[bytes]) -> None:
        """Remove files and whole directories."""

    def set_attributes(self, top: bytes, changes: Sequence[Attributes]) -> None:
        """Set owners, modes and times of what is there."""

    def make_directory(self, path: bytes, mode: int | None = None, *, parents: bool = True) -> bool:
        """Make a directory, where there is none; whether it was made."""

    def read(self, path: bytes, on_data: OnData, check: Check = Check.SHA256) -> str:
        """A file's bytes, then its checksum."""

    def read_beginning(
        self, path: bytes, size: int, on_data: OnData, check: Check = Check.SHA256
    ) -> str:
        """The first bytes of a file, then their checksum."""

    def pack(
        self,
        top: bytes,
        entries: Sequence[Entry],
        on_data: OnData,
        check: Check = Check.SHA256,
    ) -> dict[bytes, str]:
        """Files and links as tar archives, then checksums."""
