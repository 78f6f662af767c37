"""One host of a `Fleet`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from opsrun.api.fleet_options import PathLike
from opsrun.api.handle import RunHandle
from opsrun.api.options import ExecOptions, GetArguments, PutArguments
from opsrun.composition import arguments
from opsrun.events import Result

if TYPE_CHECKING:
    from opsrun.api.fleet import Fleet


class OneHost:
    """One host: what is done returns its `Result`, and raises where that is a bad one.

    `Fleet.on` makes it. Connections are the fleet's: in its ``with`` block one stays open.

    >>> db = fleet.on("db01")
    >>> db.run("echo $((6 * 7))").out
    '42\\n'
    >>> db.run("ls /nonexistent")
    Traceback (most recent call last):
        ...
    opsrun.errors.CommandFailed: db01: run: exit status 2: ...
    >>> db.run("exit 3", check=False).rc
    3
    """

    def __init__(self, fleet: Fleet, name: str) -> None:
        self.name = name
        """Inventory name."""
        self._fleet = fleet

    @property
    def variables(self) -> Mapping[str, Any]:
        """The inventory's variables for it; see `Host.variables`."""
        return self._fleet.inventory.host(self.name).variables

    @overload
    def run(
        self,
        command: str,
        *,
        check: bool = True,
        wait: Literal[True] = True,
        **options: Unpack[ExecOptions],
    ) -> Result: ...

    @overload
    def run(
        self,
        command: str,
        *,
        check: bool = True,
        wait: Literal[False],
        **options: Unpack[ExecOptions],
    ) -> RunHandle: ...

    def run(
        self,
        command: str,
        *,
        check: bool = True,
        wait: bool = True,
        **options: Unpack[ExecOptions],
    ) -> Result | RunHandle:
        """Run a command; see `Fleet.exec`.

        >>> fleet.on("web01").run("cat", stdin=b"hello").out
        'hello'

        Args:
            command: what the remote shell reads.
            check: False gives a bad result back, too.
            wait: False returns at once, with a `RunHandle`; what becomes of the host is in its
                report then, and nothing is raised.
            options: see `ExecOptions`.

        Raises:
            CommandFailed: the command ended badly; ``error.result`` has its output.
            HostError: another class of it, for whatever else went wrong.
            UsageError: an argument can't be used.
        """
        arguments.flag("wait", wait)
        if not wait:
            return self._fleet.exec(command, wait=False, **options)
        result = self._fleet.exec(command, **options)[self.name]
        return result.raise_for_failure() if check else result

    @overload
    def put(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        *,
        wait: Literal[True] = True,
        **options: Unpack[PutArguments],
    ) -> Result: ...

    @overload
    def put(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        *,
        wait: Literal[False],
        **options: Unpack[PutArguments],
    ) -> RunHandle: ...

    def put(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        *,
        wait: bool = True,
        **options: Unpack[PutArguments],
    ) -> Result | RunHandle:
        """Copy files there; see `Fleet.put`.

        >>> fleet.on("web01").put((), "/srv/motd", content=b"hello").ok
        True

        Args:
            sources, dest, options: see `Fleet.put`.
            wait: see `run`.

        Raises:
            HostError: they did not arrive.
            UsageError: an argument can't be used.
        """
        arguments.flag("wait", wait)
        if not wait:
            return self._fleet.put(sources, dest, wait=False, **options)
        return self._fleet.put(sources, dest, **options)[self.name].raise_for_failure()

    @overload
    def get(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        *,
        wait: Literal[True] = True,
        **options: Unpack[GetArguments],
    ) -> Result: ...

    @overload
    def get(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        *,
        wait: Literal[False],
        **options: Unpack[GetArguments],
    ) -> RunHandle: ...

    def get(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        *,
        wait: bool = True,
        **options: Unpack[GetArguments],
    ) -> Result | RunHandle:
        """Copy files from there, into ``dest`` itself unless ``flat`` is False; see `Fleet.get`.

        >>> fleet.on("web01").get("/etc/hostname", "got/hostname").data["files"]
        1

        Args:
            sources, dest, options: see `Fleet.get`.
            wait: see `run`.

        Raises:
            HostError: they did not arrive.
            UsageError: an argument can't be used.
        """
        arguments.flag("wait", wait)
        options.setdefault("flat", True)
        if not wait:
            return self._fleet.get(sources, dest, wait=False, **options)
        return self._fleet.get(sources, dest, **options)[self.name].raise_for_failure()

    def __repr__(self) -> str:
        return f"<OneHost {self.name}>"
