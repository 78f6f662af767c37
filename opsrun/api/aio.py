"""A `Fleet` inside an asyncio program: its loop is never held up, for each run has a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from opsrun.api.begin import Beginning
from opsrun.api.commands import PerHost
from opsrun.api.core import Pattern
from opsrun.api.fleet_options import PathLike
from opsrun.api.options import (
    ExecOptions,
    GetArguments,
    PutArguments,
    SyncArguments,
)
from opsrun.report import Report


class AsyncFleet(Beginning):
    """Coroutines. Cancelling one cancels its run, and is over when nothing of the run is left.

    Each is called as the method that it stands beside, with an ``a`` in front; where that makes a
    keyword of Python's (``await``, ``async``), with an underscore behind it (PEP 8).
    """

    async def aexec(
        self, command: PerHost, hosts: Pattern | None = None, **options: Unpack[ExecOptions]
    ) -> Report:
        """`Fleet.exec` for asyncio; ``on_result`` is called in the run's own thread.

        >>> import asyncio
        >>> async def main() -> list[int]:
        ...     runs = fleet.aexec("uptime", hosts="web"), fleet.aexec("df", hosts="db01")
        ...     return [len(report.ok) for report in await asyncio.gather(*runs)]
        >>> asyncio.run(main())
        [3, 1]

        Raises:
            OpsrunError: as `Fleet.exec`.
            asyncio.CancelledError: the awaiting task was cancelled, and the run with it.
        """
        options.setdefault("output", False)
        return await self._aside(lambda: self._begin_exec(command, hosts, options), options)

    async def aput(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None = None,
        **options: Unpack[PutArguments],
    ) -> Report:
        """`Fleet.put` for asyncio; see `aexec`.

        >>> import asyncio
        >>> asyncio.run(fleet.aput((), "/srv/motd", hosts="db01", content=b"hi")).ok
        [<Result db01: changed, ...>]
        """
        return await self._aside(lambda: self._begin_put(sources, dest, hosts, options), options)

    async def aget(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None = None,
        **options: Unpack[GetArguments],
    ) -> Report:
        """`Fleet.get` for asyncio; see `aexec`.

        >>> import asyncio
        >>> asyncio.run(fleet.aget("/etc/hostname", "got", hosts="db01")).exit_status()
        0
        """
        return await self._aside(lambda: self._begin_get(sources, dest, hosts, options), options)

    async def async_(
        self,
        source: PathLike,
        dest: PathLike,
        hosts: Pattern | None = None,
        **options: Unpack[SyncArguments],
    ) -> Report:
        """`Fleet.sync` for asyncio; see `aexec`.

        >>> import asyncio
        >>> asyncio.run(fleet.async_("site", "/srv/www", hosts="db01")).ok
        [<Result db01: changed, ...>]
        """
        return await self._aside(lambda: self._begin_sync(source, dest, hosts, options), options)

    async def aping(
        self, hosts: Pattern | None = None, *, count: int = 1, patience: float | None = None
    ) -> Report:
        """`Fleet.ping` for asyncio; see `aexec`.

        >>> import asyncio
        >>> asyncio.run(fleet.aping("web")).exit_status()
        0
        """
        return await self._aside(lambda: self._begin_ping(hosts, count, patience), {})

    async def await_(
        self,
        conditions: str | Sequence[str],
        hosts: Pattern | None = None,
        *,
        timeout: float | None = 60.0,
        any_of: int | None = None,
    ) -> Report:
        """`Fleet.wait` for asyncio; see `aexec`.

        >>> import asyncio
        >>> async def main() -> int:
        ...     ready = await fleet.await_(["ssh", "file:/etc/hostname"], hosts="web")
        ...     return ready.exit_status()
        >>> asyncio.run(main())
        0
        """
        return await self._aside(lambda: self._begin_wait(conditions, hosts, timeout, any_of), {})
