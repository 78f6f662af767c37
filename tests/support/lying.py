"""Hosts that lie: shells of this machine's, some of whose programs are a test's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from support.reach import Reach

from opsrun.engine.base import Engine
from opsrun.remote.connection import Connection
from opsrun.transports.pipe import PipeConnection


def lying(directory: Path, programs: Mapping[str, str]) -> Callable[[Engine], Reach]:
    """A way to such a host.

    Args:
        directory: made, for the programs.
        programs: by name, what stands in them: sh, with the true one's path in ``$TRUE``.
    """
    directory.mkdir(exist_ok=True)
    for name, script in programs.items():
        program = directory / name
        program.write_text(f"#!/bin/sh\nTRUE=$(PATH=/usr/bin:/bin command -v {name})\n{script}\n")
        program.chmod(0o755)
    prefix = ("env", f"PATH={directory}:/usr/bin:/bin", "/bin/sh", "-c")
    return lambda engine: Reach("lying", engine, lambda **_: _Transport(prefix, engine))


class _Transport:
    def __init__(self, prefix: tuple[str, ...], engine: Engine) -> None:
        self._connection = PipeConnection(prefix, "liar", engine)

    def connect(self) -> Connection:
        return self._connection

    def close(self) -> None:
        self._connection.close()
