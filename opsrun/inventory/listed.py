"""Hosts that are simply named: ``-i h1,h2,`` and ``--hostfile``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from opsrun.dialect.text import SHOWN
from opsrun.errors import InventoryError
from opsrun.inventory.draft import Draft, DraftError
from opsrun.inventory.model import UNGROUPED, Origin, Value
from opsrun.inventory.names import split_port
from opsrun.inventory.ranges import RangeError, expand
from opsrun.inventory.text import Place

STDIN = "-"


def read_list(source: str, draft: Draft) -> None:
    """Add the hosts of a comma-separated list; each may have a port and ranges.

    Raises:
        InventoryError: one of them can't be a host.
    """
    origin = Origin(source, kind="list")
    for pattern in split_commas(source):
        try:
            _add(pattern, origin, draft)
        except (DraftError, RangeError, ValueError) as error:
            raise InventoryError(f"{error} (in the host list)", path=source) from error


def read_hostfile(path: str, place: Place, draft: Draft) -> None:
    """Add the hosts of a file: a host or node set a line (or several, separated by commas or
    spaces), ``#`` begins a comment. ``-`` is standard input.

    Raises:
        InventoryError: the file can't be read, or a line holds no host's name.
    """
    for pattern, number, column, line in _words(path, place):
        origin = Origin(_shown(path), number, column, "hostfile")
        try:
            _add(pattern, origin, draft)
        except (DraftError, RangeError, ValueError) as error:
            raise InventoryError(
                str(error), path=_shown(path), line=number, column=column, text=line[:SHOWN]
            ) from error


def names_in_file(path: str, place: Place) -> list[str]:
    """The names in a file of hosts, ranges expanded, in its order; for patterns such as ``@file``.

    Raises:
        InventoryError: the file can't be read, or a range in it is wrong.
    """
    names = []
    for pattern, number, column, line in _words(path, place):
        try:
            names += expand(pattern)
        except RangeError as error:
            raise InventoryError(
                str(error), path=_shown(path), line=number, column=column, text=line[:SHOWN]
            ) from error
    return names


def split_commas(text: str) -> list[str]:
    """The parts between commas outside brackets, without blanks around them or empty ones.

    >>> split_commas("web[1,3], db,")
    ['web[1,3]', 'db']
    """
    parts, depth = [""], 0
    for char in text:
        depth += (char == "[") - (char == "]")
        if char == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def _add(pattern: str, origin: Origin, draft: Draft) -> None:
    name, port = split_port(pattern)
    values = {"ansible_port": Value(port, origin)} if port is not None else {}
    draft.add_hosts(expand(name), UNGROUPED, values, origin)


def _words(path: str, place: Place) -> Iterator[tuple[str, int, int, str]]:
    text = sys.stdin.read() if path == STDIN else place.read(path)
    for number, line in enumerate(text.splitlines(), 1):
        for part in split_commas(line.partition("#")[0]):
            for word in part.split():
                yield word, number, line.find(word) + 1, line


def _shown(path: str) -> str:
    return "<stdin>" if path == STDIN else path
