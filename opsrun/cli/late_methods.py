"""Methods of dataclasses that are compiled when they are first called.

dataclasses writes six methods for a frozen class and compiles each of them, which took a third of
the time in which a command is imported; most of them are never called in a run. What is put in
the place of a method here compiles it at the first call, and gives its place to it.

That reaches into dataclasses (``_create_fn``, Python 3.11 and 3.12), so it is declared here alone,
is done by the command in its own process and never by the library, and is left undone where
dataclasses looks different: from 3.13 on all methods of a class are compiled together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

_SEAM = "_create_fn"
_PARAMETERS = ("name", "args", "body", "globals", "locals", "return_type")


def fits() -> bool:
    """Whether this Python's dataclasses is the one that we know."""
    found = getattr(dataclasses, _SEAM, None)
    found = getattr(found, "compiles", found)
    return found is not None and found.__code__.co_varnames[: len(_PARAMETERS)] == _PARAMETERS


def install() -> None:
    """Let dataclasses that are made from now on be late; done once, and only where it `fits`."""
    create = getattr(dataclasses, _SEAM, None)
    if create is not None and not hasattr(create, "compiles") and fits():
        setattr(dataclasses, _SEAM, _late(create))


def uninstall() -> None:
    """Let them be as they were."""
    if original := getattr(getattr(dataclasses, _SEAM, None), "compiles", None):
        setattr(dataclasses, _SEAM, original)


def _late(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_later(name: str, *source: Any, **settings: Any) -> Callable[..., Any]:
        made: list[Any] = []

        def stand_in(*words: Any, **named: Any) -> Any:
            if not made:
                method = create(name, *source, **settings)
                method.__qualname__ = stand_in.__qualname__
                made.append(method)
                _give_place(words[0], name, stand_in, method)
            return made[0](*words, **named)

        stand_in.__name__ = name
        return stand_in

    create_later.compiles = create  # type: ignore[attr-defined]
    return create_later


def _give_place(itself: object, name: str, stand_in: object, method: object) -> None:
    # A class that wraps the method, as it does with __repr__, keeps the stand-in.
    for owner in type(itself).__mro__:
        if owner.__dict__.get(name) is stand_in:
            setattr(owner, name, method)
