"""wait_for_connection: until a host can be logged in to, and runs a shell."""

from __future__ import annotations

import time

from opsrun.errors import ConnectionFailed, ConnectionLost
from opsrun.modules.base import Context, Module, ModuleResult, Steps
from opsrun.modules.options import module, option
from opsrun.modules.requests import Reconnect, Run


@module("wait_for_connection")
class WaitForConnection(Module):
    """Log in anew, again and again, until that works."""

    checks = False

    connect_timeout: int = option(5, doc="Seconds that one attempt may take.")
    delay: int = option(0, doc="Seconds before the first.")
    sleep: int = option(1, doc="Seconds between attempts.")
    timeout: int = option(600, doc="Seconds in all.")

    def steps(self, context: Context) -> Steps:
        """Reconnect, and see that a shell answers."""
        began = time.monotonic()
        try:
            yield Reconnect(
                timeout=self.timeout,
                delay=self.delay,
                interval=self.sleep,
                attempt_timeout=self.connect_timeout,
            )
            yield Run(":", effect="reads", timeout=float(max(self.connect_timeout, 1)))
        except (ConnectionFailed, ConnectionLost) as error:
            words = f"timed out waiting for the connection: {error.message}"
            return ModuleResult(failed=True, msg=words, data=_elapsed(began))
        return ModuleResult(data=_elapsed(began))


def _elapsed(began: float) -> dict[str, int]:
    return {"elapsed": int(time.monotonic() - began)}
