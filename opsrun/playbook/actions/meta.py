"""meta: what is said to the scheduler, or about connections."""

from __future__ import annotations

from opsrun.errors import did_you_mean
from opsrun.modules.base import ModuleResult
from opsrun.modules.options import module, option
from opsrun.playbook.actions.base import Acted, Action, Call
from opsrun.playbook.messages import NOTHING, Exports

KNOWN = (
    *("noop", "flush_handlers", "refresh_inventory", "clear_facts", "clear_host_errors"),
    *("end_play", "end_batch", "end_host", "end_role", "reset_connection"),
)


@module("meta", free_form="action")
class Meta(Action):
    """Say something to the scheduler."""

    action: str = option(required=True, doc=f"One of {', '.join(KNOWN)}.")

    def act(self, call: Call) -> Acted:
        """Hand it on."""
        if self.action not in KNOWN:
            guess = did_you_mean(self.action, KNOWN)
            raise call.fail(f"there is no meta action {self.action!r}{guess}")
        exports = Exports(clear_facts=True) if self.action == "clear_facts" else NOTHING
        return Acted(ModuleResult(msg=self.action), exports, meta=self.action)
