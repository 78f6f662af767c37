"""Many names in a short text: ``web[01:20:2]`` (Ansible) and ``web[01-20,25]`` (ClusterShell).

Both may stand in one pattern. What is between brackets tells them apart: a colon is Ansible's,
whose end is included; digits with a dash or comma are a node set, read by ClusterShell's RangeSet.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Iterable, Sequence

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException
from ClusterShell.RangeSet import RangeSet, RangeSetException

LIMIT = 1_000_000
"""Names that one pattern may stand for; more is a slip of the keyboard."""
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_NODES = re.compile(r"[0-9]+(?:-[0-9]+(?:/[0-9]+)?)?(?:,[0-9]+(?:-[0-9]+(?:/[0-9]+)?)?)*")
_FOLDABLE = re.compile(r"[A-Za-z0-9_.-]+")


class RangeError(ValueError):
    """A range can't be read; the message says what was expected."""


def expand(pattern: str) -> list[str]:
    """Every name that ``pattern`` stands for, in the order of its ranges; itself if it has none.

    Raises:
        RangeError: brackets that don't match, a bad range, or more than `LIMIT` names.

    >>> expand("web[08:10]"), expand("db[a:c:2]"), expand("r[1-2]n[3,5]")
    (['web08', 'web09', 'web10'], ['dba', 'dbc'], ['r1n3', 'r1n5', 'r2n3', 'r2n5'])
    """
    if "[" not in pattern and "]" not in pattern:
        return [pattern]
    parts = _BRACKETS.split(pattern)
    if any(char in part for part in parts[::2] for char in "[]"):
        raise RangeError(f"brackets don't match in {pattern!r}")
    choices = [_choices(part) if n % 2 else [part] for n, part in enumerate(parts)]
    _check_size(pattern, choices)
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def _check_size(pattern: str, choices: Iterable[Sequence[str]]) -> None:
    size = 1
    for choice in choices:
        size *= len(choice)
    if size > LIMIT:
        raise RangeError(f"{pattern!r} stands for {size} names; the limit is {LIMIT}")


def _choices(inner: str) -> Sequence[str]:
    if ":" in inner:
        return _colon_range(inner)
    if _NODES.fullmatch(inner):
        return _node_range(inner)
    raise RangeError(f"[{inner}] is no range; expected [01:20], [a:f], [01:20:2] or [01-20]")


def _node_range(inner: str) -> Sequence[str]:
    for first, last in re.findall(r"([0-9]+)-([0-9]+)", inner):
        if int(last) - int(first) >= LIMIT:
            raise RangeError(f"[{inner}] stands for more than {LIMIT} names")
    try:
        return [str(number) for number in RangeSet(inner).striter()]
    except RangeSetException as error:
        raise RangeError(f"[{inner}] is no range: {error}") from error


def _colon_range(inner: str) -> Sequence[str]:
    first, last, *rest = inner.split(":")
    if len(rest) > 1:
        raise RangeError(f"[{inner}] has too many colons; expected [begin:end:step]")
    if not last:
        raise RangeError(f"[{inner}] lacks its end; expected [begin:end]")
    step = _step(inner, rest[0] if rest else "1")
    if first in string.ascii_letters and last in string.ascii_letters and first:
        return _letters(inner, first, last, step)
    return _numbers(inner, first or "0", last, step)


def _step(inner: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise RangeError(f"the step of [{inner}] must be a number above 0")
    return int(text)


def _letters(inner: str, first: str, last: str, step: int) -> Sequence[str]:
    begin, end = string.ascii_letters.find(first), string.ascii_letters.find(last)
    if len(first) != 1 or len(last) != 1:
        raise RangeError(f"[{inner}] must run from one letter to another")
    if begin > end:
        raise RangeError(f"[{inner}] runs backwards (a to z come before A to Z)")
    return string.ascii_letters[begin : end + 1 : step]


def _numbers(inner: str, first: str, last: str, step: int) -> Sequence[str]:
    if not all(part.isascii() and part.isdigit() for part in (first, last)):
        raise RangeError(f"[{inner}] must run between two numbers or two letters")
    padded = len(first) > 1 and first.startswith("0")
    if padded and len(first) != len(last):
        raise RangeError(f"begin and end of [{inner}] must have the same number of digits")
    begin, end = int(first), int(last)
    if begin > end:
        raise RangeError(f"[{inner}] runs backwards")
    if (end - begin) // step >= LIMIT:
        raise RangeError(f"[{inner}] stands for more than {LIMIT} names")
    width = len(first) if padded else 0
    return [str(number).zfill(width) for number in range(begin, end + 1, step)]


def is_node_set(text: str) -> bool:
    """True for ``web[01-20]``, ``web[1,3]``, ``r[1-2]n[1-4]``: every bracket holds node numbers,
    and at least one of them more than a single number.

    >>> is_node_set("web[1-3]"), is_node_set("web[1]"), is_node_set("web[1:3]")
    (True, False, False)
    """
    inner = _BRACKETS.findall(text)
    plain = bool(inner) and all(_NODES.fullmatch(part) for part in inner)
    return plain and any("-" in part or "," in part for part in inner)


def fold(names: Iterable[str]) -> str:
    """The shortest text for ``names``, duplicates dropped: ``db1,web[01-20]``.

    Names with characters that mean something to a node set are listed as they are.

    >>> fold(["web02", "db1", "web01", "web02"])
    'db1,web[01-02]'
    """
    unique = dict.fromkeys(names)
    foldable = [name for name in unique if _FOLDABLE.fullmatch(name)]
    others = [name for name in unique if not _FOLDABLE.fullmatch(name)]
    try:
        folded = str(NodeSet.fromlist(foldable, resolver=RESOLVER_NOGROUP))
    except NodeSetException:
        return ",".join(unique)
    return ",".join([folded, *others] if folded else others)
