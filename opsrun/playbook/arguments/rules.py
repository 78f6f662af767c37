"""What holds between arguments: some exclude each other, some need others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def before_defaults(rules: Mapping[str, Any], given: Mapping[str, Any], path: str) -> Iterator[str]:
    """What is wrong with arguments as they are given.

    Args:
        rules: ``mutually_exclusive`` of a specification.
        given: the arguments.
        path: where they are, with a dot at its end.
    """
    for group in _groups(rules.get("mutually_exclusive")):
        there = [name for name in group if name in given]
        if len(there) > 1:
            yield f"{path}{there[0]}: excludes {_all(path, there[1:])}; only one of them can be set"


def with_defaults(rules: Mapping[str, Any], known: Mapping[str, Any], path: str) -> Iterator[str]:
    """What is wrong with arguments, their defaults among them.

    Args:
        rules: ``required_together``, ``required_one_of``, ``required_if``, ``required_by``.
        known: arguments and defaults.
        path: where they are, with a dot at its end.
    """
    for group in _groups(rules.get("required_together")):
        lacking = [name for name in group if name not in known]
        if lacking and len(lacking) < len(group):
            there = next(name for name in group if name in known)
            yield f"{path}{there}: needs {_all(path, lacking)} with it"
    for group in _groups(rules.get("required_one_of")):
        if not any(name in known for name in group):
            yield f"{_place(path)}one of {', '.join(group)} is required"
    yield from _if(rules.get("required_if"), known, path)
    yield from _by(rules.get("required_by"), known, path)


def _if(entries: Any, known: Mapping[str, Any], path: str) -> Iterator[str]:
    for entry in entries if isinstance(entries, (list, tuple)) else ():
        if not isinstance(entry, (list, tuple)) or len(entry) not in (3, 4):
            words = "required_if: expected a name, a value, and a list of names"
            yield f"{_place(path)}{words}"
            continue
        name, value, needed = entry[:3]
        if name not in known or known[name] != value:
            continue
        lacking = [each for each in _names(needed) if known.get(each) is None]
        any_will_do = len(entry) == 4 and bool(entry[3])
        if any_will_do and len(lacking) == len(_names(needed)):
            yield f"{path}{name}: with {value!r}, one of {_all(path, lacking)} is required"
        elif lacking and not any_will_do:
            yield f"{path}{name}: with {value!r}, {_all(path, lacking)} must be given"


def _by(entries: Any, known: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, needed in entries.items() if isinstance(entries, Mapping) else ():
        lacking = [each for each in _names(needed) if known.get(each) is None]
        if known.get(name) is not None and lacking:
            yield f"{path}{name}: needs {_all(path, lacking)} with it"


def _groups(entries: Any) -> Iterator[Sequence[str]]:
    """A list of groups; a list of names is one group."""
    several = entries if isinstance(entries, (list, tuple)) else ()
    if several and all(isinstance(each, str) for each in several):
        yield list(several)
        return
    for each in several:
        if isinstance(each, (list, tuple)):
            yield [str(name) for name in each]


def _names(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]


def _all(path: str, names: Sequence[str]) -> str:
    return ", ".join(f"{path}{name}" for name in names)


def _place(path: str) -> str:
    """Of a rule that is about no single argument."""
    return f"{path[:-1]}: " if path else ""
