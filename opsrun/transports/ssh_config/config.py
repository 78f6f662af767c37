"""OpenSSH's client configuration, read once and asked for every host.

Follows ssh_config(5): ``~/.ssh/config`` then ``/etc/ssh/ssh_config``, or one other file instead of
both; the first value of a keyword wins, ``IdentityFile`` and ``CertificateFile`` accumulate. What
becomes of each keyword is in `opsrun.transports.ssh_config.keywords`, of ``Match`` in
`opsrun.transports.ssh_config.match`.

One deviation: an ``IgnoreUnknown`` counts for all lines after it, whatever block it stands in,
because lines are read before any host is known.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence

from opsrun.errors import ConfigError
from opsrun.transports.ssh_config.evaluate import Evaluation
from opsrun.transports.ssh_config.host import HostConfig, finish
from opsrun.transports.ssh_config.parse import (
    SYSTEM_DIRECTORY,
    Block,
    Reader,
    Setting,
    literal_names,
)
from opsrun.transports.ssh_config.tokens import Local
from opsrun.transports.ssh_config.values import BadValue

Runner = Callable[[str], bool]
EXEC_TIMEOUT = 5.0
"""Seconds that the command of a ``Match exec`` may take."""


def run_match_exec(command: str) -> bool:
    """Run the command of a ``Match exec`` in the user's shell; True for exit status 0.

    Raises:
        TimeoutError: it took longer than `EXEC_TIMEOUT` seconds and was killed.
        OSError: the shell can't be started.
    """
    shell = os.environ.get("SHELL") or "/bin/sh"
    try:
        done = subprocess.run(
            [shell, "-c", f"exec {command}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=EXEC_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"no answer after {EXEC_TIMEOUT:g} s") from None
    return done.returncode == 0


class SSHConfig:
    """A parsed configuration. Immutable but for caches; a lookup costs as many steps as there are
    blocks with wildcards, not as there are blocks.

    Args:
        blocks: in the order in which they count.
        runner: runs the commands of ``Match exec``, each distinct command once.
        local: what tokens say of this machine.
    """

    def __init__(
        self,
        blocks: Sequence[Block] = (),
        *,
        runner: Runner = run_match_exec,
        local: Local | None = None,
    ) -> None:
        self._blocks = list(blocks)
        self._runner = runner
        self.local = local or Local()
        """This machine, and who runs opsrun."""
        self._ran: dict[str, bool] = {}
        self._others: dict[str, SSHConfig] = {}
        self._general: list[int] = []
        self._by_name: dict[str, list[int]] = {}
        self._wants_final = any(
            one.name == "final" for block in self._blocks for one in block.match
        )
        self._index()

    @classmethod
    def load(
        cls,
        path: str | None = None,
        *,
        runner: Runner = run_match_exec,
        system: str = f"{SYSTEM_DIRECTORY}/ssh_config",
    ) -> SSHConfig:
        """Read the configuration.

        Args:
            path: a file that replaces the usual ones, as ``ssh -F``; ``none`` reads no file.
            runner: runs the commands of ``Match exec``.
            system: the system-wide file.

        Raises:
            ConfigError: a file that can't be read or used, with file, line and column.
        """
        reader = Reader()
        if path is None:
            reader.read("~/.ssh/config", user=True, required=False, guarded=True)
            reader.read(system, user=False, required=False, guarded=False)
        elif path.lower() != "none":
            reader.read(path, user=True, required=True, guarded=False)
        return cls(reader.blocks, runner=runner)

    def other(self, path: str) -> SSHConfig:
        """The configuration of another file, read once however many hosts name it.

        Raises:
            ConfigError: as `load`.
        """
        if path not in self._others:
            self._others[path] = SSHConfig.load(path, runner=self._runner)
        return self._others[path]

    def _index(self) -> None:
        for index in range(len(self._blocks)):
            names = literal_names(self._blocks, index)
            if names is None:
                self._general.append(index)
            else:
                for name in names:
                    self._by_name.setdefault(name, []).append(index)

    def lookup(
        self,
        host: str,
        user: str | None = None,
        port: int | None = None,
        *,
        options: Sequence[Setting] = (),
    ) -> HostConfig:
        """What counts for ``host``.

        Args:
            host: as the operator would type it after ``ssh``.
            user: as ``ssh -l``.
            port: as ``ssh -p``.
            options: as ``ssh -o``, in order; they win over every file.

        Raises:
            ConfigError: a token or variable that can't be expanded, or a ``Match exec`` that
                doesn't end; the file and line are in the message.
        """
        named = [Setting("user", user, user, "-l")] if user is not None else []
        named += [Setting("port", port, str(port), "-p")] if port is not None else []
        state = Evaluation(host, self.local, [*named, *options])
        self._walk(state)
        if self._wants_final:
            state.enter_final()
            self._walk(state)
        return finish(state)

    def _walk(self, state: Evaluation) -> None:
        specific = self._by_name.get(state.original)
        order = sorted(self._general + specific) if specific else self._general
        active: set[int] = set()
        for index in order:
            block = self._blocks[index]
            if (block.parent is None or block.parent in active) and self._holds(block, state):
                active.add(index)
                state.take(block.settings)

    def _holds(self, block: Block, state: Evaluation) -> bool:
        if block.hosts is not None:
            return block.hosts.matches(state.original)
        try:
            return all(one.holds(state, self._run) for one in block.match)
        except (BadValue, OSError) as error:
            raise ConfigError(f"{block.origin}: Match: {error}") from error

    def _run(self, command: str) -> bool:
        if command not in self._ran:
            self._ran[command] = self._runner(command)
        return self._ran[command]
