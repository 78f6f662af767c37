"""``cmd:``, ``file:`` and ``systemd:``: what the host's shell is asked."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import partial

from opsrun.adhoc.checks.base import Attempt, ShellCheck, Sight, last_words, not_yet, wrong
from opsrun.engine.stop import Stop
from opsrun.errors import UsageError
from opsrun.remote.command import CommandResult

_NOT_FOUND = 127
"""What a shell ends with that finds no such command; POSIX XCU 2.8.2."""


@dataclass(frozen=True, slots=True)
class CommandCheck(ShellCheck):
    """Passes when a command ends with status 0. It is run any number of times, by ``sh``."""

    command: str

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`."""
        return partial(self._look, sight)

    def _look(self, sight: Sight, stop: Stop) -> None:
        # In a shell of its own: one that ends itself must not end the session.
        ended = sight.run(f"exec sh -c {shlex.quote(self.command)}", stop, apart=True)
        if not ended.ok:
            raise not_yet(sight.host, _fate(ended))

    def __str__(self) -> str:
        return f"cmd:{self.command}"


@dataclass(frozen=True, slots=True)
class FileCheck(ShellCheck):
    """Passes when there is such a file, directory or whatever; a link that leads nowhere isn't."""

    path: str

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`."""
        return partial(self._look, sight)

    def _look(self, sight: Sight, stop: Stop) -> None:
        if not sight.run(f"test -e {_as_path(self.path)}", stop).ok:
            raise not_yet(sight.host, f"there is no {self.path}")

    def __str__(self) -> str:
        return f"file:{self.path}"


@dataclass(frozen=True, slots=True)
class UnitCheck(ShellCheck):
    """Passes when systemd says that a unit is active; see systemctl(1)."""

    unit: str

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`."""
        return partial(self._look, sight)

    def _look(self, sight: Sight, stop: Stop) -> None:
        ended = sight.run(f"systemctl is-active -- {shlex.quote(self.unit)}", stop)
        if ended.ok:
            return
        if ended.rc == _NOT_FOUND:
            raise UsageError(f"{sight.host} has no systemctl: systemd does not run there")
        state = last_words(ended.stdout) or last_words(ended.stderr) or f"exit status {ended.rc}"
        raise not_yet(sight.host, f"{self.unit} is {state}")

    def __str__(self) -> str:
        return f"systemd:{self.unit}"


def parse_command(text: str, rest: str) -> CommandCheck:
    """Read what follows ``cmd:``.

    Raises:
        UsageError: nothing does, or it can't be a script.
    """
    if not rest.strip() or "\0" in rest:
        raise wrong(text, "a command behind cmd:")
    return CommandCheck(rest)


def parse_file(text: str, rest: str) -> FileCheck:
    """Read what follows ``file:``.

    Raises:
        UsageError: it is no path.
    """
    return FileCheck(path_of(text, rest, "a path behind file:"))


def parse_unit(text: str, rest: str) -> UnitCheck:
    """Read what follows ``systemd:``.

    Raises:
        UsageError: it can't be a unit.
    """
    if not rest or any(char.isspace() or char in "/\0" for char in rest):
        raise wrong(text, "the name of a unit behind systemd:")
    return UnitCheck(rest)


def path_of(text: str, path: str, expected: str) -> str:
    """A path as it was written.

    Raises:
        UsageError: it is empty, holds a NUL, or would have to be expanded.
    """
    if not path.strip() or "\0" in path:
        raise wrong(text, expected)
    if path.startswith("~/"):
        words = f"~ is not expanded, but {path[2:]} begins in the login directory"
        raise UsageError(f"can't wait for {text!r}: {words}")
    return path


def _as_path(path: str) -> str:
    # A path that begins with a hyphen is no option.
    return shlex.quote(path if path.startswith("/") else f"./{path}")


def _fate(ended: CommandResult) -> str:
    status = f"signal {ended.signal}" if ended.signal else f"exit status {ended.rc}"
    said = last_words(ended.stderr) or last_words(ended.stdout)
    return f"{status}: {said}" if said else status
