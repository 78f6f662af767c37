"""Ways to a host that the contract of transports is held against."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from opsrun.composition.fleetway import Fleetway
from opsrun.composition.ways import Way, find_ways
from opsrun.engine.base import Engine
from opsrun.engine.stop import Stop
from opsrun.inventory import load_inventory
from opsrun.lab import Lab
from opsrun.remote.capture import KEEP_PER_STREAM, Capture, MemoryBudget
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.connection import Connection, Transport
from opsrun.remote.deadline import Timeouts
from opsrun.remote.running import OnOutput, Running
from opsrun.testing import Cat, Data, EndOfOutput, Exited, FakeTransport, Step, ends
from opsrun.transports.pipe import LocalTransport
from opsrun.transports.programs.program import ProgramTransport
from opsrun.transports.targets.build import ConnectionDefaults, build_target
from opsrun.transports.targets.target import ProgramTarget, SSHTarget


@dataclass(frozen=True)
class Reach:
    """One way to a host.

    Args:
        name: as it shows in the tests' names.
        engine: what everything waits with.
        make: makes a transport; takes what is to be different about its target.
        kills: a command that is asked to end does end.
        processes: commands are processes of this machine's.
        shell: commands are read by a shell.
    """

    name: str
    engine: Engine
    make: Callable[..., Transport]
    kills: bool = True
    processes: bool = True
    shell: bool = True
    ssh: bool = False


def fake(engine: Engine) -> Reach:
    """A host in memory, whose few commands do what a shell would."""
    return Reach(
        "fake",
        engine,
        lambda **changes: FakeTransport(engine, fake_shell, **changes),
        processes=False,
        shell=False,
    )


def local(engine: Engine) -> Reach:
    """This machine, over a local pipe."""
    return Reach("local", engine, lambda **changes: LocalTransport("here", engine))


def over_ssh(engine: Engine, lab: Lab, host: str, name: str, *, kills: bool) -> Reach:
    """A host of a lab's, found and logged in to as a run would."""
    [way] = ways(lab.inventory, host)

    def make(timeouts: Timeouts | None = None, **changes: Any) -> Transport:
        assert isinstance(way.target, SSHTarget)
        target = replace(way.target, **({"timeouts": timeouts} if timeouts else {}), **changes)
        [job] = Fleetway(engine).jobs([Way(host, target)], ("test",), "test")
        return job.transport()

    return Reach(name, engine, make, kills=kills, ssh=True)


def over_ssh_program(engine: Engine, lab: Lab, host: str) -> Reach:
    """A host of a lab's, reached by ssh(1)."""
    variables = {"ansible_connection": "ssh_binary"}
    options = ("KexAlgorithms=curve25519-sha256",)
    defaults = ConnectionDefaults(ssh_config=str(lab.ssh_config), ssh_options=options)
    target = build_target(host, variables, defaults)
    assert isinstance(target, ProgramTarget)
    return Reach("ssh_binary", engine, lambda: ProgramTransport(target, engine))


def ways(inventory: Path, hosts: str) -> list[Way]:
    """Ways to the selected hosts."""
    selected = load_inventory([str(inventory)]).select(hosts)
    return find_ways(selected, ConnectionDefaults(ssh_config="none"))


def fake_shell(script: str) -> Iterable[Step]:
    """What a shell would do with the few scripts of the contract's."""
    if found := re.fullmatch(r"exit (\d+)", script):
        return ends(int(found[1]))
    if found := re.fullmatch(r"kill -(\w+) \$\$", script):
        return ends(signal={"9": "KILL"}.get(found[1], found[1]))
    if script == "cat":
        return Cat(), *ends(0)
    if script == "sleep 600":
        return ()
    if script == "echo begun; sleep 600":
        return (Data("stdout", b"begun\n"),)
    if script == "sleep 600 & exit 3":
        return (Exited(3),)
    if script == "echo out; echo err >&2; exit 7":
        return Data("stdout", b"out\n"), Data("stderr", b"err\n"), *ends(7)
    if found := re.fullmatch(r"head -c (\d+) /dev/zero", script):
        size, piece = int(found[1]), 32_768
        zeros = [Data("stdout", bytes(min(piece, size - at))) for at in range(0, size, piece)]
        return *zeros, *ends(0)
    if script == "echo late":
        return Exited(0), Data("stdout", b"late\n"), EndOfOutput()
    return Data("stderr", b"sh: not found\n"), *ends(127)


@dataclass
class Ran:
    """A command under way, or what came of it."""

    reach: Reach
    command: Command
    cap: int = KEEP_PER_STREAM
    budget: MemoryBudget | None = None
    on_output: OnOutput | None = None
    stop: Stop = field(init=False)
    result: CommandResult | None = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        engine = self.reach.engine
        self.stop = Stop(engine)
        budget = self.budget or MemoryBudget(1 << 40, engine.lock())
        self.stdout, self.stderr = Capture(self.cap, budget), Capture(self.cap, budget)
        self.running = Running(self.command, self.stdout, self.stderr, engine.now, self.on_output)

    def on(self, connection: Connection) -> CommandResult:
        """Run it to its end; as the worker of `exec` does."""
        with self.stop.closing(self.running.interrupt):
            self.result = self.running.run(connection, self.stop, "h")
        return self.result

    def quietly(self, connection: Connection) -> None:
        """Run it, for a task of its own: an error is kept, not raised."""
        try:
            self.on(connection)
        except BaseException as error:
            self.error = error


def run(reach: Reach, script: str, **options: Any) -> CommandResult:
    """Connect, run one command, and let go."""
    names = ("cap", "budget", "on_output")
    ours = {name: options.pop(name) for name in names if name in options}
    transport = reach.make()
    try:
        return Ran(reach, Command(script, **options), **ours).on(transport.connect())
    finally:
        transport.close()
