"""The two machines of a task that is about two: `opsrun.modules.base.Module.between`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from opsrun.modules.base import Origin
from opsrun.playbook.interfaces import Wish

_BECOME = "ansible_become"


@dataclass(frozen=True, slots=True)
class Ends:
    """Who is at which end."""

    wish: Wish
    """Whom the module asks."""
    other: Wish | None = None
    """The task's own host, where that is another."""
    origin: Origin = "controller"
    here: bool = False
    """Whether the host is this machine."""

    @classmethod
    def of(cls, own: Wish, delegate: Wish | None, *, home: bool) -> Ends:
        """Sort it out.

        Args:
            own: how the task's host is reached.
            delegate: how the one is that it is delegated to; None where there is none, or where it
                is the same.
            home: the task is delegated to its own host.
        """
        if home:
            return cls(own, origin="host")
        if delegate is None or is_local(delegate):
            return cls(own, here=is_local(own))
        # become is said of the task's host; on the other one we are who logs in.
        plain = {name: v for name, v in delegate.variables.items() if not name.startswith(_BECOME)}
        named = replace(delegate, variables={**plain, _BECOME: False}, become=None)
        return cls(named, own, "delegate")


def is_local(wish: Wish) -> bool:
    """Whether a host is reached without a connection."""
    said = wish.variables.get("ansible_connection", wish.connection)
    return str(said) in ("local", "ansible.builtin.local")


ALONE = Ends(Wish("", {}))
"""Of a module that asks its host alone."""
