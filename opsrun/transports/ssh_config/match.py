"""``Match`` lines: read once, asked for every host.

Known are ``all``, ``host``, ``originalhost``, ``user``, ``localuser``, ``exec``, ``final`` and
``canonical``. As in OpenSSH, ``final`` asks for the whole configuration to be gone through a second
time, in which ``final`` and ``canonical`` hold and values that are still open are filled.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from opsrun.errors import did_you_mean
from opsrun.transports.ssh_config.patterns import PatternList
from opsrun.transports.ssh_config.values import BadValue

_NAMES = ("all", "canonical", "final", "exec", "host", "originalhost", "user", "localuser")
_NOT_BUILT = ("localnetwork", "tagged", "command", "sessiontype", "version")
_WORD = re.compile(r'[ \t]*(?:"([^"]*)"|([^\s="]+))[ \t]*(?:=[ \t]*)?')


class Subject(Protocol):
    """What is known of the host at the moment when the line is met."""

    original: str
    local_user: str
    final: bool

    def host_so_far(self) -> str: ...
    def user_so_far(self) -> str: ...
    def command(self, template: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Criterion:
    """One word of a ``Match`` line with its argument."""

    name: str
    negated: bool
    text: str = ""
    patterns: PatternList | None = None

    def holds(self, subject: Subject, run: Callable[[str], bool]) -> bool:
        """Whether it is fulfilled; ``run`` says whether a shell command ended with status 0."""
        return self._plain(subject, run) is not self.negated

    def _plain(self, subject: Subject, run: Callable[[str], bool]) -> bool:
        if self.name == "all":
            return True
        if self.name in ("final", "canonical"):
            return subject.final
        if self.name == "exec":
            return run(subject.command(self.text))
        assert self.patterns is not None
        return self.patterns.matches(_asked(self.name, subject))


def _asked(name: str, subject: Subject) -> str:
    if name == "host":
        return subject.host_so_far().lower()
    if name == "originalhost":
        return subject.original.lower()
    return subject.user_so_far() if name == "user" else subject.local_user


def criteria(text: str) -> tuple[Criterion, ...]:
    """The criteria of a ``Match`` line, in their order.

    Raises:
        BadValue: an unknown or unfinished criterion; the offset is within ``text``.
    """
    found: list[Criterion] = []
    at = 0
    while at < len(text) and text[at] != "#":
        start = at
        word, at = _next(text, at)
        name = word.removeprefix("!").lower()
        _check_name(name, start)
        argument = ""
        if name not in ("all", "final", "canonical"):
            if at >= len(text):
                raise BadValue(f"{name} needs an argument", start)
            argument, at = _next(text, at)
        found.append(_criterion(name, word.startswith("!"), argument))
        _check_all(found, start)
    return tuple(found)


def _next(text: str, at: int) -> tuple[str, int]:
    found = _WORD.match(text, at)
    if not found:
        raise BadValue(f"expected a criterion, found {text[at:]!r}", at)
    return found[1] or found[2] or "", found.end()


def _check_name(name: str, at: int) -> None:
    if name in _NAMES:
        return
    if name in _NOT_BUILT:
        raise BadValue(f"the criterion {name!r} is not built yet", at)
    raise BadValue(f"{name!r} is no criterion{did_you_mean(name, _NAMES)}", at)


def _check_all(found: list[Criterion], at: int) -> None:
    alone = [one for one in found if one.name not in ("final", "canonical")]
    if len(alone) > 1 and any(one.name == "all" for one in alone):
        raise BadValue("'all' stands alone, or behind 'final' or 'canonical'", at)


def _criterion(name: str, negated: bool, argument: str) -> Criterion:
    if name in ("host", "originalhost"):
        return Criterion(name, negated, argument, PatternList.split(argument, fold=True))
    if name in ("user", "localuser"):
        return Criterion(name, negated, argument, PatternList.split(argument))
    return Criterion(name, negated, argument)
