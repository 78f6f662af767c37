"""What a file has to be to be found: name, kind, age, size and mode; and by what its content is
matched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from typing import Protocol

from opsrun.modules.base import ModuleError
from opsrun.modules.finding.searching import Wording, encoded
from opsrun.modules.looking import Seen
from opsrun.modules.permissions import symbolic

_NUMBER = re.compile(r"(-?\d+)([a-z]?)\w*\Z", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_BYTES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


class Options(Protocol):
    """What of the module's options is looked at here."""

    @property
    def patterns(self) -> Sequence[str]: ...
    @property
    def excludes(self) -> Sequence[str] | None: ...
    @property
    def use_regex(self) -> bool: ...
    @property
    def contains(self) -> str | None: ...
    @property
    def read_whole_file(self) -> bool: ...
    @property
    def encoding(self) -> str | None: ...
    @property
    def age(self) -> str | None: ...
    @property
    def age_stamp(self) -> str: ...
    @property
    def size(self) -> str | None: ...
    @property
    def mode(self) -> int | str | None: ...
    @property
    def exact_mode(self) -> bool: ...
    @property
    def file_type(self) -> str: ...
    @property
    def hidden(self) -> bool: ...
    @property
    def limit(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file has to be."""

    options: Options
    names: tuple[re.Pattern[str], ...]
    excluded: tuple[re.Pattern[str], ...]
    content: Wording | None
    age: int | None
    size: int | None

    @classmethod
    def of(cls, options: Options) -> Wanted:
        """With expressions compiled and numbers read. ModuleError: they are none."""
        if options.limit is not None and options.limit < 1:
            raise ModuleError("limit has to be 1 or more; leave it out for all")
        encoding = encoded(options.encoding or "utf-8")
        content = None
        if options.contains is not None:
            expression = _expression("contains", options.contains)
            content = Wording(expression, options.read_whole_file, encoding)
        return cls(
            options,
            _compiled("patterns", options.patterns, options.use_regex),
            _compiled("excludes", options.excludes or (), options.use_regex),
            content,
            _number("age", options.age, _SECONDS),
            _number("size", options.size, _BYTES),
        )

    def named(self, name: str) -> bool:
        """Whether this name is wanted: the last part of a path."""
        if name.startswith(".") and not self.options.hidden:
            return False
        if self.names and not any(each.match(name) for each in self.names):
            return False
        return not any(each.match(name) for each in self.excluded)

    def has(self, seen: Seen, now: int) -> bool:
        """All but name and content; ``now`` in seconds since the epoch."""
        return (
            self._is_kind(seen)
            and self._aged(seen, now)
            and self._sized(seen)
            and self._allowed(seen)
        )

    def _is_kind(self, seen: Seen) -> bool:
        kinds = {"directory": seen.is_dir, "file": seen.is_file, "link": seen.is_link}
        return kinds.get(self.options.file_type, True)

    def _aged(self, seen: Seen, now: int) -> bool:
        if self.age is None:
            return True
        stamps = {"atime": seen.atime, "ctime": seen.ctime, "mtime": seen.mtime}
        old = now - stamps[self.options.age_stamp] / 10**9
        return old >= self.age if self.age >= 0 else old <= -self.age

    def _sized(self, seen: Seen) -> bool:
        if self.size is None or not seen.is_file:
            return True
        return seen.size >= self.size if self.size >= 0 else seen.size <= -self.size

    def _allowed(self, seen: Seen) -> bool:
        mode = self.options.mode
        if mode is None or mode == "":
            return True
        wanted = mode if isinstance(mode, int) else symbolic(mode, 0, directory=False, umask=0)
        return seen.mode == wanted if self.options.exact_mode else bool(seen.mode & wanted)


def _compiled(what: str, patterns: Sequence[str], use_regex: bool) -> tuple[re.Pattern[str], ...]:
    if use_regex:
        return tuple(_expression(what, each) for each in patterns)
    return tuple(re.compile(translate(each)) for each in patterns)


def _expression(what: str, text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ModuleError(f"{what}: {text!r} is no regular expression: {error}") from error


def _number(what: str, text: str | None, units: Mapping[str, int]) -> int | None:
    if text is None:
        return None
    found = _NUMBER.match(text)
    if found is None or found[2].lower() not in units:
        known = ", ".join(unit for unit in units if unit)
        words = f"{text!r} is neither a whole number nor one with a unit behind it ({known})"
        raise ModuleError(f"failed to process {what}: {words}")
    return int(found[1]) * units[found[2].lower()]
