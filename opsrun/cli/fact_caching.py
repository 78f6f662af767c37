"""The options of the cache of facts, for `opsrun playbook` and `opsrun facts`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from opsrun.cli.main import warn
from opsrun.cli.options import F
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.playbook.fact_store import FactStore


@dataclass(frozen=True, slots=True)
class FactCaching:
    """Where facts are kept, and for how long."""

    fact_cache: str | None = None
    fact_cache_timeout: int = 86400
    fact_cache_prefix: str | None = None
    flush_cache: bool = False


_OPTIONS = (
    click.option(
        "--fact-cache",
        metavar="DIR",
        help="Keep facts there, a JSON file a host; ansible.cfg's jsonfile cache is such a folder.",
    ),
    click.option(
        "--fact-cache-timeout",
        type=click.IntRange(0),
        default=86400,
        show_default=True,
        metavar="SECONDS",
        help="How long kept facts are good for; 0 for ever.",
    ),
    click.option("--fact-cache-prefix", hidden=True),
    click.option(
        "--flush-cache", is_flag=True, help="Forget first what is kept of the inventory's hosts."
    ),
)


def fact_cache_options(function: F) -> F:
    """See `FactCaching`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def fact_store(caching: FactCaching, hosts: Iterable[str]) -> FactStore | None:
    """The cache, emptied of these hosts if that is wanted; None where there is none.

    Raises:
        UsageError: the folder can't be used, or there is nothing to flush.
    """
    if caching.fact_cache is None:
        if caching.flush_cache:
            raise UsageError("--flush-cache: there is no cache; name it with --fact-cache DIR")
        return None
    from opsrun.composition.fact_cache import FactCache

    cache = FactCache(
        caching.fact_cache, caching.fact_cache_timeout, caching.fact_cache_prefix or "", warn
    )
    if caching.flush_cache:
        for host in hosts:
            cache.forget(host)
    return cache
