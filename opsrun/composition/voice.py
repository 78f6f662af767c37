"""What the connections of one or more runs have to say, and through which run they say it."""

from __future__ import annotations

from collections.abc import Callable

from opsrun.events import Event, Notice

STORY = 2
"""Verbosity from which on connections tell their story; one more, and paramiko's log comes too."""


class Voice:
    """Warnings, and the connections' story; said in the latest run that is under way.

    Args:
        verbosity: from `STORY` on, the story is told.
    """

    def __init__(self, verbosity: int = 0) -> None:
        self._verbosity = verbosity
        self._early: list[Event] = []
        self._runs: list[Callable[[Event], None]] = []

    @property
    def tells_story(self) -> bool:
        """Whether the connections tell what they do."""
        return self._verbosity >= STORY

    @property
    def tells_all(self) -> bool:
        """Whether paramiko does as well."""
        return self._verbosity > STORY

    def take_early(self) -> list[Event]:
        """What there was to say before a run that could say it."""
        early = self._early[:]
        self._early.clear()
        return early

    def speak_through(self, emit: Callable[[Event], None]) -> None:
        """A run has begun, whose stream takes warnings, and the connections' story."""
        self._runs.append(emit)

    def fall_silent(self, emit: Callable[[Event], None]) -> None:
        """That run is over; what there is to say from now on is said by another one."""
        if emit in self._runs:
            self._runs.remove(emit)

    def emit(self, event: Event) -> None:
        """Say something through the latest run that is under way, or else through the next one."""
        latest = self._runs[-1:]
        (latest[0] if latest else self._early.append)(event)

    def warn(self, words: str, host: str = "") -> None:
        """Warn of something, that is one host's or nobody's."""
        self.emit(Notice("warning", words, host))

    def tell(self, line: str) -> None:
        """A line of the story that is no one host's."""
        if self.tells_story:
            self.emit(Notice("debug", line))

    def tell_of(self, host: str, line: str) -> None:
        """A line of one host's story."""
        if self.tells_story:
            self.emit(Notice("debug", line, host))
