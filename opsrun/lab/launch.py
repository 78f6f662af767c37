"""What is to be started for a lab, whatever kind of server serves it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from opsrun.lab.folder import Folder
from opsrun.lab.layout import LabHost

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Launch:
    """One server process to start."""

    hosts: tuple[str, ...]
    argv: tuple[str, ...]
    env: Mapping[str, str]
    log: Path


@dataclass(frozen=True, slots=True)
class Plan:
    """A lab that is about to be started; its keys lie in the folder already."""

    folder: Folder
    lab_id: str
    user: str
    hosts: tuple[LabHost, ...]
    shared: bool
    """Several hosts may be served by one process."""
    tied: bool
    """The servers are to die with the process that starts them."""


class Backend(Protocol):
    """A kind of SSH server."""

    @property
    def kind(self) -> str:
        """The name that ``--server`` takes."""

    @property
    def version(self) -> str:
        """What it is, for people."""

    def launches(self, plan: Plan) -> Sequence[Launch]:
        """Write the servers' configuration, and say what to start."""


def dying_with_us(tied: bool) -> list[str]:
    """Words before a command that let it end with the thread that starts it. See setpriv(1)."""
    setpriv = shutil.which("setpriv", path=SEARCH_PATH) if tied else None
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
