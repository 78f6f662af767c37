"""What is asked of hosts by their names, beside what their shells say."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from opsrun.adhoc.base import Job
from opsrun.engine.stop import Stop


class ProbeTCP(Protocol):
    """Connects to a port of the host with this name and hangs up, at once when stopped."""

    def __call__(self, host: str, port: int, stop: Stop, /) -> None:
        """Raises `ConnectionFailed` if it can't."""


class Outlook(Protocol):
    """What can be seen of hosts by their names, beside what their shells say."""

    @property
    def probe_tcp(self) -> ProbeTCP:
        """See `ProbeTCP`."""

    @property
    def spare(self) -> int:
        """How many connections may stay open while nobody uses them."""

    def address(self, host: str) -> str:
        """See `Sight.address`."""

    def dial(self, host: str, address: str, port: int, stop: Stop) -> AbstractContextManager[Any]:
        """See `Sight.dial`; ``host`` is whose error it is."""

    def jobs_of(self, pattern: str) -> Sequence[Job]:
        """Ways to the hosts of a pattern that was named before the run."""
