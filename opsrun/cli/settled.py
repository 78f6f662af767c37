"""What Ansible has settings for and no options: `opsrun playbook` takes it from ansible.cfg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from opsrun.cli.options import F


@dataclass(frozen=True, slots=True)
class Settled:
    """The hidden options of `settled_options`."""

    any_errors_fatal: bool = False
    gather_subset: str | None = None
    gather_timeout: int | None = None
    fact_path: str | None = None
    task_timeout: int = 0
    poll_interval: float = 15.0
    managed: str | None = None
    custom_stats: bool = False
    hide_ok: bool = False
    hide_skipped: bool = False
    filter_plugins: tuple[str, ...] = ()
    test_plugins: tuple[str, ...] = ()
    lookup_plugins: tuple[str, ...] = ()

    @property
    def gather(self) -> dict[str, Any]:
        """Options of setup for plays that have none of their own."""
        subset = None if self.gather_subset is None else self.gather_subset.split(",")
        found = {
            "gather_subset": subset,
            "gather_timeout": self.gather_timeout,
            "fact_path": self.fact_path,
        }
        return {name: value for name, value in found.items() if value is not None}

    @property
    def plugins(self) -> Mapping[str, tuple[str, ...]]:
        """By kind, folders of plugins."""
        kinds = {
            "filter": self.filter_plugins,
            "test": self.test_plugins,
            "lookup": self.lookup_plugins,
        }
        return {kind: folders for kind, folders in kinds.items() if folders}


_OPTIONS = (
    click.option("--any-errors-fatal", is_flag=True, hidden=True),
    click.option("--gather-subset", hidden=True),
    click.option("--gather-timeout", type=click.IntRange(1), hidden=True),
    click.option("--fact-path", hidden=True),
    click.option("--task-timeout", type=click.IntRange(0), default=0, hidden=True),
    click.option("--poll-interval", type=click.FloatRange(0), default=15.0, hidden=True),
    click.option("--managed", hidden=True),
    click.option("--custom-stats", is_flag=True, hidden=True),
    click.option("--hide-ok", is_flag=True, hidden=True),
    click.option("--hide-skipped", is_flag=True, hidden=True),
    click.option("--filter-plugins", multiple=True, hidden=True),
    click.option("--test-plugins", multiple=True, hidden=True),
    click.option("--lookup-plugins", multiple=True, hidden=True),
)


def settled_options(function: F) -> F:
    """See `Settled`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
