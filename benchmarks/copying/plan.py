"""What is copied to whom, and how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is copied."""

    big: int
    """Bytes of the file for one host."""
    big_for_many: int
    """Bytes of the file for several hosts."""
    huge: int
    """Bytes of the file that is there to show whether memory stays flat; 0 for none."""
    files: int
    """In the tree."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing, one direction, so many hosts at once."""

    put: bool
    what: str
    """``big``, ``tree`` or ``huge``."""
    amount: int
    """Bytes of a file, files of a tree."""
    hosts: int
    reps: int
    again: bool = False
    """Behind the last round it is all done once more, what was copied being there already."""

    def __str__(self) -> str:
        thing = f"{self.amount:,} files" if self.what == "tree" else size_words(self.amount)
        end = "" if self.hosts == 1 else "s"
        return f"{'put' if self.put else 'get'} {thing}, {self.hosts:,} host{end}"


def size_words(size: int) -> str:
    """``1 GB``, ``200 MB``."""
    return f"{size / 1e9:g} GB" if size >= 1e9 else f"{size / 1e6:g} MB"


def plan(hosts: Sequence[int], sizes: Sizes, reps: int) -> list[Scenario]:
    """File and tree, there and back, to each number of hosts; behind one host's, the huge file."""
    made = []
    for count in hosts:
        amounts = {"big": sizes.big if count == 1 else sizes.big_for_many, "tree": sizes.files}
        rounds = reps if count == 1 else max(1, reps - 1)
        for what, amount in amounts.items():
            for put in (True, False):
                made.append(Scenario(put, what, amount, count, rounds, put and count == 1))
        if count == 1 and sizes.huge:
            made += [Scenario(put, "huge", sizes.huge, 1, 1) for put in (True, False)]
    return made
