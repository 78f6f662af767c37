"""What a play says about the order of its work, rendered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from opsrun.playbook.model.nodes import Task

Strategy = Literal["linear", "free", "host_pinned"]


@dataclass(frozen=True, slots=True)
class PlaySettings:
    """The play's own keywords, after templates; the defaults are those of a play that is silent."""

    strategy: Strategy = "linear"
    max_fail_percentage: float | None = None
    """Of the hosts of the batch that may fail, in percent; more of them end the play. `linear`."""
    any_errors_fatal: bool = False
    """For includes that can't be loaded; of tasks, `TaskEnded.fatal` tells."""
    force_handlers: bool = False
    known_failed: tuple[str, ...] = ()
    """Hosts of the play that failed or were taken out in its earlier batches."""
    at_once: int | None = None
    """Hosts that `host_pinned` has under way at a time; None for no limit."""
    start_at: Callable[[Task], bool] | None = None
    """For ``--start-at-task``: tasks before the first that it holds for are left out, except those
    that opsrun made itself."""
    informed: frozenset[str] = frozenset()
    """Hosts that pass by the play's own gathering of facts."""
    due: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids of handlers that hosts begin with, as if they had been notified of them."""
    allow_missing_handlers: bool = False
    """To notify a handler that isn't there is a warning, and no failure."""
    ahead: int = 0
    """How many of the tasks that come next an order names (`RunTask.ahead`)."""
