"""A shell on this machine as the host of a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.engines import make_engine

from opsrun.modules.base import Context, ModuleResult
from opsrun.modules.driver import SessionHands, drive
from opsrun.modules.options import resolve
from opsrun.modules.registry import find
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.files.remote_files import Limits, RemoteFiles
from opsrun.remote.session import Session
from opsrun.transports.pipe import PipeConnection
from opsrun.vault.vault import NO_VAULT, Vault

__all__ = ["LocalController", "ModuleHost", "module_host"]


@dataclass
class LocalController:
    """Finds files in one directory; renders by replacing nothing, or by what is given."""

    directory: Path
    rendering: Callable[[str, Mapping[str, Any]], bytes] = field(
        default=lambda path, _options: Path(path).read_bytes()
    )
    vault: Vault = NO_VAULT

    def find(self, name: str, folder: str) -> str | None:
        for each in self.searched(name, folder):
            if Path(each).exists():
                return each + "/" if name.endswith("/") else each
        return None

    def searched(self, name: str, folder: str) -> Sequence[str]:
        return [str(self.directory / folder / name), str(self.directory / name)]

    def render(self, path: str, options: Mapping[str, Any]) -> bytes:
        return self.rendering(path, options)

    def opened(self, path: str) -> bytes:
        return self.vault.open(Path(path).read_bytes(), path=path)


class _Shell:
    def __init__(self, connection: PipeConnection, session: Session, engine: Any) -> None:
        self.session = session
        self._connection = connection
        self._engine = engine

    def files(self) -> RemoteFiles:
        return RemoteFiles(self.session, "here", Limits(timeout=60.0))

    def command(self, command: Command) -> CommandResult:
        raise NotImplementedError


@dataclass
class ModuleHost:
    """Runs modules by name."""

    hands: SessionHands
    controller: LocalController

    def run(
        self,
        name: str,
        args: Mapping[str, Any] | None = None,
        free_form: str | None = None,
        *,
        check: bool = False,
        diff: bool = False,
    ) -> dict[str, Any]:
        """One module's result as playbooks register it."""
        return self.result(name, args, free_form, check=check, diff=diff).to_dict()

    def result(
        self,
        name: str,
        args: Mapping[str, Any] | None = None,
        free_form: str | None = None,
        *,
        check: bool = False,
        diff: bool = False,
    ) -> ModuleResult:
        """One module's result."""
        found = find(name)
        assert found is not None
        made = resolve(found, args or {}, free_form)
        context = Context(self.controller, check=check, diff=diff, host="here")
        return drive(made, context, self.hands)


@contextmanager
def module_host(
    directory: Path,
    shell: str = "sh",
    prefix: Sequence[str] = ("/bin/sh", "-c"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[ModuleHost]:
    """A host whose files are this machine's; the controller's are in ``directory``."""
    engine = make_engine()
    connection = PipeConnection(tuple(prefix), "here", engine)
    session = Session(connection, engine.now, host="here", shell=shell)
    try:
        hands = SessionHands(_Shell(connection, session, engine), environment or {})
        yield ModuleHost(hands, LocalController(directory))
    finally:
        session.close()
        connection.close()
