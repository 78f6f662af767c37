"""A host of the lab whose sshd is stopped, and started again when a test says so."""

from __future__ import annotations

import os
import signal

from opsrun.lab import Lab
from opsrun.lab.folder import Folder
from opsrun.lab.launch import SEARCH_PATH, dying_with_us
from opsrun.lab.openssh import TAG, find_sshd
from opsrun.lab.process import identify, spawn
from opsrun.lab.ready import silent_hosts


class Downtime:
    """Stops the server of ``host``; logins are refused until `over`.

    Args:
        lab: with a server for each host.
        host: whose server it is.
    """

    def __init__(self, lab: Lab, host: str) -> None:
        self._host = next(each for each in lab.hosts if each.name == host)
        self._log = lab.log(host)
        server = lab.state.process_of(host)
        assert server is not None
        binary = find_sshd()
        assert binary is not None
        config = Folder.at(lab.directory).config(host)
        prefix = dying_with_us(tied=True)
        self._argv = (*prefix, binary, "-D", "-e", "-f", str(config))
        self._env = {TAG: lab.state.id, "PATH": SEARCH_PATH, "LC_ALL": "C"}
        self._stop(server.pid)

    def _stop(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        if os.waitpid(pid, 0)[0] != pid:
            raise AssertionError("the server is no child of ours")
        assert identify(pid) is None
        assert self.refuses()

    def refuses(self) -> bool:
        """Whether nobody listens."""
        return bool(silent_hosts([self._host], 5.0, patient=False))

    def over(self) -> None:
        """Start it again; it answers when this returns."""
        spawn(self._argv, self._env, self._log)
        assert not silent_hosts([self._host], 20.0, patient=True)
