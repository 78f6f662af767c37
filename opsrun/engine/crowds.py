"""Whose turn is it, where many want to the same door: an order in which crowds hold up nobody."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Door:
    """What only so many get through at once: one server's logins, one jump host's tunnels."""

    key: Hashable
    width: float = math.inf
    """So many in front of it, and who wants to it as well had better not start yet."""


OPEN = Door(None)
"""No door at all."""


class Crowds(Generic[Item]):
    """Items in their order, but those that would only stand in front of a full door come later.

    Each step costs the logarithm of the number of doors, however long the crowds are. Not safe for
    several tasks.

    Args:
        items: in the order in which they are wanted.
        door: what an item has to get through.
    """

    def __init__(self, items: Iterable[Item], door: Callable[[Item], Door]) -> None:
        self._behind: dict[Door, deque[tuple[int, Item]]] = {}
        self._inside: dict[Door, int] = {}
        self.left = 0
        """Items that were not taken yet."""
        for position, item in enumerate(items):
            self._behind.setdefault(door(item), deque()).append((position, item))
            self.left += 1
        self._numbers = {door: number for number, door in enumerate(self._behind)}
        self._doors = list(self._behind)
        # Every door in it has somebody behind it, and is there once; whether it has room is looked
        # at when it comes up.
        self._ready = [(crowd[0][0], self._numbers[door]) for door, crowd in self._behind.items()]
        heapq.heapify(self._ready)
        self._full: set[int] = set()

    def take(self, *, regardless: bool = False) -> tuple[Item, Door] | None:
        """The first item whose door has room, which it takes up; None where all are full.

        ``regardless`` of that, for items that won't go there at all.
        """
        if regardless:
            self._reopen()
        while self._ready:
            _, number = heapq.heappop(self._ready)
            door = self._doors[number]
            if not regardless and self._inside.get(door, 0) >= door.width:
                self._full.add(number)
                continue
            crowd = self._behind[door]
            _, item = crowd.popleft()
            if crowd:
                heapq.heappush(self._ready, (crowd[0][0], number))
            self.left -= 1
            self.enter(door)
            return item, door
        return None

    def enter(self, door: Door) -> None:
        """Somebody stands in front of a door, though it may be full."""
        self._inside[door] = self._inside.get(door, 0) + 1

    def leave(self, door: Door) -> bool:
        """Somebody is through, or has gone; whether somebody else may go there for that."""
        self._inside[door] -= 1
        number = self._numbers[door]
        if number not in self._full or self._inside[door] >= door.width:
            return False
        self._full.discard(number)
        heapq.heappush(self._ready, (self._behind[door][0][0], number))
        return True

    def _reopen(self) -> None:
        for number in self._full:
            heapq.heappush(self._ready, (self._behind[self._doors[number]][0][0], number))
        self._full.clear()
