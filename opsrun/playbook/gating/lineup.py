"""Which play may begin when: behind all before it, or behind those that ``after`` names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opsrun.errors import PlaybookError, did_you_mean
from opsrun.playbook.model.nodes import Play


class Lineup:
    """The plays of a playbook, as an order that leaves open what nobody ordered.

    A play without ``after`` begins when all that stand before it have ended; one with ``after``,
    when those that it names have. ``after: []`` begins at once.

    Args:
        plays: in the order of the file.

    Raises:
        PlaybookError: ``after`` names no play, or several wait for each other.
    """

    def __init__(self, plays: Sequence[Play]) -> None:
        self.plays = {play.index: play for play in plays}
        self.before = {play.index: self._before(play, plays) for play in plays}
        self._refuse_circles()
        self._waiting = dict(self.plays)
        self._under_way: set[int] = set()
        self._ended: set[int] = set()

    def _before(self, play: Play, plays: Sequence[Play]) -> set[int]:
        if play.after is None:
            return {each.index for each in plays if each.index < play.index}
        found: set[int] = set()
        for name in play.after:
            named = {each.index for each in plays if name in _names(each)} - {play.index}
            if not named:
                known = [each for other in plays for each in _names(other) if other is not play]
                words = f"after: there is no other play {name!r}{did_you_mean(name, known)}"
                raise _wrong(play, words)
            found |= named
        return found

    def _refuse_circles(self) -> None:
        left = dict(self.before)
        while left:
            free = [index for index, before in left.items() if not before & left.keys()]
            if not free:
                raise _wrong(self.plays[min(left)], f"after: {self._circle(left)}")
            for index in free:
                del left[index]

    def _circle(self, left: Mapping[int, set[int]]) -> str:
        path, at = [], min(left)
        while at not in path:
            path.append(at)
            at = min(left[at] & left.keys())
        names = [repr(_name(self.plays[index])) for index in (*path[path.index(at) :], at)]
        return "plays that follow each other in a circle: " + " after ".join(names)

    @property
    def is_over(self) -> bool:
        """Whether nothing is under way, and nothing more can begin."""
        return not self._under_way and not self._waiting

    def ready(self) -> list[Play]:
        """Plays that may begin now; each is given once."""
        found = [
            play for index, play in self._waiting.items() if not self.before[index] - self._ended
        ]
        for play in found:
            del self._waiting[play.index]
            self._under_way.add(play.index)
        return found

    def end(self, play: Play, why: str = "") -> list[tuple[Play, str]]:
        """A play has ended.

        Args:
            play: which.
            why: the reason for which no other is to follow it; empty if they may.

        Returns:
            Those that will never begin because of it, each with the reason.
        """
        self._under_way.discard(play.index)
        if not why:
            self._ended.add(play.index)
            return []
        return self._left_out({play.index}, why)

    def _left_out(self, failed: set[int], why: str) -> list[tuple[Play, str]]:
        found: list[tuple[Play, str]] = []
        for index, play in list(self._waiting.items()):
            if self.before[index] & failed:
                failed.add(index)
                del self._waiting[index]
                found.append((play, why))
        return found

    def give_up(self) -> list[Play]:
        """Nothing more is to begin."""
        left, self._waiting = list(self._waiting.values()), {}
        return left

    def behind(self) -> dict[int, set[int]]:
        """By play that has not begun, those that have to end before it does."""
        return {index: self.before[index] - self._ended for index in self._waiting}


def _names(play: Play) -> tuple[str, ...]:
    """What a play may be called in ``after``: as written, its hosts if it has no name."""
    return (_name(play),)


def _name(play: Play) -> str:
    if play.name:
        return str(play.name)
    hosts = play.hosts
    return ",".join(map(str, hosts)) if isinstance(hosts, list) else str(hosts)


def _wrong(play: Play, message: str) -> PlaybookError:
    origin = play.origin
    return PlaybookError(message, path=origin.path, line=origin.line, column=origin.column)
