"""``log:PATH:REGEX``: a line that was written to a log after the wait began."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from opsrun.adhoc.checks.base import Attempt, ShellCheck, Sight, last_words, not_yet, wrong
from opsrun.adhoc.checks.log_script import SCRIPT
from opsrun.adhoc.checks.shell import path_of
from opsrun.engine.stop import Stop
from opsrun.errors import HostError, UsageError

_EXPECTED = "log:PATH:REGEX"


@dataclass(frozen=True, slots=True)
class LogCheck(ShellCheck):
    """Passes when a whole line fits an extended regular expression (grep(1) -E, C locale).

    Only what was written after the first look counts. A log that was not there then counts from
    its beginning. One that is renamed (``PATH.1``, ``PATH-20260131``) is read to its end before
    the new one; one that is emptied is read from its beginning.
    """

    path: str
    regex: str

    def attempts(self, sight: Sight) -> Attempt:
        """See `Check.attempts`; the first attempt notes where the log ends, and never passes."""
        return _Reader(self, sight).look

    def __str__(self) -> str:
        return f"log:{self.path}:{self.regex}"


def parse_log(text: str, rest: str) -> LogCheck:
    """Read what follows ``log:``; the first colon ends the path.

    Raises:
        UsageError: path or expression are missing.
    """
    path, colon, regex = rest.partition(":")
    if not colon or not regex or "\0" in regex or "\n" in regex:
        raise wrong(text, _EXPECTED)
    return LogCheck(path_of(text, path, _EXPECTED), regex)


class _Reader:
    """How far one log has been read."""

    def __init__(self, check: LogCheck, sight: Sight) -> None:
        self._check = check
        self._sight = sight
        self._begun = False
        self._inode = ""
        self._offset = "0"
        self._mark = ""
        """The last bytes that were read: a file with others before the same place has been emptied
        and filled again."""

    def look(self, stop: Stop) -> None:
        """Read what has come; see `Attempt`."""
        ended = self._sight.run(self._script(), stop)
        head, _, found = ended.stdout.partition(b"\n")
        words = head.decode(errors="replace").split()
        if not ended.ok or not words:
            said = last_words(ended.stderr) or f"exit status {ended.rc}"
            raise not_yet(self._sight.host, f"{self._check.path} can't be read: {said}")
        self._take(words, last_words(ended.stderr))
        if not found.startswith(b"found"):
            raise not_yet(self._sight.host, self._nothing(words[0]))

    def _take(self, words: list[str], said: str) -> None:
        if words[0] == "regex":
            raise UsageError(f"grep -E on {self._sight.host} doesn't take the expression: {said}")
        if words[0] == "at" and len(words) == 4:
            _, self._inode, self._offset, self._mark = words
        elif words[0] != "absent":
            raise HostError(f"{self._check.path} is {' '.join(words)}", host=self._sight.host)
        self._begun = True

    def _nothing(self, state: str) -> str:
        if state == "absent":
            return f"there is no {self._check.path}"
        return f"no such line in {self._check.path} yet"

    def _script(self) -> str:
        path = self._check.path
        values = {
            "f": path if path.startswith("/") else f"./{path}",
            "e": self._check.regex,
            "b": "yes" if self._begun else "",
            "i": self._inode,
            "o": self._offset,
            "k": self._mark,
        }
        given = " ".join(f"_{name}={shlex.quote(value)}" for name, value in values.items())
        return f"{given}\n{SCRIPT}"
