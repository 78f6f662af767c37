"""A shell on this machine as the host of a module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.engines import make_engine

from opsrun.engine.base import Engine
from opsrun.remote.capture import KEEP_PER_STREAM, Capture, MemoryBudget
from opsrun.remote.command import Command
from opsrun.remote.conversing import Conversed, Conversing, Hear
from opsrun.remote.session import Session
from opsrun.testing.modules import LocalController, LocalShell, local_hands
from opsrun.testing.modules import ModuleBench as ModuleHost
from opsrun.transports.pipe import LocalConnection

__all__ = ["LocalController", "ModuleHost", "module_host"]


class _Going:
    cancelled = False
    reason = ""


class _WithTerminal(LocalShell):
    """A shell of this machine's, and terminals beside it, on which the same shell reads scripts."""

    def __init__(self, session: Session, engine: Engine, shell: str, prefix: Sequence[str]) -> None:
        super().__init__(session)
        self._engine = engine
        self._first = f"exec {shell} "
        self._path = next((each for each in prefix if each.startswith("PATH=")), "")

    def converse(self, command: Command, hear: Hear, patience: float | None) -> Conversed:
        script = command.script.replace("exec /bin/sh ", self._first, 1)
        path = f"{self._path}; export PATH; " if self._path else ""
        changed = Command(path + script, timeout=command.timeout, manner=command.manner)
        budget = MemoryBudget(KEEP_PER_STREAM, self._engine.lock())
        output = Capture(KEEP_PER_STREAM, budget)
        conversing = Conversing(changed, output, self._engine.now, hear, patience)
        return conversing.converse(LocalConnection("here", self._engine), _Going(), "here")


@contextmanager
def module_host(
    directory: Path,
    shell: str = "sh",
    prefix: Sequence[str] = ("/bin/sh", "-c"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[ModuleHost]:
    """A host whose files are this machine's; the controller's are in ``directory``."""
    engine = make_engine()
    with local_hands(engine, shell, prefix, environment) as hands:
        hands.shell = _WithTerminal(hands.shell.session, engine, shell, prefix)
        yield ModuleHost(hands, LocalController(directory))
