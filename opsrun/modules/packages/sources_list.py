"""Lines of sources.list(5): what they say, which of them are the same, and where new ones go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from opsrun.modules.base import ModuleError

_LINE = re.compile(
    r"\s*(?P<off>(?:#\s*)*)(?P<type>deb|deb-src)\s+(?P<options>\[[^\]]*\]\s*)?(?P<rest>\S.*?)\s*\Z"
)
_USER = re.compile(r"[^@/]+@")
_OTHER = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Source:
    """One line that names a repository."""

    words: str
    """With single blanks, and without what is said behind a ``#``."""
    enabled: bool


def parsed(line: str) -> Source | None:
    """What a line says; None for one that names no repository."""
    found = _LINE.match(line)
    if found is None:
        return None
    parts = found["rest"].partition("#")[0].split()
    # A path of its own ends in a slash, and has no components.
    if len(parts) < 2 or (len(parts) < 3 and not parts[1].endswith("/")):
        return None
    if ":" not in parts[0]:
        return None
    options = " ".join((found["options"] or "").split())
    words = " ".join(filter(None, (found["type"], options, *parts)))
    return Source(words, not found["off"])


def asked(repo: str) -> Source:
    """The one that a task names. ModuleError: it is none."""
    found = parsed(repo)
    if found is None or not found.enabled:
        raise ModuleError(
            f"{repo!r} is no repository: expected 'deb [OPTIONS] URI SUITE COMPONENT...', as "
            "sources.list(5) has it, or ppa:OWNER/NAME"
        )
    return found


def file_name(source: Source) -> str:
    """What its file is called if nobody says.

    >>> file_name(asked("deb [arch=amd64] https://me:pw@a.example.org/x/y stable main"))
    'a_example_org_x_y'
    """
    words = re.sub(r"\[[^\]]*\]", " ", source.words).split()
    place = words[1].partition("://")[2] if "://" in words[1] else words[1]
    return "_".join(filter(None, _OTHER.split(_USER.sub("", place, count=1))))


def with_source(files: Mapping[str, str], source: Source, path: str) -> dict[str, str]:
    """The files that change, so that it is there and enabled.

    Args:
        files: by path, all there are.
        source: the one.
        path: where it goes, if no file has it.
    """
    same = {
        name: [at for at, line in enumerate(_lines(text)) if _is(line, source)]
        for name, text in files.items()
    }
    places = [(name, at) for name, each in same.items() for at in each]
    if any(_enabled(_lines(files[name])[at]) for name, at in places):
        return {}
    if places:
        name, at = places[0]
        lines = _lines(files[name])
        lines[at] = source.words
        return {name: _joined(lines)}
    old = files.get(path, "")
    start = old if not old or old.endswith("\n") else f"{old}\n"
    return {path: f"{start}{source.words}\n"}


def without_source(files: Mapping[str, str], source: Source) -> dict[str, str]:
    """The files that change, so that it is not there; empty ones are to go."""
    found = {}
    for name, text in files.items():
        lines = _lines(text)
        left = [line for line in lines if not _is(line, source)]
        if len(left) != len(lines):
            found[name] = _joined(left)
    return found


def _lines(text: str) -> list[str]:
    return text.splitlines()


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _is(line: str, source: Source) -> bool:
    found = parsed(line)
    return found is not None and found.words == source.words


def _enabled(line: str) -> bool:
    found = parsed(line)
    return found is not None and found.enabled
