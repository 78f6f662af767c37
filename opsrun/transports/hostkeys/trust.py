"""Keys that a host has shown, judged one beside the other, and recorded once somebody has agreed.

`verify` sees one key and has to decide; here all keys of a host are seen together. So a key of a
type that is not on record is *new* for a host that also shows a key that is, and *changed* for one
that shows none of those on record. A host with a changed or revoked key gets none recorded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from opsrun.errors import RunFailed, UsageError
from opsrun.transports.hostkeys.index import Stamp
from opsrun.transports.hostkeys.known import KnownHosts, Status
from opsrun.transports.hostkeys.lines import Entry, fingerprint
from opsrun.transports.hostkeys.record import append, line_for
from opsrun.transports.hostkeys.verify import names_of
from opsrun.transports.targets.target import SSHTarget

_ATTEMPTS = 100
"""Times that the file may be written to by others between our reading and our writing it."""


class Standing(StrEnum):
    """What a key is to us."""

    KNOWN = "known"
    NEW = "new"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ShownKey:
    """A key that a host has proved to hold."""

    key_type: str
    blob: bytes
    standing: Standing
    entry: Entry | None = None
    """The line that says so, for any key that is not new."""

    def to_dict(self) -> dict[str, Any]:
        """``{"type", "fingerprint", "status"}``; ``recorded`` beside a changed or revoked key."""
        fields: dict[str, Any] = {
            "type": self.key_type,
            "fingerprint": fingerprint(self.blob),
            "status": str(self.standing),
        }
        if self.standing in (Standing.CHANGED, Standing.REVOKED) and self.entry is not None:
            fields["recorded"] = {
                "place": self.entry.place,
                "type": self.entry.key_type,
                "fingerprint": fingerprint(self.entry.blob),
            }
        return fields


@dataclass(frozen=True, slots=True)
class HostKeys:
    """All keys of one host."""

    target: SSHTarget
    keys: tuple[ShownKey, ...]
    known: KnownHosts = field(compare=False, repr=False)
    """The known_hosts files, as they were when the keys were judged."""

    def of(self, *standings: Standing) -> tuple[ShownKey, ...]:
        """The keys with one of these standings."""
        return tuple(key for key in self.keys if key.standing in standings)

    @property
    def suspect(self) -> bool:
        """Whether the host may be another one than it was."""
        return bool(self.of(Standing.CHANGED, Standing.REVOKED))

    @property
    def names(self) -> tuple[str, ...]:
        """What lists of keys may call the host."""
        names = (*names_of(self.target), self.target.address.lower(), self.target.host.lower())
        return tuple(dict.fromkeys(names))


def judge(target: SSHTarget, known: KnownHosts, shown: Iterable[tuple[str, bytes]]) -> HostKeys:
    """Hold a host's keys, as pairs of type and blob, against its known_hosts files."""
    known, names = known.for_files(target.known_hosts), names_of(target)
    verdicts = [(kind, blob, known.check(names, kind, blob)) for kind, blob in shown]
    proved = any(verdict.status is Status.OK for _, _, verdict in verdicts)
    keys = []
    for kind, blob, verdict in verdicts:
        standing, entry = Standing.NEW, None
        if verdict.status is Status.CHANGED and not (proved and kind not in verdict.known_types):
            standing, entry = Standing.CHANGED, verdict.entry
        elif verdict.status is Status.OK:
            standing, entry = Standing.KNOWN, verdict.entry
        elif verdict.status is Status.REVOKED:
            standing, entry = Standing.REVOKED, verdict.entry
        keys.append(ShownKey(kind, blob, standing, entry))
    return HostKeys(target, tuple(keys), known)


@dataclass(frozen=True, slots=True)
class Accepted:
    """Keys of a host that somebody has agreed to."""

    host: HostKeys
    keys: tuple[ShownKey, ...]

    @property
    def path(self) -> str:
        """The file that takes them: the first of the host's."""
        files = self.host.target.known_hosts
        return os.path.expanduser(files[0]) if files else os.devnull


def record(accepted: Sequence[Accepted]) -> dict[str, int]:
    """Record keys, all of a file's in one step.

    What somebody else has recorded meanwhile is not written again, and what has become suspect by
    that is not written at all.

    Returns:
        How many lines each file was given.

    Raises:
        UsageError: a host's name can't stand in a known_hosts file; nothing was written.
        RunFailed: a file can't be written to.
    """
    files: dict[str, list[Accepted]] = {}
    for one in accepted:
        if one.keys:
            _check(one)
            files.setdefault(one.path, []).append(one)
    return {path: _append(path, several) for path, several in files.items()}


def _check(one: Accepted) -> None:
    target = one.host.target
    if one.path == os.devnull:
        raise UsageError(f"{target.host}: it has no known_hosts file that keys can be recorded in")
    try:
        line_for(names_of(target)[0], "", b"", hashed=False)
    except ValueError as error:
        raise UsageError(f"{target.host}: {error}") from None


def _append(path: str, accepted: Sequence[Accepted]) -> int:
    known = accepted[0].host.known
    for _ in range(_ATTEMPTS):
        lines = _lines(accepted, known)
        if not lines:
            return 0
        read = known.stamp(path)

        def unchanged(stamp: Stamp, read: Stamp | None = read) -> bool:
            return stamp == read or (read is None and not stamp[2])

        try:
            if append(path, b"".join(lines), unchanged) is not None:
                return len(lines)
        except OSError as error:
            words = error.strerror or str(error)
            raise RunFailed(f"{path}: host keys can't be recorded: {words}") from error
        # Somebody else has written to it: look again.
        known = KnownHosts()
    raise RunFailed(f"{path}: host keys can't be recorded: others keep writing to it")


def _lines(accepted: Iterable[Accepted], known: KnownHosts) -> list[bytes]:
    """The lines that are still wanted, each once, also where two hosts are one server."""
    lines: dict[tuple[str, bytes], bytes] = {}
    for one in accepted:
        target = one.host.target
        now = judge(target, known, [(key.key_type, key.blob) for key in one.host.keys])
        agreed = {key.blob for key in one.keys}
        for key in () if now.suspect else now.of(Standing.NEW):
            name = names_of(target)[0]
            if key.blob in agreed and (name, key.blob) not in lines:
                hashed = target.hash_known_hosts
                lines[name, key.blob] = line_for(name, key.key_type, key.blob, hashed=hashed)
    return list(lines.values())
