"""Who reads along: nobody, as a rule, and then the first problem ends the reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsrun.errors import InputError

if TYPE_CHECKING:
    from opsrun.playbook.parse.above import Above
    from opsrun.playbook.parse.spot import Spot


class Watch:
    """Subclasses get every problem, and see everything where it is written."""

    follow = True
    """Whether imports, roles and imported playbooks are read where they are named."""

    def problem(self, error: InputError) -> None:
        """Something is wrong, and the rest can be read all the same, unless this raises."""
        raise error

    def node(self, spot: Spot, node: Any, above: Above) -> None:
        """A `Play`, `Task` or `Block` was read (what is in it before it), or the `Use` of a role;
        None for an ``import_playbook``."""
