"""From the text of ssh_config files to blocks of settings, each with the condition it stands under.

An included file is read where it is named. Its blocks have the block around the ``Include`` as
their parent and count only where that one does.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field

from opsrun.errors import ConfigError, did_you_mean
from opsrun.transports.ssh_config.keywords import KEYWORDS, canonical, spelling
from opsrun.transports.ssh_config.match import Criterion, criteria
from opsrun.transports.ssh_config.patterns import PatternList
from opsrun.transports.ssh_config.values import BadValue, Line, Value, cut, parse, words

SYSTEM_DIRECTORY = "/etc/ssh"
MAX_DEPTH = 16
"""Includes within includes; OpenSSH's own limit."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One keyword with its value, and where it was written."""

    keyword: str
    """In lower case."""
    value: Value
    text: str
    """The value as it was written."""
    origin: str
    """``path:line``, or what else the operator would recognise."""

    def __str__(self) -> str:
        return f"{spelling(self.keyword)} {self.text}"


@dataclass(slots=True)
class Block:
    """Settings that stand under one condition."""

    parent: int | None = None
    """Index of the block whose ``Include`` this one is in, or continues."""
    hosts: PatternList | None = None
    match: tuple[Criterion, ...] = ()
    origin: str = ""
    settings: list[Setting] = field(default_factory=list)


class Reader:
    """Collects the blocks of one configuration, file by file, in the order in which they count."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._unknown_allowed: list[PatternList] = []

    def read(self, path: str, *, user: bool, required: bool, guarded: bool) -> None:
        """Read a file at the top level.

        Args:
            path: the file; ``~`` is expanded.
            user: relative includes are looked for in ``~/.ssh``, else in `SYSTEM_DIRECTORY`.
            required: a missing file is an error.
            guarded: refuse the file if others than its owner may write it.

        Raises:
            ConfigError: with file, line and column.
        """
        self._file(os.path.expanduser(path), user, required, guarded, None, 0)

    def _file(
        self, path: str, user: bool, required: bool, guarded: bool, parent: int | None, depth: int
    ) -> None:
        text = _text_of(path, required, guarded)
        if text is None:
            return
        current = self._open(Block(parent))
        for number, source in enumerate(text.split("\n"), 1):
            try:
                line = cut(source)
                if line is None:
                    continue
                origin = f"{path}:{number}"
                keyword = canonical(line.keyword)
                if keyword == "include":
                    self._include(line, path, user, current, depth)
                    current = self._open(Block(parent=current))
                elif keyword in ("host", "match"):
                    current = self._open(_condition(keyword, line, parent, origin))
                else:
                    self._setting(keyword, line, origin, current)
            except BadValue as bad:
                raise ConfigError(
                    bad.message, path=path, line=number, column=bad.offset + 1, text=source
                ) from None

    def _open(self, block: Block) -> int:
        self.blocks.append(block)
        return len(self.blocks) - 1

    def _setting(self, keyword: str, line: Line, origin: str, block: int) -> None:
        if keyword not in KEYWORDS:
            if not self._allowed(line.keyword.lower()):
                raise unknown(line.keyword, line.keyword_at)
            _split(line)
            return
        setting = make_setting(line, origin)
        if keyword == "ignoreunknown":
            self._unknown_allowed.append(PatternList.split(str(setting.value), fold=True))
        self.blocks[block].settings.append(setting)

    def _allowed(self, keyword: str) -> bool:
        return any(patterns.matches(keyword) for patterns in self._unknown_allowed)

    def _include(self, line: Line, path: str, user: bool, block: int, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise BadValue(f"files include each other more than {MAX_DEPTH} deep", line.keyword_at)
        base = os.path.expanduser("~/.ssh") if user else SYSTEM_DIRECTORY
        for pattern in _split(line):
            if pattern.startswith("~") and not user:
                raise BadValue("a system-wide file includes by absolute path only", line.rest_at)
            full = os.path.join(base, os.path.expanduser(pattern))
            for name in sorted(glob.glob(full)):
                self._file(name, user, False, user, block, depth + 1)


def unknown(word: str, offset: int = 0) -> BadValue:
    """The error for a word that is no keyword of ssh_config(5)."""
    names = {name.lower(): name for name, _ in KEYWORDS.values()}
    guess = did_you_mean(word.lower(), names)
    for lower, name in names.items():
        guess = guess.replace(f"'{lower}'", f"'{name}'")
    return BadValue(f"{word!r} is no keyword of ssh_config{guess}", offset)


def make_setting(line: Line, origin: str) -> Setting:
    """The setting that a cut line stands for.

    Raises:
        BadValue: with an offset within the whole line.
    """
    keyword = canonical(line.keyword)
    try:
        value = parse(keyword, line.rest)
    except BadValue as bad:
        name = spelling(keyword)
        raise BadValue(f"{name}: {bad.message}", line.rest_at + max(0, bad.offset)) from None
    return Setting(keyword, value, line.rest, origin)


def parse_option(text: str, origin: str) -> Setting:
    """An option as ssh takes it after ``-o``: ``Keyword=value`` or ``Keyword value``.

    Raises:
        BadValue: no keyword, an unknown one, or a value that it doesn't take.
    """
    line = cut(text)
    if line is None:
        raise BadValue("expected Keyword=value")
    keyword = canonical(line.keyword)
    if keyword not in KEYWORDS:
        raise unknown(line.keyword, line.keyword_at)
    if keyword in ("host", "match", "include"):
        raise BadValue(f"{spelling(keyword)} stands in a file only")
    return make_setting(line, origin)


def _split(line: Line) -> list[str]:
    try:
        return words(line.rest)
    except BadValue as bad:
        raise BadValue(bad.message, line.rest_at + bad.offset) from None


def _condition(keyword: str, line: Line, parent: int | None, origin: str) -> Block:
    patterns = _split(line)
    if keyword == "host":
        if not patterns or not all(one.removeprefix("!") for one in patterns):
            raise BadValue("Host: a pattern is empty", line.rest_at)
        return Block(parent, hosts=PatternList.of(patterns), origin=origin)
    try:
        return Block(parent, match=criteria(line.rest), origin=origin)
    except BadValue as bad:
        raise BadValue(f"Match: {bad.message}", line.rest_at + bad.offset) from None


def _text_of(path: str, required: bool, guarded: bool) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            if guarded:
                _check_owner(path, os.fstat(file.fileno()))
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise ConfigError("no such ssh_config file", path=path) from None
        return None
    except OSError as error:
        raise ConfigError(f"can't be read: {error.strerror}", path=path) from error


def _check_owner(path: str, status: os.stat_result) -> None:
    if status.st_uid not in (0, os.getuid()):
        raise ConfigError("belongs to somebody else; ssh refuses it too", path=path)
    if stat.S_IMODE(status.st_mode) & 0o022:
        raise ConfigError("others may write to it; ssh refuses it too (chmod go-w)", path=path)


def literal_names(blocks: list[Block], index: int) -> Iterable[str] | None:
    """The only host names for which a block can count; None where there is no such list."""
    block = blocks[index]
    if block.hosts is not None and block.hosts.literals is not None:
        return block.hosts.literals
    return None if block.parent is None else literal_names(blocks, block.parent)
