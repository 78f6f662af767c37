"""Many host names in few words: ``web[01-20] (20)``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from opsrun.views.sanitise import sanitise_line

_FOLDABLE = re.compile(r"(?!.*[0-9]{19})[A-Za-z0-9_.:-]*[A-Za-z_.:-][A-Za-z0-9_.:-]*\Z")
_NUMBER = re.compile(r"[0-9]+")
_SPLIT = re.compile(r"([0-9]+)")
_SMALL = 100
"""So many names with several numbers each are folded over all of them; the work grows with the
square of their number."""


def fold(names: Iterable[str]) -> str:
    """The names, sorted and folded as a ClusterShell node set, fit for a terminal.

    Names that no node set can hold stand beside it as they are.

    >>> fold(["web2", "web1", "db"])
    'db,web[1-2]'
    """
    known = sorted(set(names), key=_natural)
    if len(known) < 2:
        return "".join(map(sanitise_line, known))
    foldable = [name for name in known if _FOLDABLE.match(name)]
    others = [sanitise_line(name) for name in known if not _FOLDABLE.match(name)]
    return ",".join([*_folded(foldable), *others])


def label(names: Iterable[str]) -> str:
    """As `fold`, followed by how many they are: ``web[1-2] (2)``; one name stands alone."""
    known = set(names)
    return f"{fold(known)} ({len(known)})" if len(known) > 1 else fold(known)


def _folded(names: Sequence[str]) -> list[str]:
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

    folded = []
    for part in _parts(names):
        try:
            nodes = NodeSet.fromlist(part, resolver=RESOLVER_NOGROUP)
        except NodeSetException:
            nodes = ()
        exact = set(nodes) == set(part)
        folded.append(str(nodes) if exact else ",".join(part))
    return folded


def _parts(names: Sequence[str]) -> Iterable[Sequence[str]]:
    """Names whose folding together stays cheap: all, or those that differ in one number alone."""
    several = sum(len(_NUMBER.findall(name)) > 1 for name in names)
    if several <= _SMALL:
        return [names] if names else []
    shapes: dict[str, list[str]] = defaultdict(list)
    for name in names:
        shapes[_NUMBER.sub("\0", name)].append(name)
    return [part for shape in shapes.values() for part in _along_one_number(shape)]


def _along_one_number(names: Sequence[str]) -> Iterable[Sequence[str]]:
    """Parts of names of one shape that differ in one number: the one that gives fewest parts."""
    words = [_SPLIT.split(name) for name in names]
    best: dict[tuple[str, ...], list[str]] | None = None
    for axis in range(1, len(words[0]), 2):
        parts: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name, split in zip(names, words, strict=True):
            parts[(*split[:axis], *split[axis + 1 :])].append(name)
        if best is None or len(parts) < len(best):
            best = parts
    return [names] if best is None else best.values()


def _natural(name: str) -> tuple[tuple[int, int, str, str], ...]:
    """Sorts ``web2`` before ``web10``."""
    words = _SPLIT.split(name)
    return tuple(
        (i % 2, len(w.lstrip("0")) * (i % 2), w.lstrip("0"), w) for i, w in enumerate(words)
    )
