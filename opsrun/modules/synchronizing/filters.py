"""Which names take part: rsync's filter rules, of the command line and of ``.rsync-filter`` files.

See rsync(1), sections FILTER RULES and FILTER RULES IN DEPTH. A rule acts on the side that sends,
where it hides a name, on the side that receives, where it protects one from being deleted, or on
both. The first rule that fits decides; what is in a hidden directory isn't looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from opsrun.modules.base import ModuleError
from opsrun.modules.wording import path_of
from opsrun.trees.exclude import BadPattern, translated

MERGED = b".rsync-filter"
"""What a directory's own rules are in."""

_KINDS = {
    b"exclude": b"-",
    b"include": b"+",
    b"hide": b"H",
    b"show": b"S",
    b"protect": b"P",
    b"risk": b"R",
    b"clear": b"!",
}
_SIDES = {b"-": (True, True), b"+": (True, True), b"H": (True, False), b"S": (True, False)}
_SIDES |= {b"P": (False, True), b"R": (False, True)}
_KEEPS = b"+SR"
_MODIFIED = re.compile(rb"([-+HSPR])([/!srp]*)[ _]")
_WILD = re.compile(rb"[*?\[]")
_NOT_BUILT = {
    b".": "merge",
    b":": "dir-merge",
    b"merge": "merge",
    b"dir-merge": "dir-merge",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern."""

    regex: re.Pattern[bytes]
    """Fits a whole path that has a ``/`` before it."""
    keeps: bool
    sends: bool
    """Whether it hides, or shows."""
    receives: bool
    """Whether it protects, or puts at risk."""
    directories: bool = False
    """It fits directories alone."""
    tree: bool = False
    """It ends in ``/***``: directories are matched with a ``/`` behind them."""
    negated: bool = False

    def fits(self, path: bytes, *, directory: bool) -> bool:
        """Whether this pattern means the entry."""
        found = False
        if directory or not self.directories:
            tail = b"/" if self.tree and directory else b""
            found = self.regex.fullmatch(b"/" + path + tail) is not None
        return found is not self.negated


class Clear:
    """Forgets all rules before it."""


OfDirectory = Callable[[bytes], tuple[Rule, ...]]
"""The rules in a directory's own file; none where there is no file."""


def no_files(_directory: bytes) -> tuple[Rule, ...]:
    """For trees without files of rules."""
    return ()


@dataclass(frozen=True, slots=True)
class Filters:
    """All rules, in their order."""

    rules: tuple[Rule, ...] = ()
    """Of the command line."""
    excluded_goes: bool = False
    """``--delete-excluded``: what a rule excludes is hidden, and not protected."""
    of_directory: OfDirectory = no_files
    """Come before those of the command line, the innermost directory's first."""
    _cache: dict[bytes, tuple[Rule, ...]] = field(default_factory=dict, compare=False, repr=False)

    def reading(self, of_directory: OfDirectory) -> Filters:
        """The same, with rules of directories."""
        return replace(self, of_directory=of_directory, _cache={})

    def hides(self, path: bytes, *, directory: bool) -> bool:
        """Whether an entry is not sent, given that no directory above it is hidden."""
        for rule in self._at(path):
            if rule.sends and rule.fits(path, directory=directory):
                return not rule.keeps
        return False

    matches = hides

    def protects(self, path: bytes, *, directory: bool) -> bool:
        """Whether an entry of the receiver's is never deleted."""
        for rule in self._at(path):
            both = rule.sends and rule.receives
            acts = rule.receives and not (both and self.excluded_goes)
            if acts and rule.fits(path, directory=directory):
                return not rule.keeps
        return False

    def covers(self, path: bytes, *, directory: bool) -> bool:
        """Whether an entry, or a directory above it, is hidden."""
        at = path.find(b"/")
        while at >= 0:
            if self.hides(path[:at], directory=True):
                return True
            at = path.find(b"/", at + 1)
        return bool(path) and self.hides(path, directory=directory)

    def guards(self, path: bytes, *, directory: bool) -> bool:
        """Whether an entry, or a directory above it, is protected."""
        at = path.find(b"/")
        while at >= 0:
            if self.protects(path[:at], directory=True):
                return True
            at = path.find(b"/", at + 1)
        return bool(path) and self.protects(path, directory=directory)

    def _at(self, path: bytes) -> tuple[Rule, ...]:
        above = path.rpartition(b"/")[0]
        found = self._cache.get(above)
        if found is None:
            found = self._cache[above] = (*self._inherited(above), *self.rules)
        return found

    def _inherited(self, directory: bytes) -> Iterator[Rule]:
        while True:
            yield from self.of_directory(directory)
            if not directory:
                return
            directory = directory.rpartition(b"/")[0]


def exclude_rule(pattern: bytes, *, keeps: bool) -> tuple[Rule | Clear, ...]:
    """What ``--exclude`` (or ``--include``) with this pattern means. BadPattern."""
    if pattern == b"!":
        return (Clear(),)
    for sign in (b"- ", b"+ "):
        if pattern.startswith(sign):
            return (made(pattern[2:], keeps=sign == b"+ "),)
    return (made(pattern, keeps=keeps),)


def filter_rule(text: bytes, below: bytes = b"") -> tuple[Rule | Clear, ...]:
    """What a line of a ``.rsync-filter`` file, or ``--filter``, means.

    Args:
        below: the directory that an anchored pattern is anchored at.

    Raises:
        BadPattern: it is no rule, or one of a kind that is not built.
    """
    if text == b"!":
        return (Clear(),)
    word, space, rest = text.partition(b" ")
    if word in _NOT_BUILT or text[:1] in (b".", b":"):
        kind = _NOT_BUILT.get(word, _NOT_BUILT.get(text[:1], "merge"))
        raise BadPattern(f"rules of the kind {kind!r} are not built", 1)
    if word in _KINDS:
        text = _KINDS[word] + b" " + rest if space else _KINDS[word]
        if text == b"!":
            return (Clear(),)
    found = _MODIFIED.match(text)
    if found is None:
        raise BadPattern("expected a rule such as '- PATTERN' or '+ PATTERN'", 1)
    return (_modified(found, text[found.end() :], below),)


def _modified(found: re.Match[bytes], pattern: bytes, below: bytes) -> Rule:
    kind, modifiers = found[1], found[2]
    if b"/" in modifiers or b"p" in modifiers:
        name = "/" if b"/" in modifiers else "p"
        raise BadPattern(f"the modifier {name!r} is not built", 2)
    sends, receives = _SIDES[kind]
    if b"s" in modifiers or b"r" in modifiers:
        sends, receives = b"s" in modifiers, b"r" in modifiers
    rule = made(pattern, keeps=kind in _KEEPS, below=below)
    return replace(rule, sends=sends, receives=receives, negated=b"!" in modifiers)


def made(pattern: bytes, *, keeps: bool, below: bytes = b"") -> Rule:
    """A rule for both sides.

    Raises:
        BadPattern: the pattern is none.
    """
    if not pattern.strip(b"/"):
        raise BadPattern("a pattern needs a name", 1)
    if b"\0" in pattern:
        raise BadPattern("no name has a NUL in it", pattern.index(b"\0") + 1)
    tree = pattern.endswith(b"/***")
    directories = pattern.endswith(b"/")
    body = pattern.rstrip(b"/") if directories else pattern
    if not _WILD.search(body):
        # There, a backslash is a character like any other.
        body = body.replace(b"\\", b"\\\\")
    anchor = b"/" + re.escape(below) if below else b""
    if body.startswith(b"/"):
        regex = anchor + translated(body)
    else:
        regex = (b"" if body.startswith(b"**") else b"(?:.*/)") + translated(body)
    return Rule(re.compile(regex, re.DOTALL), keeps, True, True, directories, tree)


def kept(rules: Iterable[Rule | Clear]) -> tuple[Rule, ...]:
    """What is left when those that forget have been heard."""
    found: list[Rule] = []
    for each in rules:
        if isinstance(each, Rule):
            found.append(each)
        else:
            found.clear()
    return tuple(found)


def parse_file(content: bytes, below: bytes) -> tuple[Rule, ...]:
    """The rules in a directory's own file.

    Raises:
        ModuleError: a line is none.
    """
    rules: list[Rule | Clear] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        text = line.rstrip(b"\r")
        if not text.strip() or text[:1] in (b"#", b";"):
            continue
        try:
            rules += filter_rule(text, below)
        except BadPattern as error:
            where = f"{path_of(below)}/{MERGED.decode()}".lstrip("/")
            raise ModuleError(f"{where}, line {number}: {error.message}") from error
    return kept(rules)


def from_files(files: Mapping[bytes, bytes]) -> OfDirectory:
    """Rules of directories whose files are known already.

    Args:
        files: content by directory.

    Raises:
        ModuleError: a line of one is no rule.
    """
    rules = {directory: parse_file(content, directory) for directory, content in files.items()}
    return lambda directory: rules.get(directory, ())


def read_patterns(path: str, *, keeps: bool) -> tuple[Rule | Clear, ...]:
    """The patterns of ``--exclude-from`` (or ``--include-from``), one a line.

    Raises:
        ModuleError: the file can't be read, or a line is none.
    """
    try:
        with open(path, "rb") as file:
            lines = file.read().split(b"\n")
    except OSError as error:
        raise ModuleError(f"{path}: {error.strerror}") from error
    found: list[Rule | Clear] = []
    for number, line in enumerate(lines, start=1):
        text = line.rstrip(b"\r")
        if not text or text[:1] in (b"#", b";"):
            continue
        try:
            found += exclude_rule(text, keeps=keeps)
        except BadPattern as error:
            raise ModuleError(f"{path}, line {number}: {error.message}") from error
    return tuple(found)
