"""Times that a task gives a file: as they are, now, or as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from opsrun.modules.base import ModuleError
from opsrun.modules.looking import Answers, Seen, as_float
from opsrun.modules.permissions import argument

FORMAT = "%Y%m%d%H%M.%S"


@dataclass(frozen=True, slots=True)
class Stamp:
    """One of a file's two times."""

    key: str
    """``mtime`` or ``atime``."""
    text: str | None
    """``now``, ``preserve``, a time on the host's clock; None for what the state makes of it."""
    format: str = FORMAT

    def written(self) -> datetime | None:
        """The time that is written, in the host's zone. ModuleError: it is in another format."""
        if self.text in (None, "", "now", "preserve"):
            return None
        try:
            return datetime.strptime(str(self.text), self.format)
        except ValueError as error:
            raise ModuleError(f"the time {self.text!r} can't be read: {error}") from error

    def script(self) -> str:
        """Tells the written time in seconds since the epoch: the host knows its zone."""
        at = self.written()
        if at is None:
            return ""
        return f"say {self.key} \"$(date -d '{at:%Y-%m-%d %H:%M:%S}' +%s 2>/dev/null)\"\n"

    def differs(self, seen: Seen, answers: Answers, *, touching: bool) -> bool:
        """Whether it has to be set."""
        if self.text == "now" or (touching and not self.text):
            return True
        if self.written() is None:
            return False
        wanted = answers.number(self.key)
        return wanted is None or wanted * 10**9 != getattr(seen, self.key)

    def lines(self, path: str) -> Iterator[str]:
        """Commands that set it."""
        letter = self.key[0]
        at = self.written()
        when = "" if at is None else f" -t {at:%Y%m%d%H%M.%S}"
        yield f"touch -c -{letter}{when} {argument(path)} || exit\n"

    def told(self, seen: Seen) -> float:
        """For the diff."""
        return as_float(getattr(seen, self.key))


def setting(stamps: Sequence[Stamp], path: str) -> Iterator[str]:
    """Commands that set some of a file's times.

    Both of them to now in one: that who may write the file may do, each by itself its owner alone
    (utimensat(2)).
    """
    if len(stamps) == 2 and all(each.written() is None for each in stamps):
        yield f"touch -c {argument(path)} || exit\n"
        return
    for each in stamps:
        yield from each.lines(path)
