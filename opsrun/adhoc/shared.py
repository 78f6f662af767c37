"""Gates that many hosts of a run wait at, because they all ask the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from opsrun.adhoc.base import Setting
from opsrun.adhoc.checks.base import Check, Sight, placed
from opsrun.engine.gates import Gate, State
from opsrun.engine.stop import Stop


class _Entry:
    """One gate, with all that its prober has."""

    def __init__(self, setting: Setting, check: Check, sight: Sight) -> None:
        self.waiters = 0
        self._sight = sight.apart()
        self._stop = Stop(setting.engine)
        self._stack = ExitStack()
        self._stack.enter_context(
            setting.stop.closing(lambda: self._stop.cancel(setting.stop.reason))
        )
        attempt = placed(check, self._sight)
        self.gate = Gate(str(check), lambda: attempt(self._stop), setting.engine, self._stop)
        self.gate.start()

    def end(self) -> None:
        """Nobody waits any more; again is harmless."""
        self._stop.cancel("nobody waits any more")
        self._stack.close()
        self._sight.close()


class SharedGates:
    """One prober for each check, as long as somebody waits for it.

    A gate that has opened is done with: who comes later asks anew, for meanwhile work has been
    done that may have changed the answer. One that can't open stays as it is, and whoever comes
    later is told the same without another attempt.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._lock = setting.engine.lock()
        self._entries: dict[Check, _Entry] = {}

    @contextmanager
    def joined(self, check: Check, sight: Sight) -> Iterator[Gate]:
        """The gate of a check, while the block waits for it.

        Args:
            check: what is waited for.
            sight: of the host that waits.
        """
        entry = self._join(check, sight)
        try:
            yield entry.gate
        finally:
            self._leave(check, entry)

    def _join(self, check: Check, sight: Sight) -> _Entry:
        with self._lock:
            entry = self._entries.get(check)
            if entry is None or entry.gate.is_open:
                entry = self._entries[check] = _Entry(self._setting, check, sight)
            entry.waiters += 1
            return entry

    def _leave(self, check: Check, entry: _Entry) -> None:
        with self._lock:
            entry.waiters -= 1
            if entry.waiters:
                return
            is_current = self._entries.get(check) is entry
            if is_current and entry.gate.state is not State.FAILED:
                del self._entries[check]
        entry.end()
