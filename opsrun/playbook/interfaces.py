"""The seams between the parts of `opsrun.playbook`, as Protocols.

::

    Loader ──> Playbook ──> TaskBook            files to nodes; no host, no variable of a host
    Scheduler <── TaskEnded, Loaded             pure; gives orders
    RunState  <── TaskEnded                     what hosts know: facts, registered, set_fact …
    Scopes    <── RunState, Inventory, Play     the raw variables of one host at one task
    Templar   <── a scope                       renders, lazily
    HostRunner<── RunTask, Templar, Reach       one task on one host, from `when` to `register`
    Coordinator                                 the loop that carries messages between them
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import Template
from opsrun.playbook.messages import Parked, RunTask, TaskEnded, Wait
from opsrun.playbook.model.nodes import Task
from opsrun.remote.command import Command, CommandResult
from opsrun.remote.conversing import Conversed, Hear
from opsrun.remote.files.host_files import HostFiles
from opsrun.remote.session import Session


class Templar(Protocol):
    """Renders with the variables of one host at one task; made for that, and thrown away."""

    def render(self, value: Any, origin: Origin | None = None) -> Any:
        """``value`` with every `Template` in it rendered, natively typed (a template that is one
        expression gives that expression's value), as plain data. Containers are new ones; entries
        that came to ``omit`` stay `OMIT`, see `opsrun.playbook.templating.omit`.

        Raises:
            TemplateError: with the template's file, line and column, and the nearest names.
        """

    def condition(self, value: Any, origin: Origin | None = None) -> bool:
        """Whether an entry of ``when`` (or ``until``, ``failed_when`` …) holds. TemplateError."""

    def as_written(self, value: Template) -> Any:
        """What ``{{ name }}`` names, where that is a variable of the operator's files: as it
        stands there. None for anything else, and so for whatever a host had a part in."""

    def file(self, path: str, options: Mapping[str, Any]) -> bytes:
        """A template file, see `opsrun.modules.base.Controller.render`. TemplateError."""

    def lookup(self, name: str, terms: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
        """What a lookup gives, as a list: ``with_NAME`` asks for it. TemplateError."""

    def with_variables(self, more: Mapping[str, Any]) -> Templar:
        """One that sees these, too, before all others (loop variables, a task's result)."""


@dataclass(frozen=True, slots=True)
class BecomeWish:
    """As whom, as the keywords say; inventory variables (``ansible_become_*``) win over them."""

    user: str | None = None
    method: str | None = None
    flags: str | None = None
    exe: str | None = None
    place: str = field(default="", compare=False)
    """Where the method is said, for messages."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which host is to be reached, how and as whom; equal wishes share connections."""

    host: str
    """Inventory name; also of a host that add_host made, or that only delegate_to names."""
    variables: Mapping[str, Any]
    """Its connection variables (``ansible_host``, ``ansible_user``, ``ansible_become_pass`` …),
    rendered."""
    become: BecomeWish | None = None
    """None for the login user."""
    connection: str | None = None
    """Of the keyword ``connection``; weaker than the variable."""
    remote_user: str | None = None
    port: int | None = None


class HostShell(Protocol):
    """A host that has been reached, as one identity. One task uses it at a time."""

    @property
    def session(self) -> Session:
        """Its persistent shell."""

    def files(self) -> HostFiles:
        """Its files, over the session."""

    def command(self, command: Command) -> CommandResult:
        """Run a command on a channel of its own (``raw``)."""

    def converse(self, command: Command, hear: Hear, patience: float | None) -> Conversed:
        """Run a command on a terminal of its own, and answer it; see `Conversing`. HostError."""

    def forget(self) -> None:
        """Give up the connection: the next lease logs in again (a reboot, reset_connection)."""


class Reach(Protocol):
    """Connections and sessions of a run, kept and shared: a lease takes one that nobody uses."""

    def lease(self, wish: Wish) -> AbstractContextManager[HostShell]:
        """A shell, logged in on first use.

        Raises:
            ConnectionFailed: unreachable. BecomeError: a failed task, not an unreachable host.
            UsageError: a variable can't be used.
        """

    def watch(self, wish: Wish, wait: Wait) -> None:
        """Wait until checks hold on a host; says every few seconds what it waits for.

        Args:
            wish: how that host is reached, and as whom commands of checks run.
            wait: checks, see `opsrun.adhoc.checks`, and how long they have.

        Raises:
            UsageError: a check can't be understood, or can't be looked at.
            GateTimeout: they did not hold in time, or never can.
            HostError: the host let us not in, and another attempt would not end better.
            Cancelled: the run ended.
        """

    def close(self) -> None:
        """Let go of all."""


@dataclass(frozen=True, slots=True)
class BridgeCall:
    """A task that ansible-core is to do; everything in it is rendered."""

    module: str
    """As ansible-core knows it."""
    path: str
    """Of its file; empty where that is ansible-core's own business."""
    arguments: Mapping[str, Any]
    wish: Wish
    """Whom it is done on, and how that one is reached."""
    host: str
    """Whose task it is."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    """``ansible_*`` variables of whom it is done on, beside those of the connection."""
    environment: Mapping[str, str] = field(default_factory=dict)
    collections: Sequence[str] = ()
    check: bool = False
    diff: bool = False
    limit: float | None = None
    """Seconds that it may take."""


class Bridge(Protocol):
    """Has ansible-core, as a program on this machine, do tasks whose modules need it."""

    def call(self, call: BridgeCall) -> dict[str, Any]:
        """What ansible-core registers.

        Raises:
            ModuleError: it could not do the task, or gave no answer, in its own words.
            UsageError: there is no such program that can be used.
            CommandTimeout: it took longer than the limit, and was ended.
            Cancelled: the run ended, and so did it.
        """


class Scopes(Protocol):
    """Puts the raw variables of a host at a task together, by the table of precedence."""

    def templar(self, host: str, task: Task, order: RunTask) -> Templar:
        """What the task sees on the host: all layers, magic variables, ``hostvars``."""


Progress = Callable[[str, Mapping[str, Any]], None]
"""Called with what happens inside a task: ``item`` (one item has ended), ``retry`` …"""


class Runner(Protocol):
    """Does one task on one host."""

    def run(self, order: RunTask, progress: Progress) -> TaskEnded | Parked:
        """From conditions to exports. Raises nothing: whatever happens is in the message."""
