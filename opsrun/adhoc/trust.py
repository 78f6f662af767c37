"""Which keys one host has, and what known_hosts says of them."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

from opsrun.adhoc.base import Job, Setting, Trail, Worker
from opsrun.engine.dispatch import Slot
from opsrun.engine.stop import Stop
from opsrun.events import ErrorInfo, Outcome, Result
from opsrun.transports.hostkeys.expect import Expectations
from opsrun.transports.hostkeys.trust import Accepted, HostKeys, ShownKey, Standing

ScanKeys = Callable[[str, Stop], HostKeys | None]
"""Asks the host with this name for its keys; None for one that is not reached over SSH by us.
Raises `HostError`, at once when stopped."""

Findings = MutableMapping[str, Accepted]
"""By host: the keys that may be recorded."""


class Trust(Worker):
    """Asks for the keys, and keeps those that may be recorded; records nothing.

    ``data`` of the result: ``keys``, each with ``type``, ``fingerprint`` and ``status`` (known,
    new, changed, revoked); a changed or revoked one also with what is ``recorded``, and a new one,
    where a list of keys was given, with whether it was ``expected``.

    Args:
        setting: what all workers of the run share.
        scan: see `ScanKeys`.
        findings: filled with the keys that may be recorded.
        expect: whose keys may be; None for whoever's.
    """

    def __init__(
        self,
        setting: Setting,
        scan: ScanKeys,
        findings: Findings,
        expect: Expectations | None = None,
    ) -> None:
        super().__init__(setting)
        self._scan = scan
        self._findings = findings
        self._expect = expect

    def act(self, job: Job, slot: Slot, trail: Trail) -> Result:
        """See `Worker.act`."""
        return self.persevere(job, slot, trail, lambda: self._attempt(job, trail))

    def _attempt(self, job: Job, trail: Trail) -> Result:
        host = self._scan(job.host, self.setting.stop)
        if host is None:
            return Result(job.host, job.work, Outcome.SKIPPED, data={"keys": []})
        shown = [self._described(host, key) for key in host.keys]
        accepted = tuple(key for key in host.of(Standing.NEW) if self._accepts(host, key))
        error = _objection(host)
        if error is None:
            self._findings[job.host] = Accepted(host, accepted)
            if len(accepted) < len(host.of(Standing.NEW)):
                error = self._refused()
        return Result(
            job.host,
            job.work,
            Outcome.FAILED if error else Outcome.OK,
            error=error,
            attempts=trail.attempts,
            data={"keys": shown},
        )

    def _described(self, host: HostKeys, key: ShownKey) -> dict[str, object]:
        fields = key.to_dict()
        if key.standing is Standing.NEW and self._expect is not None:
            fields["expected"] = self._accepts(host, key)
        return fields

    def _accepts(self, host: HostKeys, key: ShownKey) -> bool:
        return self._expect is None or self._expect.accept(host.names, key.blob)

    def _refused(self) -> ErrorInfo:
        assert self._expect is not None
        return ErrorInfo(
            "hostkey",
            f"it has a key that is not expected in {self._expect.path}; that one is not recorded",
            "ask whoever made the list; on the host: ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub",
        )


def _objection(host: HostKeys) -> ErrorInfo | None:
    if host.of(Standing.REVOKED):
        return ErrorInfo(
            "hostkey",
            "it has a key that is marked as revoked; none of its keys is recorded",
            "whoever holds that key may not be the host: don't connect",
        )
    if host.of(Standing.CHANGED):
        return ErrorInfo(
            "hostkey",
            "its key has changed; none of its keys is recorded",
            "somebody may be in between; if the host is known to have a new key, remove the old "
            "one (ssh-keygen -R NAME -f FILE) and say opsrun trust again",
        )
    return None
