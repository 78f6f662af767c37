"""Hosts of a lab at the end of a longer link: starts `relay.py`, and asks it what passed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from harness.behind import Files, Hosts, free_port
from opsrun.lab import Lab

_RELAY = Path(__file__).with_name("relay.py")


@dataclass(frozen=True, slots=True)
class Passed:
    """What passed between a client and one host; see `relay.Passed`."""

    connections: int
    turns: int
    up: int
    down: int
    first: float
    last: float


class Delayed:
    """A context manager; ``hosts`` says how they are reached inside the block.

    Args:
        lab: it is up.
        folder: for files; must not be there yet.
        milliseconds: a round trip.
    """

    def __init__(self, lab: Lab, folder: Path, milliseconds: float) -> None:
        self._lab, self._folder, self._delay = lab, folder, milliseconds / 2000

    def __enter__(self) -> Self:
        lab = self._lab
        port = free_port([host.address for host in lab.hosts])
        self.hosts: Hosts = Files(lab.directory, lab.hosts, lab.user).behind(self._folder, port)
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_RELAY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        places = [[host.name, host.address, host.port, port] for host in lab.hosts]
        if self._ask(json.dumps({"delay": self._delay, "places": places})) != "ready":
            raise RuntimeError("the relay did not start")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.communicate()

    def _ask(self, line: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def passed(self) -> dict[str, Passed]:
        """What passed since the last call, by host."""
        rows = json.loads(self._ask(""))
        return {host: Passed(**row) for host, row in rows.items()}
