"""What holds for a whole run of playbooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

VERSION = {"full": "2.18.0", "major": 2, "minor": 18, "revision": 0, "string": "2.18.0"}
"""``ansible_version``: whose dialect this is."""


Gathering = Literal["implicit", "explicit", "smart"]


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Options of a run, as playbooks can see them."""

    check: bool = False
    diff: bool = False
    tags: tuple[str, ...] = ("all",)
    skip_tags: tuple[str, ...] = ()
    limit: str | None = None
    forks: int = 50
    verbosity: int = 0
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    """``-e``, with templates in it."""
    inventory_sources: tuple[str, ...] = ()
    config_file: str | None = None
    force_handlers: bool = False
    start_at: str | None = None
    step: bool = False
    cwd: str = "."
    connection: str | None = None
    """``-c``: how hosts are reached that nothing else is said of."""
    odd_conditions: Literal["take", "warn", "refuse"] = "take"
    """What becomes of conditions that come to neither true nor false."""
    strategy: str = "linear"
    """Of plays that name none."""
    gathering: Gathering = "implicit"
    """``implicit``: plays gather facts unless they say no. ``explicit``: only where they say so.
    ``smart``: as implicit, but not of hosts whose facts have been gathered."""
    any_errors_fatal: bool = False
    """Of plays that say nothing."""
    gather: Mapping[str, Any] = field(default_factory=dict)
    """Options of setup, for plays that have none of their own."""
    task_timeout: float = 0.0
    """Seconds of tasks without ``timeout``; 0 for no limit."""
    poll: float = 15.0
    """Seconds between looks at a job, of tasks without ``poll``."""
    allow_missing_handlers: bool = False
    """Who notifies a handler that isn't there is warned, and doesn't fail."""
    prefetch: bool = True
    """Hosts are asked ahead of their tasks, see `opsrun.playbook.prefetch`."""
