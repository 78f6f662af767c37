"""What exec, ping and wait do alike: choose hosts, pick outputs, run, and give an exit status."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import click

from opsrun.cli.asking import Asker
from opsrun.cli.become import become_of
from opsrun.cli.confirming import Typed
from opsrun.cli.interrupt import Interrupts
from opsrun.cli.journaling import journaling_of, of_run
from opsrun.cli.main import BROKEN_PIPE, started, warn
from opsrun.cli.options import Reach, Selection, Show, exclusive
from opsrun.cli.passwords import password_of
from opsrun.cli.vaulting import vault_of
from opsrun.errors import JournalError, UsageError
from opsrun.secret import Secret, note

if TYPE_CHECKING:
    from opsrun.api import Fleet
    from opsrun.composition.actions import Action
    from opsrun.composition.protection import Confirm
    from opsrun.composition.run import Run
    from opsrun.engine.base import Engine
    from opsrun.engine.dispatch import Plan
    from opsrun.events import Event, Sink
    from opsrun.inventory import Host, Inventory
    from opsrun.report import Report
    from opsrun.sinks import OutputOptions


class Shown(Protocol):
    """What is to be shown; see `opsrun.cli.options.Show`."""

    @property
    def kind(self) -> str:
        """One of those that `opsrun.sinks.make_sink` takes."""

    @property
    def verbosity(self) -> int:
        """-1 for quiet."""

    @property
    def diff(self) -> bool:
        """Whether differences are shown."""

    @property
    def outdir(self) -> str | None:
        """Where outputs are kept, too."""


@runtime_checkable
class Refined(Protocol):
    """What has more to say of how results are shown."""

    def refined(self, options: OutputOptions) -> OutputOptions:
        """The same options with that in them."""


def choose_hosts(selection: Selection) -> tuple[Inventory, tuple[Host, ...]]:
    """Load the inventory and select from it.

    Raises:
        UsageError: nothing says which hosts; that never means all of them.
        InventoryError, PatternError: see `load_inventory` and `Inventory.select`.
    """
    from opsrun.inventory import load_inventory

    patterns = [pattern for text in selection.hosts for pattern in _from_stdin(text)]
    patterns += selection.group
    if not patterns and not selection.hostfile:
        raise UsageError("which hosts? Say --hosts PATTERN (-w), -g GROUP or --hostfile")
    inventory = load_inventory(
        list(selection.inventory),
        hostfiles=list(selection.hostfile),
        vault=vault_of(selection),
        of_run=of_run,
    )
    for warning in inventory.warnings:
        warn(f"warning: {warning}")
    patterns = patterns or [f"^{path}" for path in selection.hostfile]
    hosts = select_within(inventory, ",".join(patterns), selection)
    if selection.pick is not None and selection.pick < len(hosts):
        drawn = set(random.sample(range(len(hosts)), selection.pick))
        hosts = tuple(host for place, host in enumerate(hosts) if place in drawn)
    return inventory, hosts


def select_within(inventory: Inventory, pattern: str, selection: Selection) -> tuple[Host, ...]:
    """The hosts of a pattern, as far as ``--limit`` and ``--exclude`` let them be selected.

    Raises:
        PatternError: see `Inventory.select`.
    """
    return inventory.select(
        pattern,
        limit=",".join(selection.limit) or None,
        exclude=",".join(selection.exclude) or None,
        exclude_groups=",".join(selection.exclude_group) or None,
    )


def _from_stdin(pattern: str) -> list[str]:
    if pattern != "-":
        return [pattern]
    if sys.stdin.isatty():
        raise UsageError("--hosts - reads names from standard input, which is a terminal here")
    names = sys.stdin.read().split()
    if not names:
        raise UsageError("--hosts - reads names from standard input, and there was none")
    return names


def execute(
    action: Action,
    selection: Selection,
    reach: Reach,
    show: Show,
    plan: Plan,
    *,
    retries: int = 0,
    largest_status: bool = False,
) -> int:
    """Do ``action`` on the selected hosts; the exit status.

    Raises:
        OpsrunError: a mistake that was found before the first host was reached.
    """
    exclusive(show)
    inventory, hosts = choose_hosts(selection)
    if selection.list_hosts:
        for host in hosts:
            click.echo(host.name)
        return 0
    fleet = make_fleet(inventory, reach)
    return carry_out(
        fleet, action, hosts, show, plan, retries=retries, largest_status=largest_status
    ).status


def make_fleet(inventory: Inventory, reach: Reach, confirm: Confirm | None = None) -> Fleet:
    """What the options make of the inventory; asks for the passwords that they want asked for.

    Args:
        confirm: asks whether dangerous work is meant; None for the terminal, if there is one.

    Raises:
        UsageError: an option can't be used.
    """
    password = _ask_password(reach)
    become = become_of(reach, Asker())
    patch_for(reach.engine)
    from opsrun.api import Fleet
    from opsrun.engine.limits import raise_open_files

    raise_open_files()
    confirm = confirm or Typed().if_there()
    known = _connection(reach, password)
    return Fleet(inventory, **known, become=become, yes=reach.yes, confirm=confirm)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a run of the command line's came to."""

    status: int
    """The exit status."""
    report: Report
    signal: int | None
    """The signal that ended it early."""
    closed: bool
    """Nobody reads our output any more."""


def carry_out(
    fleet: Fleet,
    action: Action,
    hosts: Sequence[Host],
    show: Show,
    plan: Plan,
    *,
    retries: int = 0,
    largest_status: bool = False,
) -> Ended:
    """Do ``action``, show what comes of it, and heed Ctrl-C meanwhile.

    Raises:
        OpsrunError: a mistake that was found before the first host was reached.
    """

    def begin(front: Front) -> Run:
        return fleet.begin(
            action,
            hosts,
            plan,
            retries=retries,
            largest_status=largest_status,
            forgets=True,
            sinks=front.sinks,
            on_tick=front.check,
            ask=front.ask,
            verbosity=show.verbosity,
        )

    return bring_out(begin, show)


class Front:
    """The operator, as a run of the command line's sees them: outputs, Ctrl-C, questions."""

    def __init__(self, show: Shown) -> None:
        self.asker = Asker()
        self.interrupts = Interrupts(self.asker.restore)
        self.outputs = Outputs(show, os.environ, self.asker, self.is_ending)

    def is_ending(self) -> bool:
        """Whether a signal has come."""
        return self.interrupts.received is not None

    @property
    def sinks(self) -> Callable[[Engine], Sequence[Sink]]:
        """Makes the outputs."""
        return self.outputs.sinks

    @property
    def check(self) -> Callable[[], None]:
        """Passes a signal on."""
        return self.interrupts.check

    @property
    def ask(self) -> Asker | None:
        """Who asks, if there is a terminal."""
        return self.asker if self.asker.is_there() else None


def bring_out(begin: Callable[[Front], Run], show: Shown) -> Ended:
    """Begin a run, show what comes of it, and heed Ctrl-C meanwhile.

    Raises:
        OpsrunError: a mistake that was found before the first host was reached.
    """
    front = Front(show)
    interrupts = front.interrupts
    with _without_invoke():
        run = begin(front)
    started()
    interrupts.interrupt = run.interrupt
    with interrupts.installed():
        try:
            for event in run.stream():
                last = event
        except JournalError as error:
            # It was waited for, and somebody did not want to: no host was reached.
            if interrupts.received is None:
                raise
            warn(str(error))
            return Ended(interrupts.exit_status, run.report, interrupts.received, False)
    _tell_failures(run.collector.failures, last)
    closed = run.collector.closed is not None
    status = _status(run.exit_status, closed, front.outputs, interrupts)
    return Ended(status, run.report, interrupts.received, closed)


def _tell_failures(failures: Sequence[str], last: Event) -> None:
    """Outputs that failed, and what came of the hosts: an output that failed can't say it."""
    from opsrun.events import Summary
    from opsrun.sinks.problems import summary_line

    for failure in failures:
        warn(failure)
    if failures and isinstance(last, Summary):
        warn(f"the hosts: {summary_line(last, color=False)}")


@contextmanager
def _without_invoke() -> Iterator[None]:
    """Have paramiko do without ``invoke`` when it is imported in the block.

    It takes it along for its own reader of ssh_config, which is not used here, and asyncio and
    unittest come with it: a fifth of what starting a command takes.
    """
    absent = "invoke" not in sys.modules
    if absent:
        sys.modules["invoke"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if absent:
            del sys.modules["invoke"]


def patch_for(engine: str) -> None:
    """Make the process what the engine needs; before anything imports paramiko."""
    if engine == "gevent":
        from opsrun.engine.greenlets import patch

        patch()


def _status(status: int, closed: bool, outputs: Outputs, interrupts: Interrupts) -> int:
    if interrupts.received is not None:
        return interrupts.exit_status
    return BROKEN_PIPE if closed else status


def _connection(reach: Reach, password: Secret | None) -> dict[str, Any]:
    return {
        "user": reach.user,
        "password": password,
        "private_key": reach.private_key,
        "port": reach.port,
        "forks": reach.forks,
        "engine": reach.engine,
        "host_key_checking": reach.host_key_checking,
        "connect_timeout": reach.connect_timeout,
        "ssh_config": reach.ssh_config,
        "ssh_options": reach.ssh_option,
        "jump": reach.jump,
        "journal": journaling_of(reach),
    }


def _ask_password(reach: Reach) -> Secret | None:
    if reach.ask_pass and reach.password_file is not None:
        raise UsageError("-k and --password-file both say where the password comes from")
    if reach.password_file is not None:
        return password_of(reach.password_file, "--password-file")
    if not reach.ask_pass:
        return None
    answer = Asker()("SSH password: ")
    if answer is None:
        raise UsageError("-k asks for a password, and there is no terminal to ask on")
    note(answer.reveal())
    return answer


class Outputs:
    """Picks the sinks that the options ask for, and what the terminal can show."""

    def __init__(
        self,
        show: Shown,
        environ: Mapping[str, str],
        asker: Asker,
        is_ending: Callable[[], bool],
    ) -> None:
        self._asker = asker
        self._is_ending = is_ending
        self._show = show
        self._environ = environ
        self._terminals = tuple(os.isatty(descriptor) for descriptor in (1, 2))

    def sinks(self, engine: Engine) -> Sequence[Sink]:
        """The outputs, in the order in which they are fed."""
        from opsrun.engine.writer import DescriptorWriter
        from opsrun.sinks import OutputOptions, Writer, make_sink
        from opsrun.sinks.style import wants_color, wants_live

        out: Writer = DescriptorWriter(engine, 1, self._is_ending)
        err: Writer = DescriptorWriter(engine, 2, self._is_ending)
        if all(self._terminals):
            err = out
        live = None
        if self._show.verbosity >= 0 and wants_live(self._environ, *self._terminals):
            from opsrun.sinks.live import LiveSink
            from opsrun.sinks.screen import Screen

            self._asker.screen = screen = Screen(out, err)
            out, err = screen.out, screen.err
            live = LiveSink(screen, color=wants_color(self._environ, self._terminals[1]))
        options = OutputOptions(
            verbosity=self._show.verbosity,
            color=wants_color(self._environ, self._terminals[0]),
            color_err=wants_color(self._environ, self._terminals[1]),
            width=_columns() if self._terminals[0] else None,
            diff=self._show.diff,
            output_events=self._show.kind == "jsonl",
        )
        if isinstance(self._show, Refined):
            options = self._show.refined(options)
        sinks = [make_sink(self._show.kind, out, err, options)]
        if self._show.outdir is not None:
            from opsrun.sinks.outdir import OutdirSink

            sinks.append(OutdirSink(self._show.outdir))
        return [*sinks, live] if live is not None else sinks


def _columns() -> int:
    from shutil import get_terminal_size

    return get_terminal_size().columns
