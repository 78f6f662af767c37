"""A value that must not be seen: it prints as ``********`` wherever it ends up."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NoReturn, Protocol

MASK = "********"
SHORTEST = 4
"""Characters. What is shorter is found everywhere: to take it out would leave no text readable."""
_KNOWN: set[str] = set()


def note(text: str) -> None:
    """Remember that ``text`` is secret: whoever writes something down asks `known`."""
    if len(text) >= SHORTEST:
        _KNOWN.add(text)


def known() -> Collection[str]:
    """Every text that was noted so far; it grows and never shrinks."""
    return _KNOWN


class Secret:
    """Holds a text that never shows in repr, str, format, JSON or a pickle.

    Only `reveal` gives the text, so that every use can be found by its name. Refusing to pickle is
    what keeps it out of journals and other processes.

    >>> from opsrun import Secret
    >>> f"{Secret('hunter2')}"
    '********'
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def noted(cls, text: str) -> Secret:
        """One that is to be written down nowhere, see `note`."""
        note(text)
        return cls(text)

    def reveal(self) -> str:
        """The text itself. Hand it to the protocol that needs it, and to nothing else."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled or copied out of its process")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self


class Ask(Protocol):
    """Asks the operator for a secret."""

    def __call__(self, prompt: str, given_up: Callable[[], bool], /) -> Secret | None:
        """What was said; None where nothing was, or there is nobody to ask.

        Called in a task of the engine's, which it must not hold up for others; it ends soon after
        ``given_up`` says that nobody waits for the answer any more.
        """
