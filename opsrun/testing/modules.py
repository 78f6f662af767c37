"""A bench for modules: what they do is done by a real shell, on this machine.

::

    def test_it_is_applied_once(tmp_path):
        with module_bench("library") as bench:
            found = bench.settled("banner", {"path": str(tmp_path / "motd"), "text": "hello"})
        assert found["diff"] == [{"before": "", "after": "hello\\n"}]

It is the same code that runs them on a host over SSH; give modules paths below a scratch folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opsrun.engine.base import Engine
from opsrun.errors import UsageError
from opsrun.modules.base import Context, Module, ModuleResult
from opsrun.modules.driver import SessionHands, drive
from opsrun.modules.options import resolve
from opsrun.playbook.plugins.modules import Modules, modules_beside
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.conversing import Conversed, Hear
from opsrun.remote.files.remote_files import RemoteFiles
from opsrun.remote.files.sending import Limits
from opsrun.remote.session import Session
from opsrun.transports.pipe import PipeConnection
from opsrun.vault.vault import NO_VAULT, Vault

HOST = "here"
"""The inventory name of the bench."""


@dataclass
class LocalController:
    """`opsrun.modules.base.Controller`: finds files in one directory; renders by replacing
    nothing, or by what is given."""

    directory: Path
    rendering: Callable[[str, Mapping[str, Any]], bytes] = field(
        default=lambda path, _options: Path(path).read_bytes()
    )
    vault: Vault = NO_VAULT

    def find(self, name: str, folder: str) -> str | None:
        """See `Controller.find`."""
        for each in self.searched(name, folder):
            if Path(each).exists():
                return each + "/" if name.endswith("/") else each
        return None

    def searched(self, name: str, folder: str) -> Sequence[str]:
        """See `Controller.searched`."""
        return [str(self.directory / folder / name), str(self.directory / name)]

    def render(self, path: str, options: Mapping[str, Any]) -> bytes:
        """See `Controller.render`."""
        return self.rendering(path, options)

    def opened(self, path: str) -> bytes:
        """See `Controller.opened`."""
        return self.vault.open(Path(path).read_bytes(), path=path)


class LocalShell:
    """`opsrun.modules.driver.Reached`: a shell of this machine's."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def files(self) -> RemoteFiles:
        """See `Reached.files`."""
        return RemoteFiles(self.session, HOST, Limits(timeout=60.0))

    def command(self, command: Command) -> CommandResult:
        """There is nothing but the session here."""
        raise UsageError("a bench has no channels beside its session")

    def converse(self, command: Command, hear: Hear, patience: float | None) -> Conversed:
        """There is no terminal, either."""
        raise UsageError("a bench has no terminals")


@contextmanager
def local_hands(
    engine: Engine,
    shell: str = "sh",
    prefix: Sequence[str] = ("/bin/sh", "-c"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[SessionHands]:
    """What carries out modules' requests on this machine.

    Args:
        engine: see `opsrun.engine.base`.
        shell: the one that the session is to be: ``busybox ash``.
        prefix: what starts a command's shell.
        environment: of the task.
    """
    connection = PipeConnection(tuple(prefix), HOST, engine)
    session = Session(connection, engine.now, host=HOST, shell=shell)
    try:
        yield SessionHands(LocalShell(session), environment or {})
    finally:
        session.close()
        connection.close()


@dataclass
class ModuleBench:
    """Runs modules by name; made by `module_bench`."""

    hands: SessionHands
    controller: LocalController
    modules: Modules = field(default_factory=Modules)

    def result(
        self,
        name: str,
        args: Mapping[str, Any] | None = None,
        free_form: str | None = None,
        *,
        check: bool = False,
        diff: bool = False,
    ) -> ModuleResult:
        """One module's result.

        Args:
            name: as playbooks call it.
            args: its options, rendered.
            free_form: text beside them.
            check: nothing may change.
            diff: differences are wanted.

        Raises:
            OptionError: an option can't be used.
            UsageError: there is no such module.
        """
        made: Module = resolve(self._class(name), args or {}, free_form)
        context = Context(self.controller, check=check, diff=diff, host=HOST)
        return drive(made, context, self.hands)

    def run(
        self,
        name: str,
        args: Mapping[str, Any] | None = None,
        free_form: str | None = None,
        *,
        check: bool = False,
        diff: bool = False,
    ) -> dict[str, Any]:
        """The same as playbooks register it."""
        return self.result(name, args, free_form, check=check, diff=diff).to_dict()

    def settled(self, name: str, args: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The law of modules that have a state: check mode foretells what is done, and once it is
        done there is nothing left to do.

        Returns:
            What was registered of the change, diff included.

        Raises:
            AssertionError: it doesn't hold.
        """
        foretold = self.run(name, args, check=True, diff=True)
        found = self.run(name, args, diff=True)
        assert not found.get("failed"), f"{name} failed: {found.get('msg')}"
        assert foretold["changed"] == found["changed"], (
            f"check mode said {foretold}, it was {found}"
        )
        again = self.run(name, args, diff=True)
        assert not again.get("failed"), f"{name} failed when run again: {again.get('msg')}"
        assert not again["changed"], f"{name} changed something again: {again}"
        return found

    def _class(self, name: str) -> type[Module]:
        found = self.modules.find(name)
        if found is None:
            raise UsageError(self.modules.unknown(name))
        return found


@contextmanager
def module_bench(
    library: str | Path | None = None,
    files: str | Path = ".",
    *,
    shell: str = "sh",
    environment: Mapping[str, str] | None = None,
) -> Iterator[ModuleBench]:
    """A bench.

    Args:
        library: a folder of modules beside opsrun's own.
        files: where the controller's files are, as a playbook's directory.
        shell: the one that stands for the host's ``/bin/sh``: ``dash``, ``busybox ash`` …
        environment: of the task.
    """
    from opsrun.engine.threads import ThreadEngine

    folders = [] if library is None else [str(library)]
    with local_hands(ThreadEngine(), shell, environment=environment) as hands:
        yield ModuleBench(hands, LocalController(Path(files)), modules_beside(str(files), folders))
