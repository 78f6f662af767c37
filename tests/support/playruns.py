"""Playbooks that are carried out whole, in this process, and what was said of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from support.engines import make_engine

from opsrun.composition.fleetway import Fleetway
from opsrun.composition.playbooks.options import PlaybookOptions
from opsrun.composition.playbooks.prepared import Prepared
from opsrun.composition.playbooks.stage import PlaybookStage
from opsrun.composition.ways import Way
from opsrun.engine.base import Engine
from opsrun.events import (
    Event,
    HandlersPending,
    Notice,
    Result,
    TaskResult,
    TaskStarted,
)
from opsrun.inventory import load_inventory
from opsrun.playbook.codec import decode, encode
from opsrun.playbook.variables.settings import RunSettings
from opsrun.remote.connection import Transport
from opsrun.testing import FakeTransport, Scripts
from opsrun.transports.targets.build import ConnectionDefaults

HERE = {"ansible_connection": "local"}


def through_json(message: Any) -> Any:
    """A message as another process would read it."""
    return decode(encode(message))


@dataclass
class Ran:
    """A run, and every event of it."""

    stage: PlaybookStage
    events: list[Event] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def _of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.events if isinstance(each, kind)]

    @property
    def status(self) -> int:
        return self.stage.exit_status

    @property
    def notices(self) -> list[str]:
        return [each.message for each in self._of(Notice)]

    @property
    def pending(self) -> dict[str, tuple[str, ...]]:
        return {each.host: each.handlers for each in self._of(HandlersPending)}

    @property
    def ends(self) -> dict[str, str]:
        """The outcome of every host; each has exactly one result."""
        found = [(each.host, str(each.outcome)) for each in self._of(Result)]
        assert len(found) == len(dict(found)), found
        return dict(found)

    def recap(self, host: str) -> dict[str, int]:
        """What is not 0 of a host's counts."""
        [result] = [each for each in self._of(Result) if each.host == host]
        return {name: count for name, count in result.data["recap"].items() if count}

    def error(self, host: str) -> str:
        [result] = [each for each in self._of(Result) if each.host == host]
        return "" if result.error is None else str(result.error.message)

    def said(self, name: str, host: str | None = None, *, items: bool = False) -> list[TaskResult]:
        """Results of the task of this name; of its items, or of the whole."""
        return [
            each
            for each in self._of(TaskResult)
            if self.names[each.task] == name
            and host in (None, each.host)
            and each.retries_left is None
            and (each.item is not None) is items
        ]

    def one(self, name: str, host: str | None = None) -> TaskResult:
        [found] = self.said(name, host)
        return found

    def result(self, name: str, host: str | None = None) -> dict[str, Any]:
        return dict(self.one(name, host).result)

    def msg(self, name: str, host: str | None = None) -> Any:
        return self.result(name, host)["msg"]

    @property
    def done(self) -> list[str]:
        """``task:host`` of everything that ended, in order."""
        return [
            f"{self.names[each.task]}:{each.host}"
            for each in self._of(TaskResult)
            if each.item is None and each.retries_left is None
        ]


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Make files below ``folder``."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class FakeFleet(Fleetway):
    """Every host is one in memory, whatever its target says.

    Args:
        make: a transport for the host of this name.
    """

    def __init__(self, engine: Engine, make: Callable[[str], Transport]) -> None:
        super().__init__(engine)
        self._make = make
        self.made: list[tuple[str, Transport]] = []

    def transport(self, way: Way, anew: bool = False) -> Transport:
        made = self._make(way.host)
        self.made.append((way.host, made))
        return made


def fakes(scripts: Scripts) -> Callable[[Engine], FakeFleet]:
    """For `stage`: hosts that all answer by ``scripts``."""

    def make(engine: Engine) -> FakeFleet:
        return FakeFleet(engine, lambda host: FakeTransport(engine, scripts, host=host))

    return make


def stage(
    folder: Path,
    playbook: str | Mapping[str, str],
    hosts: str = "h1,",
    *,
    extra: Mapping[str, Any] = HERE,
    fleet: Callable[[Engine], Fleetway] = Fleetway,
    json: bool = True,
    options: PlaybookOptions | None = None,
    main: Iterable[str] = ("site.yml",),
    ssh_config: str = "none",
    **settings: Any,
) -> PlaybookStage:
    """A run that is ready to begin.

    Args:
        playbook: text of ``site.yml``, or files by name.
        hosts: an inventory's name, or names with commas.
        json: whether messages go through JSON.
        settings: see `RunSettings`.
    """
    files = {"site.yml": playbook} if isinstance(playbook, str) else playbook
    write(folder, files)
    known = RunSettings(cwd=str(folder), extra_vars=dict(extra), **settings)
    made = replace(options or PlaybookOptions(), settings=known)
    if json:
        made = replace(made, passing=through_json)
    source = hosts if "," in hosts else str(folder / hosts)
    inventory = load_inventory([source])
    prepared = Prepared([str(folder / name) for name in main], inventory, made)
    engine = make_engine()
    return PlaybookStage(engine, prepared, fleet(engine), ConnectionDefaults(ssh_config=ssh_config))


def run(folder: Path, playbook: str | Mapping[str, str], hosts: str = "h1,", **more: Any) -> Ran:
    """Carry a playbook out, see `stage`."""
    return watched(stage(folder, playbook, hosts, **more))


def watched(ready: PlaybookStage, watch: Callable[[Event], None] = lambda event: None) -> Ran:
    """Carry a run out; ``watch`` is told of each event."""
    ran = Ran(ready)
    for event in ready.stream():
        if isinstance(event, TaskStarted):
            ran.names[event.task] = event.name
        ran.events.append(event)
        watch(event)
    return ran


def tasks(*lines: str, head: str = "") -> str:
    """A play over all hosts, a task a line."""
    top = "- hosts: all\n  gather_facts: false\n"
    more = "".join(f"  {line}\n" for line in head.splitlines())
    return top + more + "  tasks:\n" + "".join(f"  - {line}\n" for line in lines)
