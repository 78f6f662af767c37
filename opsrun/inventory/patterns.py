"""Host patterns: which hosts an operator means. Pure, but for the files that a pattern names.

A pattern is a list of terms, separated by commas, colons or blanks outside brackets. Whatever their
order, plain terms are united first, then ``&term`` intersects, then ``!term`` takes away; with no
plain term at all one starts from every host. A term is, tried in this order:

===================  ===========================================================================
``~regex``           hosts, and members of groups, whose name the regular expression matches from
                     its beginning
``^file``            the hosts that a file names, one a line
``@last:failed``     hosts of a run that was written down, by how it ended for them: ``@last``,
                     ``@last~2`` or ``@`` and (the beginning of) its id, then ``failed``,
                     ``unreachable``, ``lost``, ``success``, ``changed``, ``all`` …, or several of
                     these with ``+`` between
``@name``            the group of that name, as in ClusterShell, else the file of that name
``name``             a host, or else a group
``web[01-20,25]``    a node set: each of its hosts must be known
``web[0]``           the first host of what stands before the bracket; ``web[-1]`` the last,
``web[1:3]``         the second to the fourth, ``web[1:]`` all but the first
``web*``, ``w?b``    hosts and members of groups whose name matches, as in a shell
===================  ===========================================================================

A range with a dash is always a node set: ``web[0-5]`` means the hosts web0 to web5 even where
``web`` is a group, and positions in a group are written ``web[0:5]``. One number alone, ``web[1]``,
is a position where ``web`` is a group, host or pattern, and the host ``web1`` otherwise.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from opsrun.errors import PatternError, did_you_mean
from opsrun.inventory.ranges import RangeError, expand, is_node_set

LOCALHOST = ("localhost", "127.0.0.1", "::1")
"""Names that stand for this machine even where no source lists them."""
_SUBSCRIPT = re.compile(r"(.+)\[(?:(-?[0-9]+)|([0-9]+):([0-9]*))\]")
_RUN = re.compile(r"@(last(?:~[0-9]+)?|[0-9a-f]{4,32}):([a-z]+(?:\+[a-z]+)*)(?=[,:\s]|\Z)")
_OPEN = {"[": "]", "(": ")", "{": "}"}

Operator = Literal["", "&", "!"]


class Universe(Protocol):
    """The names that there are."""

    @property
    def hosts(self) -> Mapping[str, object]:
        """Hosts by name, in inventory order."""

    @property
    def groups(self) -> Mapping[str, object]:
        """Groups by name."""

    def members(self, group: str) -> Sequence[str]:
        """The names of all hosts in a group and below it."""


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a pattern."""

    operator: Operator
    text: str
    column: int
    """1-based, in the whole pattern."""


def parse(pattern: str) -> list[Term]:
    """The terms of ``pattern``, as written.

    Raises:
        PatternError: there is none, or an operator stands alone.

    >>> [term.operator + term.text for term in parse("web:&prod:!db[1:3], ~w(a|b)")]
    ['web', '&prod', '!db[1:3]', '~w(a|b)']
    """
    terms = []
    for text, column in _split(pattern):
        operator = text[0] if text[0] in "&!" else ""
        rest = text[len(operator) :]
        if not rest:
            raise _error(pattern, column, f"a name must follow {operator!r}")
        terms.append(Term(operator, rest, column + len(operator)))  # type: ignore[arg-type]
    if not terms:
        raise PatternError("the host pattern is empty; `all` means every host")
    return terms


def _split(pattern: str) -> list[tuple[str, int]]:
    found = []
    start = 0
    while start < len(pattern):
        end = _term_end(pattern, start)
        if end > start:
            found.append((pattern[start:end], start + 1))
        start = end + 1
    return found


def _term_end(pattern: str, start: int) -> int:
    """Where the term that begins at ``start`` ends: at the next separator outside brackets."""
    blank = re.compile(r"[,\s]|$").search(pattern, start)
    word_end = blank.start() if blank else len(pattern)
    if _is_ipv6(pattern[start:word_end].lstrip("&!")):
        return word_end
    bare = start + len(pattern[start:]) - len(pattern[start:].lstrip("&!"))
    if run := _RUN.match(pattern, bare):
        return run.end()
    regex = pattern[start:].lstrip("&!").startswith("~")
    closers: list[str] = []
    for position in range(start, len(pattern)):
        char = pattern[position]
        if closers and char == closers[-1]:
            closers.pop()
        elif char == "[" or (regex and char in _OPEN):
            if "]" not in closers:
                closers.append(_OPEN[char])
        elif not closers and (char in ",:" or char.isspace()):
            # `(?:` and `(?P<n>` keep their colon inside the parenthesis, and so never get here.
            return position
    if closers and not regex:
        raise _error(pattern, start + 1, f"a {closers[-1]!r} is missing")
    return len(pattern)


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def evaluate(
    pattern: str,
    universe: Universe,
    read_names: Callable[[str], list[str] | None] | None = None,
    ignored: Callable[[PatternError], None] | None = None,
    of_run: Callable[[str, str], Sequence[str]] | None = None,
) -> list[str]:
    """The names of the hosts that ``pattern`` means, in its own order, without duplicates.

    A name of `LOCALHOST` that is not in the inventory is a host all the same.

    Args:
        read_names: gives the names in a file, for ``^file`` and ``@file``
            (None: no such file).
        ignored: told of each term that names nothing known, which then stands for no host; None
            makes that an error.
        of_run: gives the hosts of a run, by its name and how it ended for them; its errors come
            through.

    Raises:
        PatternError: malformed, or it names a host or group that is not known. That it selects no
            host is no error here.
    """
    terms = parse(pattern)
    matcher = _Matcher(pattern, universe, read_names, ignored, of_run)
    plain = [term for term in terms if not term.operator]
    chosen: dict[str, None] = {}
    for term in plain:
        chosen.update(dict.fromkeys(matcher.match(term)))
    if not plain:
        chosen = dict.fromkeys(universe.members("all"))
    for term in (term for term in terms if term.operator == "&"):
        common = set(matcher.match(term))
        chosen = {name: None for name in chosen if name in common}
    for term in (term for term in terms if term.operator == "!"):
        for name in matcher.match(term):
            chosen.pop(name, None)
    return list(chosen)


@dataclass(frozen=True, slots=True)
class _Matcher:
    pattern: str
    universe: Universe
    read_names: Callable[[str], list[str] | None] | None
    ignored: Callable[[PatternError], None] | None = None
    of_run: Callable[[str, str], Sequence[str]] | None = None

    def match(self, term: Term) -> Sequence[str]:
        if self.ignored is None or _RUN.fullmatch(term.text):
            return self._match(term)
        try:
            return self._match(term)
        except PatternError as error:
            self.ignored(error)
            return ()

    def _match(self, term: Term) -> Sequence[str]:
        text = term.text
        if text[0] == "~":
            return self._regex(term)
        if text[0] == "^":
            return self._file(term, text[1:])
        if run := _RUN.fullmatch(text):
            return self._run(term, run[1], run[2])
        if text[0] == "@":
            return self._group_or_file(term)
        found = self._try(term, text)
        if found is None:
            raise self._unknown(term, text)
        return found

    def _try(self, term: Term, text: str) -> Sequence[str] | None:
        """The hosts that ``text`` means, or None if it means nothing."""
        universe = self.universe
        if text in universe.hosts:
            return [text]
        if text in universe.groups:
            return universe.members(text)
        if text in LOCALHOST:
            return [text]
        if is_node_set(text):
            return self._nodes(term, text)
        if (subscript := _SUBSCRIPT.fullmatch(text)) is not None:
            return self._subscript(term, subscript)
        return self._glob(text) if _is_glob(text) else None

    def _nodes(self, term: Term, text: str) -> Sequence[str]:
        names = self._expand(term, text)
        unknown = [name for name in names if name not in self.universe.hosts]
        if not unknown:
            return names
        base = text.partition("[")[0]
        hint = (
            f"; {base!r} is a group: positions in it are written {_with_colon(text)}"
            if base in self.universe.groups
            else did_you_mean(unknown[0], self.universe.hosts)
        )
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise self._error(term, f"not in the inventory: {', '.join(unknown[:3])}{more}{hint}")

    def _expand(self, term: Term, text: str) -> list[str]:
        try:
            return expand(text)
        except RangeError as error:
            raise self._error(term, str(error)) from error

    def _subscript(self, term: Term, found: re.Match[str]) -> Sequence[str] | None:
        base, single, first, last = found.groups()
        hosts = self._try(term, base)
        if hosts is None:
            # Not a position in anything known: web[1] may be how somebody writes the host web1.
            name = base + (single or "")
            return [name] if single and name in self.universe.hosts else None
        if single is None:
            return hosts[int(first) : int(last) + 1 if last else None]
        try:
            return [hosts[int(single)]]
        except IndexError:
            raise self._error(
                term, f"{base!r} has {len(hosts)} hosts, so there is no [{single}]"
            ) from None

    def _glob(self, text: str) -> Sequence[str]:
        return self._matching(re.compile(fnmatch.translate(text)))

    def _regex(self, term: Term) -> Sequence[str]:
        try:
            return self._matching(re.compile(term.text[1:]))
        except re.error as error:
            column = term.column + 1 + (error.pos or 0)
            raise _error(self.pattern, column, f"bad regular expression: {error.msg}") from error

    def _matching(self, regex: re.Pattern[str]) -> list[str]:
        found: dict[str, None] = {}
        for group in self.universe.groups:
            if regex.match(group):
                found.update(dict.fromkeys(self.universe.members(group)))
        found.update(dict.fromkeys(name for name in self.universe.hosts if regex.match(name)))
        return list(found)

    def _run(self, term: Term, run: str, which: str) -> Sequence[str]:
        if self.of_run is None:
            raise self._error(term, f"{term.text!r} means a run, and no journal can be read here")
        names = self.of_run(run, which)
        return self._known(term, names, f"run {run} had")

    def _known(self, term: Term, names: Sequence[str], who: str) -> Sequence[str]:
        for name in names:
            if name not in self.universe.hosts and name not in LOCALHOST:
                guess = did_you_mean(name, self.universe.hosts)
                raise self._error(term, f"{who} {name!r}, not in the inventory{guess}")
        return names

    def _group_or_file(self, term: Term) -> Sequence[str]:
        name = term.text[1:]
        if name in self.universe.groups:
            return self.universe.members(name)
        return self._file(term, name, ", and no group of that name")

    def _file(self, term: Term, path: str, also: str = "") -> Sequence[str]:
        if not path:
            raise self._error(term, f"a file's name must follow {term.text[0]!r}")
        if self.read_names is None:
            raise self._error(term, f"no file can be named here{also}")
        names = self.read_names(path)
        if names is None:
            also += did_you_mean(path, self.universe.groups) if also else ""
            raise self._error(term, f"there is no file {path!r}{also}")
        return self._known(term, names, f"{path} names")

    def _unknown(self, term: Term, text: str) -> PatternError:
        known: Container[str] = self.universe.groups
        names: Iterable[str] = [*self.universe.groups, *self.universe.hosts]
        hint = did_you_mean(text, names)
        if not hint and ":" in text and text.partition("[")[0] not in known:
            hint = f"; a set of hosts is written {text.replace(':', '-')}"
        return self._error(term, f"no host or group is named {text!r}{hint}")

    def _error(self, term: Term, message: str) -> PatternError:
        return _error(self.pattern, term.column, message)


def _is_glob(text: str) -> bool:
    return any(char in text for char in "*?") or re.search(r"\[[^\]]+\]", text) is not None


def _with_colon(text: str) -> str:
    return text.replace("-", ":", 1)


def _error(pattern: str, column: int, message: str) -> PatternError:
    # A caret helps where the pattern is more than the one term that the message names anyway.
    if column == 1 and pattern in message:
        return PatternError(message)
    return PatternError(f"{message}\n  {pattern}\n  {' ' * (column - 1)}^")
