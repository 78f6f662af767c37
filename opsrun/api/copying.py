"""Files to hosts and from them: `put`, `get` and `sync` of a `Fleet`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Unpack, overload

from opsrun.api.begin import Beginning
from opsrun.api.core import Pattern
from opsrun.api.fleet_options import PathLike
from opsrun.api.handle import RunHandle
from opsrun.api.options import GetArguments, PutArguments, SyncArguments
from opsrun.report import Report


class Copying(Beginning):
    """Methods that copy files."""

    @overload
    def put(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None = None,
        *,
        wait: Literal[True] = True,
        **options: Unpack[PutArguments],
    ) -> Report: ...

    @overload
    def put(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None = None,
        *,
        wait: Literal[False],
        **options: Unpack[PutArguments],
    ) -> RunHandle: ...

    def put(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None = None,
        *,
        wait: bool = True,
        **options: Unpack[PutArguments],
    ) -> Report | RunHandle:
        """Copy files to every host that the pattern selects; see `opsrun.adhoc.put.Put`.

        A file is written beside its place, checked, and put there at once. What is there already
        is not sent: its outcome is ok, in place of changed.

        >>> fleet.put("app.conf", "/srv/app.conf", hosts="db01", mode="0640")["db01"]
        <Result db01: changed, ...>
        >>> fleet.put((), "/srv/motd", hosts="db01", content=b"Hello\\n").exit_status()
        0

        Args:
            sources: files and directories here; ``DIR/`` for what is in one, patterns are expanded.
            dest: on the hosts; as with cp(1), a directory takes the sources in.
            hosts: as for `exec`.
            wait: as for `exec`.
            options: see `PutArguments`.

        Raises:
            PatternError: as `exec`.
            UsageError: a source isn't there or can't be read, or an argument can't be used.
        """
        return self._carry_out(
            lambda: self._begin_put(sources, dest, hosts, options), options, wait
        )

    @overload
    def get(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None = None,
        *,
        wait: Literal[True] = True,
        **options: Unpack[GetArguments],
    ) -> Report: ...

    @overload
    def get(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None = None,
        *,
        wait: Literal[False],
        **options: Unpack[GetArguments],
    ) -> RunHandle: ...

    def get(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None = None,
        *,
        wait: bool = True,
        **options: Unpack[GetArguments],
    ) -> Report | RunHandle:
        """Copy files from every host to ``dest/HOST/``; see `opsrun.adhoc.get.Get`.

        >>> fleet.get("/var/log/*.log", "logs", hosts="web").exit_status()
        0

        Args:
            sources: on the hosts, which expand patterns themselves.
            dest: a folder here; it is made where it is missing.
            hosts: as for `exec`.
            wait: as for `exec`.
            options: see `GetArguments`.

        Raises:
            PatternError: as `exec`.
            UsageError: the destination can't be one, or an argument can't be used.
        """
        return self._carry_out(
            lambda: self._begin_get(sources, dest, hosts, options), options, wait
        )

    @overload
    def sync(
        self,
        source: PathLike,
        dest: PathLike,
        hosts: Pattern | None = None,
        *,
        wait: Literal[True] = True,
        **options: Unpack[SyncArguments],
    ) -> Report: ...

    @overload
    def sync(
        self,
        source: PathLike,
        dest: PathLike,
        hosts: Pattern | None = None,
        *,
        wait: Literal[False],
        **options: Unpack[SyncArguments],
    ) -> RunHandle: ...

    def sync(
        self,
        source: PathLike,
        dest: PathLike,
        hosts: Pattern | None = None,
        *,
        wait: bool = True,
        **options: Unpack[SyncArguments],
    ) -> Report | RunHandle:
        """Make a directory of every host equal to one here; see `opsrun.adhoc.sync.Sync`.

        >>> fleet.sync("site", "/srv/www", hosts="db01", delete=True)["db01"]
        <Result db01: changed, ...>

        Args:
            source: a directory here.
            dest: its mirror on the hosts.
            hosts: as for `exec`.
            wait: as for `exec`.
            options: see `SyncArguments`.

        Raises:
            PatternError: as `exec`.
            UsageError: the source can't be read, or an argument can't be used.
        """
        return self._carry_out(
            lambda: self._begin_sync(source, dest, hosts, options), options, wait
        )
