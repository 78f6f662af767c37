"""The fallback where there is no sshd: mock-ssh-server, in a process of its own."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opsrun.lab.folder import write_private
from opsrun.lab.launch import SEARCH_PATH, Launch, Plan, dying_with_us
from opsrun.lab.process import TAG

_NAME = "mock-ssh-server"
_SETTINGS = "mock"


def mock_version() -> str | None:
    """The version of mock-ssh-server that is installed; None without it."""
    try:
        return importlib.metadata.version(_NAME)
    except importlib.metadata.PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Mock:
    """mock-ssh-server for all hosts of a lab.

    The version is asked for by its number, and the library is imported in the child only.
    """

    version: str
    password: str | None = None
    kind: str = "mock"

    def launches(self, plan: Plan) -> Sequence[Launch]:
        """Write the settings of all hosts, and start one process for them."""
        settings = plan.folder.config(_SETTINGS)
        write_private(settings, json.dumps([self._host(plan, at) for at in range(len(plan.hosts))]))
        package = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
        return [
            Launch(
                hosts=tuple(host.name for host in plan.hosts),
                argv=(
                    *dying_with_us(plan.tied),
                    *(sys.executable, "-m", "opsrun.lab.mock", str(settings)),
                ),
                env={TAG: plan.lab_id, "PATH": SEARCH_PATH, "PYTHONPATH": path},
                log=plan.folder.log(_SETTINGS),
            )
        ]

    def _host(self, plan: Plan, at: int) -> dict[str, object]:
        host = plan.hosts[at]
        home = str(plan.folder.home(host.name))
        return {
            "address": host.address,
            "port": host.port,
            "host_key": str(plan.folder.host_key(host.name)),
            "user": plan.user,
            "client_key": str(plan.folder.private_key),
            "env": {
                "PATH": SEARCH_PATH,
                "HOME": home,
                "USER": plan.user,
                "LOGNAME": plan.user,
                "OPSRUN_HOST": host.name,
                TAG: plan.lab_id,
            },
            "password": self.password,
        }
