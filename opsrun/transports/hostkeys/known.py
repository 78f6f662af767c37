"""OpenSSH's verdicts over known_hosts files.

A key is *revoked* if an ``@revoked`` line for the host has it, whatever else does; *ok* if an
unmarked line has it; *changed* if unmarked lines for the host have other keys only, also of other
types; else *unknown*. ``@cert-authority`` lines never fit a plain key.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from opsrun.transports.hostkeys.index import FileIndex, Stamp, Warned
from opsrun.transports.hostkeys.lines import Entry
from opsrun.transports.hostkeys.record import append, line_for

SCAN_LIMIT = 2000
"""Hashed lines that `KnownHosts.key_types` goes through for one host at most; more would cost more
than the login itself."""


class Status(StrEnum):
    """What known_hosts says of a key."""

    OK = "ok"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What known_hosts says of a key, and which line says so."""

    status: Status
    entry: Entry | None = None
    """The line that decided; for an unknown key that of a certificate authority, if any."""
    known_types: tuple[str, ...] = ()
    """For a changed key: the types of key that are on record for the host."""


class KnownHosts:
    """Several known_hosts files as one; each is read once a run, when first asked.

    Args:
        files: in order of precedence, existing or not; the first one takes new keys.
        notify: takes a sentence for the operator: hosts not checked, a line passed over …
    """

    def __init__(
        self, files: Sequence[str] = (), *, notify: Callable[[str], None] | None = None
    ) -> None:
        self.files = tuple(files)
        self._notify = notify or (lambda words: None)
        self._indexes: dict[str, FileIndex] = {}
        self._told: dict[str, object] = {}

    def for_files(self, files: Sequence[str]) -> KnownHosts:
        """Another set of files, sharing what has been read."""
        if tuple(files) == self.files:
            return self
        other = KnownHosts(files, notify=self._notify)
        other._indexes, other._told = self._indexes, self._told
        return other

    @property
    def warnings(self) -> list[Warned]:
        """Lines of these files that were passed over."""
        return [one for index in self._all() for one in index.warnings]

    def _index(self, path: str) -> FileIndex:
        found = self._indexes.get(path)
        if found is None:
            # setdefault is atomic: whichever thread is first, all use its index.
            found = self._indexes.setdefault(path, FileIndex(path))
            for warned in found.warnings:
                self.tell(str(warned))
        return found

    def _all(self) -> list[FileIndex]:
        return [self._index(os.path.expanduser(path)) for path in self.files]

    def stamp(self, path: str) -> Stamp | None:
        """Up to where a file was read; None for one that was not there."""
        return self._index(path).stamp

    def tell(self, words: str) -> None:
        """Pass a sentence on to the operator, once however often it is said."""
        token = object()
        if self._told.setdefault(words, token) is token:
            self._notify(words)

    def entries(self, name: str) -> Iterator[Entry]:
        """Every line that is about ``name`` (lower case; ``[name]:port`` for other ports)."""
        for index in self._all():
            yield from index.readable(name)
            yield from index.hashed(name)

    def check(self, names: Sequence[str], key_type: str, blob: bytes) -> Verdict:
        """OpenSSH's verdict on a host's key.

        Args:
            names: the name of the host, then those where only a good word counts; lower case.
            key_type: as the server named it.
            blob: the public key in SSH wire format.
        """
        verdict = self._check(names[0], key_type, blob)
        if verdict.status is not Status.UNKNOWN:
            return verdict
        for name in names[1:]:
            other = self._check(name, key_type, blob)
            if other.status in (Status.OK, Status.REVOKED):
                return other
        return verdict

    def _check(self, name: str, key_type: str, blob: bytes) -> Verdict:
        indexes = self._all()
        lines = [entry for index in indexes for entry in index.readable(name)]
        for entry in lines:
            if entry.marker == "revoked" and entry.blob == blob:
                return Verdict(Status.REVOKED, entry)
        plain = [entry for entry in lines if not entry.marker]
        for entry in plain:
            if entry.blob == blob:
                return Verdict(Status.OK, entry)
        for index in indexes:
            if hashed := index.hashed_with(name, blob):
                return Verdict(Status.OK, hashed)
        plain += [entry for index in indexes for entry in index.hashed(name)]
        if plain:
            types = tuple(dict.fromkeys(entry.key_type for entry in plain))
            same = [entry for entry in plain if entry.key_type == key_type]
            return Verdict(Status.CHANGED, (same or plain)[0], types)
        trusted = [entry for entry in lines if entry.marker == "cert-authority"]
        return Verdict(Status.UNKNOWN, trusted[0] if trusted else None)

    def key_types(self, names: Sequence[str]) -> tuple[str, ...]:
        """The types of unmarked keys on record for a host, to be preferred in the key exchange.

        A file with more than `SCAN_LIMIT` hashed lines is not searched for this; should that make
        the server show a key of another type, `verify` raises `WrongKeyType`, and from then on the
        types are known.
        """
        found: dict[str, None] = {}
        for name in names:
            for index in self._all():
                lines = [one for one in index.readable(name) if not one.marker]
                if index.hashed_count <= SCAN_LIMIT or index.was_scanned(name):
                    lines += index.hashed(name)
                found.update(dict.fromkeys(one.key_type for one in lines))
            if found:
                break
        return tuple(found)

    def add(self, name: str, key_type: str, blob: bytes, *, hashed: bool = False) -> Verdict:
        """Record an unknown key in the first file.

        Where the file can't be written the key counts for this run alone, and that is told.

        Returns:
            What holds now: ok, or what somebody else has recorded meanwhile.

        Raises:
            ValueError: ``name`` can't stand in a known_hosts file.
        """
        line = line_for(name, key_type, blob, hashed=hashed)
        path = os.path.expanduser(self.files[0]) if self.files else os.devnull
        overtaken: list[Verdict] = []

        def still_wanted(stamp: Stamp) -> bool:
            index = self._index(path)
            if index.stamp != stamp and (index.stamp or stamp[2]):
                self._indexes[path] = FileIndex(path)
            verdict = self._check(name, key_type, blob)
            if verdict.status is not Status.UNKNOWN:
                overtaken.append(verdict)
            return not overtaken

        try:
            stamp = append(path, line, still_wanted)
        except OSError as error:
            self.tell(f"{path}: new host keys can't be recorded: {error.strerror or error}")
            stamp = self._index(path).stamp
        if overtaken:
            return overtaken[0]
        return self._remember(path, stamp, Entry("", key_type, blob, path, 0), name)

    def _remember(self, path: str, stamp: Stamp | None, entry: Entry, name: str) -> Verdict:
        index = self._index(path)
        index.stamp = stamp
        index.lines += 1
        entry = dataclasses.replace(entry, line=index.lines)
        index.remember(name, entry)
        return Verdict(Status.OK, entry)
