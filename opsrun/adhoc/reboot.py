"""A host that goes down and comes back: told apart from one that was only out of reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opsrun.adhoc.asking import ask_boot
from opsrun.adhoc.base import Job, Setting, connected
from opsrun.adhoc.gated import GatedWait
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.errors import (
    AuthenticationFailed,
    CommandTimeout,
    ConnectionFailed,
    HostError,
    HostKeyError,
)
from opsrun.remote.boot import Boot
from opsrun.remote.connection import Connection

GATE = "ssh"
"""What is waited for, as it was asked for."""


class Reboot:
    """One host's way down and up again.

    It is up again when a login ends well and the host shows another start than before. Where it
    shows none (no Linux, macOS or BSD; words sent raw), a login must have failed in between, at the
    host itself: a server that is busy, or that refuses us, has not gone away.

    Args:
        setting, job, slot: as a worker has them.
        asks: whether the host has a shell that can be asked; else a login is all there is.
    """

    def __init__(self, setting: Setting, job: Job, slot: Slot, *, asks: bool) -> None:
        self._setting = setting
        # Over a connection that was kept, the host may look as it did before it went down; and
        # becoming somebody is no part of being up.
        self._job = replace(job, transport=job.afresh or job.transport)
        self._slot = slot
        self._asks = asks
        self._before: Boot | None = None
        self._after: Boot | None = None
        self._started = 0.0
        self._gone: float | None = None
        self._refused: HostKeyError | None = None

    def note(self, connection: Connection) -> None:
        """Remember what the host shows before it goes down.

        Raises:
            HostError: the connection failed; nothing of the command has gone out.
        """
        if not self._asks:
            return
        try:
            self._before = ask_boot(self._setting, self._job, connection)
        except CommandTimeout:
            pass  # then it has to be seen gone

    def wait(self, timeout: float | None) -> dict[str, Any]:
        """Wait until it is back.

        Returns:
            ``seconds`` until then, ``attempts``, ``gone_after`` seconds at the latest where that
            was seen, and what it showed ``before`` and ``after``, see `Boot.to_dict`.

        Raises:
            GateTimeout: it didn't go, or did not come back, within ``timeout`` seconds.
            HostKeyError: what came back is another host, as far as its key tells.
            Cancelled: the run ended.
        """
        self._started = self._setting.engine.now()
        gate = GatedWait(self._setting, self._job, self._slot, GATE, timeout)
        progress = gate.until(self._look)
        if self._refused is not None:
            raise self._refused
        data: dict[str, Any] = {
            "seconds": round(self._setting.engine.now() - self._started, 3),
            "attempts": progress.attempt,
        }
        if self._gone is not None:
            data["gone_after"] = round(self._gone - self._started, 3)
        if self._before is not None and self._after is not None:
            data |= {"before": self._before.to_dict(), "after": self._after.to_dict()}
        return data

    def _look(self, stop: Stop) -> None:
        setting = replace(self._setting, stop=stop)
        try:
            with connected(setting, self._job, self._slot) as connection:
                self._after = ask_boot(setting, self._job, connection) if self._asks else None
        except HostKeyError as error:
            # However long: nobody logs in to a host with another key.
            self._refused = error
            return
        except AuthenticationFailed as error:
            # It let us in before, with the same: it is on its way down, or up (pam_nologin(8)).
            raise self._not_yet(f"it lets nobody in yet: {error.message}") from error
        except HostError as error:
            self._note_gone(error)
            raise
        self._compare()

    def _note_gone(self, error: HostError) -> None:
        if self._gone is not None or not isinstance(error, ConnectionFailed):
            return
        if error.phase in _AT_THE_DOOR and error.drop is None:
            self._gone = self._setting.engine.now()

    def _compare(self) -> None:
        if self._before is not None:
            if self._after is None:
                raise self._not_yet("it lets us in, and doesn't show yet when it was started")
            if not self._after.is_another(self._before):
                raise self._not_yet("still up: it was not started anew since the command")
        elif self._gone is None:
            raise self._not_yet("still up: it shows no boot id, and has not been seen to go away")

    def _not_yet(self, words: str) -> HostError:
        return HostError(words, host=self._job.host)


_AT_THE_DOOR = ("dns", "tcp", "banner", "kex")
"""Phases in which nobody answers where nobody is."""
