"""Options of rsync(1) that a task passes on: those with a meaning here are read, others refused.

What only says how rsync itself goes about its work (blocks, buffers, compression, what it prints)
can't make a difference to the files: it is read and has nothing to act on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.errors import UsageError, did_you_mean
from opsrun.modules.synchronizing.filters import Clear, Rule, exclude_rule, filter_rule
from opsrun.modules.wording import path_bytes
from opsrun.trees.exclude import BadPattern
from opsrun.trees.modes import Mode


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OF_ARCHIVE = ("recursive", "links", "perms", "times", "owner", "group")

_FLAGS: Mapping[str, Mapping[str, bool]] = {
    "archive": dict.fromkeys(_OF_ARCHIVE, True),
    **{name: {name: True} for name in _OF_ARCHIVE},
    "delete": {"delete": True},
    **{f"delete-{when}": {"delete": True} for when in ("before", "during", "after", "delay")},
    "del": {"delete": True},
    "delete-excluded": {"delete": True, "delete_excluded": True},
    "existing": {"existing_only": True},
    "ignore-non-existing": {"existing_only": True},
    **{
        name: {name.replace("-", "_"): True}
        for name in (
            *("dirs", "copy-links", "checksum", "ignore-existing", "update", "size-only"),
            *("ignore-times", "force", "numeric-ids", "omit-dir-times", "omit-link-times"),
            *("mkpath", "dry-run"),
        )
    },
}
"""What an option without a value says."""

_IDLE_FLAGS = _words(
    """
    D devices specials verbose quiet no-motd human-readable progress stats itemize-changes
    partial P compress new-compress old-compress whole-file fuzzy sparse preallocate
    inc-recursive i-r blocking-io delay-updates secluded-args protect-args s old-args
    8-bit-output fsync ipv4 ipv6 trust-sender msgs2stderr open-noatime
    """
)
"""Without a value, and without a difference to the files."""

_IDLE_VALUES = _words(
    """
    info debug stderr timeout contimeout block-size checksum-choice cc checksum-seed
    compress-choice zc compress-level zl compress-threads zt skip-compress outbuf out-format
    max-alloc protocol sockopts
    """
)

_VALUES = _words(
    """
    exclude include exclude-from include-from filter chmod chown max-delete max-size min-size
    """
)

_LETTERS = {
    "a": "archive",
    "r": "recursive",
    "l": "links",
    "p": "perms",
    "t": "times",
    "o": "owner",
    "g": "group",
    "d": "dirs",
    "L": "copy-links",
    "c": "checksum",
    "u": "update",
    "I": "ignore-times",
    "O": "omit-dir-times",
    "J": "omit-link-times",
    "n": "dry-run",
    "D": "D",
    "v": "verbose",
    "q": "quiet",
    "h": "human-readable",
    "i": "itemize-changes",
    "P": "P",
    "z": "compress",
    "W": "whole-file",
    "y": "fuzzy",
    "S": "sparse",
    "s": "s",
    "8": "8-bit-output",
    "4": "ipv4",
    "6": "ipv6",
    "f": "filter",
    "B": "block-size",
}

_WHY = {
    **dict.fromkeys(
        ("rsh", "e", "port", "address", "password-file"),
        "how the host is reached is said in the inventory: ansible_port, ansible_ssh_common_args …",
    ),
    "rsync-path": "no rsync is started there; for another user say become: true",
    "hard-links": "hard links between files of the tree are not kept",
    "H": "hard links between files of the tree are not kept",
    **dict.fromkeys(("acls", "A"), "ACLs are not copied"),
    **dict.fromkeys(("xattrs", "X"), "extended attributes are not copied"),
}

_REFUSED = _words(
    """
    acls append append-verify atimes backup backup-dir bwlimit compare-dest confine-root copy-as
    copy-dest copy-devices copy-dirlinks copy-unsafe-links crtimes cvs-exclude
    delete-missing-args drop-D executability fake-super files-from from0 groupmap hard-links
    iconv ignore-errors ignore-missing-args inplace insecure-links keep-dirlinks link-dest
    list-only log-file log-file-format modify-window munge-links no-implied-dirs one-file-system
    only-write-batch partial-dir password-file port prune-empty-dirs read-batch relative
    remote-option remove-source-files rsh rsync-path safe-links stop-after stop-at suffix super
    temp-dir usermap write-batch write-devices xattrs
    """
)

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)([bkmgtp]?)(i?b?)((?:[+-]1)?)\Z", re.IGNORECASE)
_WHO = re.compile(r"[^:\s/]*(?::[^:\s/]*)?\Z")


class Refused(Exception):
    """An option that can't be had; says which and why."""


@dataclass(frozen=True, slots=True)
class Chmod:
    """What ``--chmod`` changes: of files, of directories, or of both."""

    clauses: tuple[tuple[str, Mode], ...] = ()
    """``D``, ``F`` or nothing, and a mode."""

    def applied(self, mode: int, *, directory: bool, umask: int) -> int:
        """The bits of an entry afterwards."""
        for what, clause in self.clauses:
            if what != ("F" if directory else "D"):
                mode = clause.applied(mode, directory=directory, umask=umask)
        return mode


@dataclass(slots=True)
class Passed:
    """What the options say."""

    said: dict[str, bool] = field(default_factory=dict)
    """By name, with underscores: what is on or off."""
    rules: list[Rule | Clear | FromFile] = field(default_factory=list)
    chmod: Chmod = field(default_factory=Chmod)
    chown: tuple[str, str] = ("", "")
    """User and group."""
    max_delete: int | None = None
    max_size: int | None = None
    min_size: int | None = None


@dataclass(frozen=True, slots=True)
class FromFile:
    """Patterns that stand in a file of the controller's."""

    path: str
    keeps: bool


def passed(words: Sequence[Any]) -> Passed:
    """Read options.

    Args:
        words: as they stand in the task; templates among them are passed over.

    Raises:
        Refused: the first that can't be had.
    """
    found = Passed()
    reader = _Reader(found)
    left = iter(words)
    for each in left:
        if _is_text(each):
            reader.take(each, left)
    return found


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Template)


class _Reader:
    def __init__(self, found: Passed) -> None:
        self._found = found

    def take(self, word: str, left: Iterator[Any]) -> None:
        if word.startswith("--") and len(word) > 2:
            name, sign, value = word[2:].partition("=")
            self._long(name, value if sign else None, left, word)
        elif word.startswith("-") and len(word) > 1:
            self._letters(word, left)
        else:
            what = f"{word!r} is no option: a further source can't be had"
            raise Refused(what if word else "an empty text would be a further source")

    def _long(self, name: str, value: Any, left: Iterator[Any], word: str) -> None:
        if name in _VALUES or name in _IDLE_VALUES:
            if value is None:
                value = next(left, None)
                if value is None:
                    raise Refused(f"{word} needs a value")
            if _is_text(value) and name in _VALUES:
                self._valued(name, value)
            return
        off = name.startswith("no-") and name not in _IDLE_FLAGS and name not in _REFUSED
        bare = name[3:] if off else name
        bare = _LETTERS.get(bare, bare) if len(bare) == 1 else bare
        if value is not None and (bare in _FLAGS or bare in _IDLE_FLAGS):
            raise Refused(f"--{name} takes no value")
        self._flag(bare, not off, f"--{name}")

    def _letters(self, word: str, left: Iterator[Any]) -> None:
        for at, letter in enumerate(word[1:], start=1):
            name = _LETTERS.get(letter, letter)
            if name in _VALUES or name in _IDLE_VALUES:
                rest: Any = word[at + 1 :] or next(left, None)
                if rest is None:
                    raise Refused(f"-{letter} needs a value")
                if _is_text(rest) and name in _VALUES:
                    self._valued(name, rest)
                return
            self._flag(name, True, f"-{letter}")

    def _flag(self, name: str, on: bool, shown: str) -> None:
        if name in _IDLE_FLAGS:
            return
        says = _FLAGS.get(name)
        if says is None:
            if not on and name in _REFUSED:
                return
            raise Refused(_refusal(name, shown))
        self._found.said |= dict.fromkeys(says, on)

    def _valued(self, name: str, value: str) -> None:
        found = self._found
        try:
            if name in ("exclude", "include"):
                found.rules += exclude_rule(path_bytes(value), keeps=name == "include")
            elif name == "filter":
                found.rules += filter_rule(path_bytes(value))
            elif name in ("exclude-from", "include-from"):
                if value == "-":
                    raise Refused(f"--{name}=-: there is no standard input to read")
                found.rules.append(FromFile(value, name == "include-from"))
            elif name == "chmod":
                found.chmod = Chmod((*found.chmod.clauses, *_clauses(value)))
            elif name == "chown":
                found.chown = _owner(value)
            elif name == "max-delete":
                found.max_delete = _whole(name, value)
            elif name == "max-size":
                found.max_size = _size(name, value)
            else:
                found.min_size = _size(name, value)
        except BadPattern as error:
            raise Refused(f"--{name}={value}: {error.message}") from error


def _refusal(name: str, shown: str) -> str:
    why = _WHY.get(name)
    if why is not None:
        return f"{shown} can't be had: {why}"
    if name in _REFUSED or len(name) == 1:
        return f"{shown} can't be had: it has no counterpart here"
    known = [*_FLAGS, *_VALUES, *_IDLE_FLAGS, *_IDLE_VALUES, *_REFUSED]
    guess = did_you_mean(shown, [f"--{each}" for each in known if len(each) > 1])
    return f"rsync has no option {shown}{guess}"


def _clauses(value: str) -> Iterator[tuple[str, Mode]]:
    for each in value.split(","):
        what = each[:1] if each[:1] in ("D", "F") else ""
        try:
            yield what, Mode.parse(each[len(what) :])
        except UsageError as error:
            raise Refused(f"--chmod={value}: {error}") from error


def _owner(value: str) -> tuple[str, str]:
    if not _WHO.match(value) or "*" in value:
        raise Refused(f"--chown={value}: expected USER:GROUP")
    user, _, group = value.partition(":")
    return user, group


def _whole(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise Refused(f"--{name}={value}: expected a whole number")
    return int(value)


def _size(name: str, value: str) -> int:
    found = _SIZE.match(value)
    if found is None or (found[3] and found[3].lower() not in ("b", "ib")):
        raise Refused(f"--{name}={value}: expected a size such as 100, 1.5M or 2GB")
    step = 1000 if found[3].lower() == "b" else 1024
    power = "bkmgtp".index((found[2] or "b").lower())
    return int(float(found[1]) * step**power) + int(found[4] or "0")


Judge = Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]
