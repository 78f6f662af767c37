"""ansible-core does one task: what it is given to read, its run, and its answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from opsrun.composition.bridging.answer import answer
from opsrun.composition.bridging.costs import Costs
from opsrun.composition.bridging.folder import Folder, private_folder
from opsrun.composition.bridging.program import AnsibleCore, settings
from opsrun.composition.bridging.reaching import Reached, reached
from opsrun.composition.bridging.writing import plain, written
from opsrun.composition.ways import Way
from opsrun.engine.base import Engine
from opsrun.engine.stop import Stop
from opsrun.events import BridgeCost, Event, Notice
from opsrun.modules.base import ModuleError
from opsrun.playbook.interfaces import BridgeCall, Wish
from opsrun.remote.capture import Capture, MemoryBudget
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.framing import new_mark
from opsrun.remote.running import Running
from opsrun.transports.pipe import LocalTransport

_KEPT = 64 * 1024 * 1024
"""Bytes of a stream: a result is held in memory anyhow."""
_EACH = 2
"""Calls at once for each processor: more of them only take longer."""


class CoreBridge:
    """See `opsrun.playbook.interfaces.Bridge`.

    Args:
        core: the program.
        engine: of the run.
        stop: ends what is under way.
        way: how a wish is gone about.
        emit: takes what is said of each call.
        forks: hosts at once.
    """

    def __init__(
        self,
        core: AnsibleCore,
        engine: Engine,
        stop: Stop,
        way: Callable[[Wish], Way],
        emit: Callable[[Event], None],
        forks: int,
    ) -> None:
        self._core = core
        self._engine = engine
        self._stop = stop
        self._way = way
        self._emit = emit
        self._places = engine.semaphore(max(1, min(forks, _EACH * (os.cpu_count() or 1))))
        self._budget = MemoryBudget(1 << 29, engine.lock())
        self._costs = Costs(engine.lock(), engine.now)
        core.offload = engine.offload

    @property
    def cost(self) -> BridgeCost | None:
        """What all calls together took; None where there was none."""
        return self._costs.total

    def call(self, call: BridgeCall) -> dict[str, Any]:
        """See `Bridge.call`."""
        program, way = self._core.path(), self._way(call.wish)
        self._places.acquire()
        try:
            before = self._engine.now()
            with self._costs.counting(call.module):
                found = self._called(program, call, way)
            took = self._engine.now() - before
            self._emit(Notice("info", f"ansible-core did {call.module} in {took:.1f} s", call.host))
            return found
        finally:
            self._places.release()

    def _called(self, program: str, call: BridgeCall, way: Way) -> dict[str, Any]:
        name = f"opsrun_{new_mark()}"
        try:
            with private_folder() as folder:
                config = os.path.join(folder.path, "ssh_config")
                host = reached(way, _as_said(call.wish), config)
                folder.write("ansible.cfg", "")
                folder.write("ssh_config", host.ssh_config)
                hosts = folder.write("hosts.yml", inventory(call, host))
                book = folder.write("task.yml", playbook(call, name))
                ended = self._run(folder, call, program, "-i", hosts, book)
        except OSError as error:
            raise ModuleError(f"the bridge's own files can't be written: {error}") from error
        stdout, stderr = (data.decode("utf-8", "replace") for data in (ended.stdout, ended.stderr))
        if ended.truncated:
            raise ModuleError(f"ansible-core's answer is longer than {_KEPT} bytes")
        return answer(stdout, stderr, name, host.secrets)

    def _run(self, folder: Folder, call: BridgeCall, *words: str) -> CommandResult:
        exported = {**settings(folder.path), **beside(call.path)}
        if bases := self._core.bases(call.module):
            exported["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(bases)
        command = Command(folder.script(words, exported), exported, timeout=call.limit)
        out, err = (Capture(_KEPT, self._budget, None) for _ in range(2))
        running = Running(command, out, err, self._engine.now, None, None)
        transport = LocalTransport(call.wish.host, self._engine)
        try:
            with self._stop.closing(running.interrupt):
                return running.run(transport.connect(), self._stop, call.wish.host)
        finally:
            transport.close()
            out.close()
            err.close()


def _as_said(wish: Wish) -> dict[str, Any]:
    """The connection variables, and the keyword where no variable says it."""
    said = dict(wish.variables)
    if wish.connection is not None:
        said.setdefault("ansible_connection", wish.connection)
    if wish.remote_user is not None and "ansible_ssh_user" not in said:
        said.setdefault("ansible_user", wish.remote_user)
    if wish.port is not None and "ansible_ssh_port" not in said:
        said.setdefault("ansible_port", wish.port)
    return said


def inventory(call: BridgeCall, host: Reached) -> str:
    """The one host, as YAML. ModuleError."""
    silent = {"ansible_python_interpreter": "auto_silent"}
    variables = written({**silent, **call.variables, **host.variables})
    return f'{{"all": {{"hosts": {{{plain(call.wish.host)}: {variables}}}}}}}\n'


def playbook(call: BridgeCall, name: str) -> str:
    """The one task, and another that prints what the first one registered, as YAML.

    Args:
        call: what is to be done.
        name: of the variable that holds the result.

    Raises:
        ModuleError: an argument can't be written.
    """
    task = {
        plain(call.module): written(call.arguments),
        '"register"': plain(name),
        '"ignore_errors"': "true",
        '"ignore_unreachable"': "true",
        '"check_mode"': written(call.check),
        '"diff"': written(call.diff),
        '"environment"': written(call.environment),
    }
    play = {
        '"hosts"': '"all"',
        '"gather_facts"': "false",
        '"collections"': f"[{', '.join(map(plain, call.collections))}]",
        '"tasks"': f'[{_mapping(task)}, {{"debug": {{"var": {plain(name)}}}}}]',
    }
    return f"[{_mapping(play)}]\n"


def _mapping(entries: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in entries.items()) + "}"


_FOLDERS = {
    "ANSIBLE_MODULE_UTILS": ("module_utils",),
    "ANSIBLE_ACTION_PLUGINS": ("action_plugins", "action"),
}


def beside(path: str) -> dict[str, str]:
    """Where the module of a file is found, and what it may need that lies beside its folder."""
    if not path:
        return {}
    folder = os.path.dirname(os.path.abspath(path))
    above = os.path.dirname(folder)
    if os.path.basename(above) == "plugins" and "ansible_collections" in above.split(os.sep):
        # Found by the name of its collection.
        return {}
    found = {"ANSIBLE_LIBRARY": folder}
    for variable, names in _FOLDERS.items():
        there = [os.path.join(above, each) for each in names]
        if several := [each for each in there if os.path.isdir(each)]:
            found[variable] = os.pathsep.join(several)
    return found
