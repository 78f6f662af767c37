"""A shell on this machine as the host of a module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from support.engines import make_engine

from opsrun.testing.modules import LocalController, local_hands
from opsrun.testing.modules import ModuleBench as ModuleHost

__all__ = ["LocalController", "ModuleHost", "module_host"]


@contextmanager
def module_host(
    directory: Path,
    shell: str = "sh",
    prefix: Sequence[str] = ("/bin/sh", "-c"),
    environment: Mapping[str, str] | None = None,
) -> Iterator[ModuleHost]:
    """A host whose files are this machine's; the controller's are in ``directory``."""
    with local_hands(make_engine(), shell, prefix, environment) as hands:
        yield ModuleHost(hands, LocalController(directory))
