"""Host keys: those that must be looked at first, and hosts with the same keys once.

A line a host (or a set of hosts that share all their keys) and key: names, type of key,
fingerprint, and what is to be said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsrun.events import Outcome, Result
from opsrun.sinks.base import OutputOptions, Writer
from opsrun.sinks.cells import width
from opsrun.sinks.names import fold, label
from opsrun.sinks.style import DIM, GREEN, RED, YELLOW, paint
from opsrun.sinks.terminal import TerminalSink
from opsrun.views.sanitise import sanitise_line

_ORDER = ("revoked", "changed", "refused", "new", "known")
_STYLE = {"revoked": RED, "changed": RED, "refused": RED, "new": YELLOW, "known": GREEN}
MAX_LABEL = 40
"""Columns to which names are aligned; longer ones stand out and are never cut."""

Key = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One key, and who has it."""

    hosts: tuple[str, ...]
    key_type: str
    fingerprint: str
    status: str
    recorded: tuple[str, str, str] | None = None
    """Place, type and fingerprint of what is on record in place of a changed key."""

    @classmethod
    def of(cls, hosts: Sequence[str], key: Key) -> Row:
        """A key as the result's ``data`` has it."""
        status = "refused" if key.get("expected") is False else key["status"]
        known = key.get("recorded")
        recorded = (known["place"], known["type"], known["fingerprint"]) if known else None
        return cls(tuple(hosts), key["type"], key["fingerprint"], status, recorded)

    def words(self) -> str:
        """What is to be said of the key."""
        if self.recorded is None:
            return self.status
        place, kind, fingerprint = self.recorded
        if self.status == "revoked":
            return f"revoked by {place}"
        return f"changed: {place} has {kind} {fingerprint}"


def rows(hosts: Mapping[str, Sequence[Key]], *, folded: bool = True) -> list[Row]:
    """The keys of all hosts, what is wrong first; hosts with equal keys together if ``folded``."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for host, keys in hosts.items():
        mark = (tuple(Row.of((), key) for key in keys), "" if folded else host)
        groups.setdefault(mark, []).append(host)
    found = [Row.of(same, key) for same in groups.values() for key in hosts[same[0]]]
    return sorted(found, key=lambda row: _ORDER.index(row.status))


def lines(found: Iterable[Row], *, color: bool = False) -> list[str]:
    """Rows as aligned lines."""
    table = list(found)
    names = [label(row.hosts) for row in table]
    first = max((width(name) for name in names if width(name) <= MAX_LABEL), default=0)
    second = max((len(row.key_type) for row in table), default=0)
    return [
        f"{name}{' ' * max(0, first - width(name))}  {sanitise_line(row.key_type):<{second}}  "
        f"{sanitise_line(row.fingerprint)}  "
        f"{paint(sanitise_line(row.words()), _STYLE[row.status], color)}"
        for name, row in zip(names, table, strict=True)
    ]


@dataclass(slots=True)
class _Found:
    keys: dict[str, Sequence[Key]] = field(default_factory=dict)
    known: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


class KeysSink(TerminalSink):
    """Shows all keys that are not on record, at the end; at ``-v`` the others too."""

    _folded = True
    _tails = False

    def __init__(self, out: Writer, err: Writer, options: OutputOptions) -> None:
        super().__init__(out, err, options)
        self._found = _Found()

    def _result(self, result: Result) -> None:
        if result.outcome is Outcome.SKIPPED:
            self._found.skipped.append(result.host)
        keys = result.data.get("keys", ())
        if not keys:
            return
        if all(key["status"] == "known" for key in keys):
            self._found.known.append(result.host)
            if self._options.verbosity < 1:
                return
        shown = [key for key in keys if key["status"] != "known" or self._options.verbosity > 0]
        self._found.keys[result.host] = shown

    def _finish(self) -> None:
        order = {host: place for place, host in enumerate(self._hosts)}
        found = dict(sorted(self._found.keys.items(), key=lambda item: order.get(item[0], 0)))
        for line in lines(rows(found, folded=self._folded), color=self._options.color):
            self._outlet.out(f"{line}\n")
        if self._options.verbosity < 0:
            return
        if self._found.known:
            words = f"already on record: {label(self._found.known)}"
            self._say(paint(words, DIM, self._options.color_err))
        if self._found.skipped:
            words = (
                f"no host keys of ours to look at, not reached by ssh: {fold(self._found.skipped)}"
            )
            self._say(paint(words, DIM, self._options.color_err))


class KeyListSink(KeysSink):
    """The same, each host for itself."""

    _folded = False
