"""What dnf and yum print: the transaction that they would make, and why they make none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opsrun.modules.packages.rpm_database import Package

_RULE = re.compile(r"^=+\n", re.MULTILINE)
_HEADING = re.compile(r"^(\S[^\n]*):\n", re.MULTILINE)
# A long name stands alone on its line, and the other columns on the next.
_ROW = re.compile(
    r"^ (?P<name>\S+)\s+(?P<arch>\S+)\s+(?:(?P<epoch>\d+):)?(?P<evr>\S+)\s+(?P<repo>\S+)\s+"
    r"\d[\d.,]*(?: ?[kMGTPE](?:iB)?| B)?\s*$",
    re.MULTILINE,
)
_REPLACING = re.compile(r"^ +replacing +(?P<na>\S+) +(?P<evr>\S+)", re.MULTILINE)
_FILTERED = re.compile(r"^All matches were filtered out .*for argument: (.*)", re.MULTILINE)
_NOT_FOUND = re.compile(r"^Error: Unable to find a match: (.*)")
_UNKNOWN = re.compile(
    r"^(?:No match for argument|No package (?P<old>\S+) available)(?:: (?P<new>.*))?"
)
_GROUP = re.compile(
    r"^(?:Module or Group|Warning: [Gg]roup) '?(?P<group>[^']+)'? (?:is not|does not)"
)
_ERROR = re.compile(r"^(?:Error|Errors during downloading metadata for repository '[^']*'):\s*")
_NOISE = re.compile(
    r"\(try to add |You can remove cached |Unable to detect release |Last metadata expiration |"
    r"Is this ok |Operation aborted|The downloaded packages were saved in cache"
)
_SIGNATURE = re.compile(
    r".*(?: is not signed|is not installed\. Failing package is|GPG Keys? )[^\n]*", re.MULTILINE
)

LOCKED = 200
"""Exit status where another process holds a lock (dnf(8))."""

_TAKING_OVER = ("upgrad", "downgrad", "updat")
_COMING = ("install", "upgrad", "downgrad", "reinstall", "updat")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What would change."""

    coming: tuple[str, ...] = ()
    """Names with version and architecture: ``foo-1:2.0-1.noarch``."""
    going: tuple[str, ...] = ()
    replacing: tuple[tuple[str, str], ...] = ()
    """Name and architecture of those that take the place of another version."""
    downgrades: tuple[str, ...] = ()
    """Those of ``coming`` that are older than what is there."""

    def __bool__(self) -> bool:
        return bool(self.coming or self.going)

    def results(self, installed: Iterable[Package]) -> list[str]:
        """As sentences, given what is there: tables don't say which version goes."""
        old = [str(each) for each in installed if (each.name, each.arch) in self.replacing]
        gone = dict.fromkeys([*self.going, *old])
        return [
            *(f"Installed: {each}" for each in self.coming),
            *(f"Removed: {each}" for each in gone),
        ]


def read_transaction(printed: str) -> Transaction:
    """The table that stands before the question whether to go on; empty where there is none."""
    table = printed.partition("\nTransaction Summary")[0]
    found = _RULE.split(table)
    if len(found) < 3 or table == printed:
        return Transaction()
    coming: list[str] = []
    going: list[str] = []
    replacing: list[tuple[str, str]] = []
    downgrades: list[str] = []
    for heading, text in _sections(found[2]):
        kind = heading.lower()
        rows = [_nevra(each) for each in _ROW.finditer(text)]
        if kind.startswith("remov"):
            going += rows
        elif kind.startswith(_COMING):
            coming += rows
            going += [_replaced(each) for each in _REPLACING.finditer(text)]
        if kind.startswith(_TAKING_OVER):
            replacing += [(each["name"], each["arch"]) for each in _ROW.finditer(text)]
        if kind.startswith("downgrad"):
            downgrades += rows
    return Transaction(tuple(coming), tuple(going), tuple(replacing), tuple(downgrades))


def _sections(body: str) -> Iterator[tuple[str, str]]:
    _, *parts = _HEADING.split(body)
    yield from zip(parts[::2], parts[1::2], strict=True)


def _nevra(row: re.Match[str]) -> str:
    epoch = f"{row['epoch']}:" if row["epoch"] and int(row["epoch"]) else ""
    return f"{row['name']}-{epoch}{row['evr']}.{row['arch']}"


def _replaced(row: re.Match[str]) -> str:
    name, _, arch = row["na"].rpartition(".")
    return f"{name}-{row['evr']}.{arch}"


def together(tables: Iterable[Transaction]) -> Transaction:
    """What several come to."""
    every = list(tables)
    return Transaction(
        tuple(dict.fromkeys(each for table in every for each in table.coming)),
        tuple(dict.fromkeys(each for table in every for each in table.going)),
        tuple(dict.fromkeys(each for table in every for each in table.replacing)),
        tuple(dict.fromkeys(each for table in every for each in table.downgrades)),
    )


def unknown(printed: str) -> list[str]:
    """What was asked for and is in no repository."""
    found = []
    for line in printed.splitlines():
        for pattern in (_UNKNOWN, _GROUP):
            told = pattern.match(line)
            if told is not None:
                found.append(next(filter(None, told.groups()), "").strip())
        if told := _NOT_FOUND.match(line):
            found += told[1].split()
    return list(dict.fromkeys(filter(None, found)))


def excluded(printed: str) -> dict[str, str]:
    """What was asked for and is left out by the host's or the task's own word, with that word."""
    return {found[1]: found[0] for found in _FILTERED.finditer(printed)}


def why(printed: str) -> str:
    """The words behind ``Error:`` and what follows, and what signatures there are none of; the
    last lines where there are no such words."""
    lines = [each.rstrip() for each in printed.splitlines() if not _NOISE.match(each)]
    unsigned = list(dict.fromkeys(_SIGNATURE.findall(printed)))
    starts = [number for number, line in enumerate(lines) if _ERROR.match(line)]
    if not starts:
        return "\n".join(filter(None, lines[-5:]))
    told = [_ERROR.sub("", line) for line in lines[starts[0] :]]
    return "\n".join(filter(None, [*(each for each in unsigned if each not in told), *told]))
