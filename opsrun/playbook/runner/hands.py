"""A host's hands within a task: with a limit on the whole, and intent written down first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from opsrun.errors import Cancelled, CommandTimeout, ConnectionFailed
from opsrun.modules.driver import SessionHands
from opsrun.modules.requests import Converse, Fetch, Fetched, Pack, Reconnect, Run, Upload
from opsrun.playbook.actions.base import Pausing
from opsrun.playbook.interfaces import HostShell
from opsrun.remote.command import CommandResult
from opsrun.remote.conversing import Conversed
from opsrun.remote.files.delivery import Delivered

Limited = TypeVar("Limited", Run, Converse)


class TaskHands:
    """`opsrun.modules.driver.Hands` over a leased shell.

    Args:
        shell: the host.
        environment: exported to the user's own commands.
        pausing: waits.
        now: monotonic seconds.
        limit: seconds that the whole action may take; None for no limit.
        intent: called before anything that may change the host goes out.
    """

    def __init__(
        self,
        shell: HostShell,
        environment: dict[str, str],
        pausing: Pausing,
        now: Callable[[], float],
        limit: float | None,
        intent: Callable[[], None],
    ) -> None:
        self._shell = shell
        self._pausing = pausing
        self._now = now
        self._ends = None if limit is None else now() + limit
        self.limit = limit
        self._intent = intent
        self._below = SessionHands(shell, environment)
        self.elsewhere: TaskHands | None = None
        """The task's own host, where the task is delegated to another and is about both."""
        self.sent = False
        """Something that may have changed the host went out, or was about to."""
        self.changed = False
        """The host has answered to something that may have changed it."""

    @property
    def any_sent(self) -> bool:
        """See `sent`; also of the other host."""
        return self.sent or (self.elsewhere is not None and self.elsewhere.sent)

    @property
    def any_changed(self) -> bool:
        """See `changed`; also of the other host."""
        return self.changed or (self.elsewhere is not None and self.elsewhere.changed)

    def limit_to(self, seconds: float) -> None:
        """What is still to be done may take so long, counted from now."""
        ends = self._now() + seconds
        if self._ends is None or ends < self._ends:
            self._ends, self.limit = ends, seconds

    def run(self, request: Run) -> CommandResult:
        """See `Hands.run`."""
        self._about_to_change(request)
        result = self._below.run(self._limited(request))
        self.changed = self.sent
        return result

    def raw(self, request: Run) -> CommandResult:
        """See `Hands.raw`."""
        self._about_to_change(request)
        result = self._below.raw(self._limited(request))
        self.changed = self.sent
        return result

    def converse(self, request: Converse) -> Conversed:
        """See `Hands.converse`."""
        self._intent()
        self.sent = True
        conversed = self._below.converse(self._limited(request))
        self.changed = True
        return conversed

    def upload(self, request: Upload) -> Delivered:
        """See `Hands.upload`."""
        self._intent()
        self.sent = True
        delivered = self._below.upload(request)
        self.changed = True
        return delivered

    def fetch(self, request: Fetch) -> Fetched:
        """See `Hands.fetch`."""
        return self._below.fetch(request)

    def pack(self, request: Pack) -> Mapping[bytes, str]:
        """See `Hands.pack`."""
        return self._below.pack(request)

    def sleep(self, seconds: float) -> None:
        """See `Hands.sleep`."""
        if self._pausing.wait(seconds):
            raise Cancelled("the run was ended", phase="run")

    def reconnect(self, request: Reconnect) -> None:
        """See `Hands.reconnect`: tried until a shell answers."""
        self._shell.forget()
        ends = self._now() + request.timeout
        self.sleep(request.delay)
        while True:
            try:
                self._shell.session.run(":", request.attempt_timeout)
                return
            except (ConnectionFailed, CommandTimeout) as error:
                self._shell.forget()
                if self._now() + request.interval >= ends:
                    raise ConnectionFailed(
                        f"did not come back within {request.timeout:g} s: {error}",
                        phase="open",
                    ) from error
            self.sleep(request.interval)

    def _about_to_change(self, request: Run) -> None:
        if request.effect == "changes":
            self._intent()
            self.sent = True

    def _limited(self, request: Limited) -> Limited:
        if self._ends is None:
            return request
        left = self._ends - self._now()
        if left <= 0:
            raise CommandTimeout(f"ran longer than {self.limit:g} s")
        if request.timeout is not None and request.timeout < left:
            return request
        return replace(request, timeout=left)
