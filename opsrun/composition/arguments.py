"""What a script hands over, looked at before it is used: one error, with name and value.

A mistake in an argument would else come up hosts and floors later, as somebody else's error.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from opsrun.errors import UsageError, did_you_mean


def wrong(name: str, expected: str, value: object) -> UsageError:
    """The error about an argument.

    >>> str(wrong("forks", "a whole number from 1 on", "x"))
    "forks: expected a whole number from 1 on, found 'x' (str)"
    """
    return UsageError(f"{name}: expected {expected}, found {value!r} ({type(value).__name__})")


def text(name: str, value: object) -> str | None:
    """A text that is not empty, or None.

    Raises:
        UsageError: it is something else.
    """
    if value is None or (isinstance(value, str) and value):
        return value
    raise wrong(name, "text that is not empty", value)


def path(name: str, value: object) -> str | None:
    """A path as text, or None.

    Raises:
        UsageError: it is something else, or empty.
    """
    return None if value is None else _path(name, value)


def paths(name: str, value: object) -> tuple[str, ...]:
    """One path, or several.

    Raises:
        UsageError: it is something else, or one of them is empty.
    """
    if isinstance(value, (str, os.PathLike)):
        return (_path(name, value),)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return tuple(_path(name, one) for one in value)
    raise wrong(name, "a path, or several", value)


def _path(name: str, value: object) -> str:
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise wrong(name, "a path", value)
    if not os.fspath(value):
        raise wrong(name, "a path that is not empty", value)
    return os.fspath(value)


def texts(name: str, value: object) -> tuple[str, ...]:
    """Several texts, none of which is empty.

    Raises:
        UsageError: it is something else; one text alone, for it would be taken letter by letter.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise wrong(name, "a list of texts", value)
    for one in value:
        if not isinstance(one, str) or not one:
            raise wrong(name, "texts that are not empty", one)
    return tuple(value)


def pattern(name: str, value: object) -> str:
    """A host pattern; several are united.

    Raises:
        UsageError: it is neither text nor a list of texts, or there is none.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, Mapping)) or not isinstance(value, Sequence):
        raise wrong(name, "a host pattern, or a list of them", value)
    if not value:
        raise wrong(name, "at least one host pattern", value)
    return ",".join(texts(name, value))


def whole(name: str, value: object, *, least: int, most: float = math.inf) -> int:
    """A whole number; True and False are none.

    Raises:
        UsageError: it is something else, or out of range.
    """
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    bounds = f"from {least} on" if most == math.inf else f"from {least} to {most}"
    raise wrong(name, f"a whole number {bounds}", value)


def seconds(name: str, value: object) -> float | None:
    """A time above 0, in seconds, or None.

    Raises:
        UsageError: it is something else.
    """
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    # A whole number may be larger than any float, and still be below infinity.
    if number and 0 < value <= sys.float_info.max:  # type: ignore[operator]
        return float(value)  # type: ignore[arg-type]
    raise wrong(name, "seconds above 0", value)


def choice(name: str, value: object, choices: Sequence[str]) -> None:
    """One of the words that there are, or None.

    Raises:
        UsageError: it is none of them.
    """
    if value is not None and value not in choices:
        guess = did_you_mean(value, choices) if isinstance(value, str) else ""
        words = f"{name}: expected {', '.join(choices)}; found {value!r}{guess}"
        raise UsageError(words)


def flag(name: str, value: object) -> bool:
    """True or False.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(value, bool):
        return value
    raise wrong(name, "True or False", value)


def secret_text(name: str, value: Any, secret: type) -> Any:
    """A secret, a text or None; the value is never shown.

    Raises:
        UsageError: it is something else.
    """
    if value is None or isinstance(value, (str, secret)):
        return value
    raise UsageError(f"{name}: expected text or a Secret, found {type(value).__name__}")


def content(name: str, value: object) -> bytes:
    """Bytes.

    Raises:
        UsageError: it is something else.
    """
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise wrong(name, "bytes: encode it", value)


def command(value: object, options: Mapping[str, object]) -> None:
    """The words of a command, and what is said about it.

    Raises:
        UsageError: a value of the wrong type.
    """
    if not isinstance(value, str):
        raise wrong("command", "text", value)
    env = options.get("env")
    if env is not None:
        if not isinstance(env, Mapping):
            raise wrong("env", "names and values", env)
        for name, word in env.items():
            if not isinstance(name, str) or not isinstance(word, str):
                # Not shown: it may well be a secret.
                kinds = f"{type(name).__name__}: {type(word).__name__}"
                raise UsageError(f"env: expected texts, found {kinds}")
    for name in ("timeout", "idle_timeout"):
        seconds(name, options.get(name))
    for name in ("pty", "raw", "fail_fast", "output"):
        flag(name, options.get(name, False))
    whole("retries", options.get("retries", 0), least=0)
