"""What an end of a synchronization is asked; `here` and `there` answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from opsrun.modules.requests import Request
from opsrun.modules.synchronizing.filters import Filters
from opsrun.remote.files.delivery import Attributes
from opsrun.trees.entry import Entry, Kind

Given = TypeVar("Given")
Asking = Generator[Request, Any, Given]
"""Yields requests, and returns what it found out."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A path, and who looks at it."""

    path: bytes
    """Absolute. Of a directory, as it is reached over no link; else its parent is."""
    kind: Kind | None
    """None where there is nothing."""
    real: Kind | None
    """The same for what a link leads to."""
    parent: bool
    """Whether the directory that it is in is there."""
    umask: int
    uid: int
    gid: int
    gids: frozenset[int]
    ruled: tuple[bytes, ...] = ()
    """Directories above it that have a file of rules."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Which part of a tree is listed, and how."""

    top: bytes
    """Absolute."""
    start: bytes = b""
    """The only name at the top that is looked at; empty for all, and the top itself."""
    follow: bool = False
    """Links are what they lead to."""
    depth: int | None = None
    """How far down; None for no limit."""
    filters: Filters | None = None
    """What they hide isn't told of; None for all."""
    protected: Filters | None = None
    """What they protect may be closed to us."""


class End(ABC):
    """A machine on which one of the trees is; its methods raise `ModuleError` and `HostError`."""

    @abstractmethod
    def look(self, path: str, *, contents: bool) -> Asking[Spot]:
        """What a path is.

        Args:
            path: as written.
            contents: a link to a directory means that directory.
        """

    @abstractmethod
    def listing(self, reading: Reading) -> Asking[list[Entry]]:
        """All of it, or an error: a list is never cut short.

        Files of rules (``.rsync-filter``) are heeded where there are ``filters``.
        """

    @abstractmethod
    def named(self, top: bytes, names: Iterable[bytes]) -> Asking[list[Entry]]:
        """Those of the names below ``top`` that are there, reached over no link."""

    @abstractmethod
    def content(self, path: bytes) -> Asking[bytes]:
        """A small file's bytes."""

    @abstractmethod
    def digests(self, top: bytes, entries: Sequence[Entry]) -> Asking[dict[bytes, str]]:
        """SHA-256 of files, by name; of those that can be read."""

    @abstractmethod
    def names(
        self, users: Iterable[int], groups: Iterable[int]
    ) -> Asking[tuple[dict[int, str], dict[int, str]]]:
        """The names of users and groups; of those that have one."""

    @abstractmethod
    def numbers(
        self, users: Iterable[str], groups: Iterable[str]
    ) -> Asking[tuple[Mapping[str, int], Mapping[str, int]]]:
        """The numbers of users and groups; of those that there are."""

    @abstractmethod
    def make(self, path: bytes, mode: int, *, parents: bool) -> Asking[None]:
        """Make a directory."""

    @abstractmethod
    def remove(self, top: bytes, names: Sequence[bytes]) -> Asking[None]:
        """Remove files, links and whole directories below ``top``, over no link."""

    @abstractmethod
    def settle(self, top: bytes, changes: Sequence[Attributes]) -> Asking[None]:
        """Set owners, modes and times below ``top``, or (``b""``) its own."""
