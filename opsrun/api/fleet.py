"""opsrun from Python: a `Fleet` of hosts, and what can be done with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Self, Unpack, get_args

from opsrun.api.options import (
    ExecOptions,
    GetArguments,
    PlanOptions,
    PutArguments,
    SyncArguments,
    only_known,
    plan_of,
)
from opsrun.composition import arguments
from opsrun.composition.actions import Action, ExecAction, PingAction, TrustAction, WaitAction
from opsrun.composition.needs import needs_of
from opsrun.composition.run import ENGINES, Run, RunOptions, make_engine
from opsrun.composition.ways import Fleetway, check_manner, find_ways
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Plan
from opsrun.errors import UsageError
from opsrun.events import Event, Sink
from opsrun.inventory import Host, Inventory, load_inventory
from opsrun.remote.command import Command
from opsrun.remote.connection import Manner, Terminal
from opsrun.report import Report
from opsrun.secret import Ask, Secret
from opsrun.transports.targets.become import Become
from opsrun.transports.targets.build import ConnectionDefaults
from opsrun.transports.targets.target import HostKeyChecking

if TYPE_CHECKING:
    from opsrun.composition.kept import Kept

PathLike = str | os.PathLike[str]
Pattern = str | Sequence[str]
"""Which hosts: one pattern, or several that are united."""


class Fleet:
    """The hosts of an inventory, and how they are reached.

    Nothing is read from the hosts, and none is reached, before one of the methods is called; each
    call connects, works and disconnects. In a ``with`` block connections stay open for the calls
    that follow: one login a host, however many commands. Where the inventory names a user, a port
    or a key for a host (``ansible_user`` …), that wins over the arguments here, as it does with
    Ansible.

    >>> from opsrun import Fleet
    >>> report = Fleet("inventories/lab.yml").exec("df", hosts="web")  # doctest: +SKIP
    >>> [result.host for result in report.ok]  # doctest: +SKIP
    ['web01', 'web02', 'web03']
    >>> with Fleet("inventories/lab.yml") as fleet:  # doctest: +SKIP
    ...     before = fleet.exec("uptime -s", hosts="web")
    ...     after = fleet.exec("df -P /", hosts="web")

    Args:
        inventory: a path, several, a comma list such as ``"web1,web2,"``, or a loaded
            `Inventory`; None looks where the command line does.
        user: to log in as; None for ssh_config's, or the local one.
        password: text or `Secret`.
        private_key: path of a key to offer, or several.
        port: SSH port; None for ssh_config's, or 22.
        forks: hosts at once.
        engine: ``auto`` (greenlets in a process that gevent has patched, else threads),
            ``gevent`` or ``threads``.
        host_key_checking: ``strict``, ``accept-new`` or ``off``; None for ssh_config's, or strict.
        connect_timeout: seconds for the TCP connection.
        ssh_config: a file in place of ``~/.ssh/config`` and ``/etc/ssh/ssh_config``; ``none`` for
            neither.
        ssh_options: further options as ``ssh -o`` takes them, ``"KEY=VALUE"``.
        jump: hosts to go through, ``"[user@]host[:port]"``, several behind commas; each is looked
            up in ssh_config, and logged in to once a run. ``private_key``, ``connect_timeout`` and
            ``host_key_checking`` hold for them too; user, port and password don't.
        become: as whom commands run: True for root, a user's name, or a `Become`.

    Raises:
        InventoryError: the inventory can't be read.
        UsageError: an argument can't be used.
    """

    def __init__(
        self,
        inventory: PathLike | Sequence[PathLike] | Inventory | None = None,
        *,
        user: str | None = None,
        password: str | Secret | None = None,
        private_key: PathLike | Sequence[PathLike] = (),
        port: int | None = None,
        forks: int = 50,
        engine: str = "auto",
        host_key_checking: HostKeyChecking | None = None,
        connect_timeout: float | None = None,
        ssh_config: PathLike | None = None,
        ssh_options: Sequence[str] = (),
        jump: str | None = None,
        become: bool | str | Become = False,
    ) -> None:
        arguments.choice("engine", engine, ENGINES)
        arguments.choice("host_key_checking", host_key_checking, get_args(HostKeyChecking))
        arguments.secret_text("password", password, Secret)
        self.inventory = inventory if isinstance(inventory, Inventory) else _load(inventory)
        """The hosts and their variables, see `Inventory`."""
        self._engine = engine
        self._forks = arguments.whole("forks", forks, least=1)
        self._defaults = ConnectionDefaults(
            user=arguments.text("user", user),
            password=Secret(password) if isinstance(password, str) else password,
            private_keys=arguments.paths("private_key", private_key),
            port=None if port is None else arguments.whole("port", port, least=1, most=65535),
            connect_timeout=arguments.seconds("connect_timeout", connect_timeout),
            host_key_checking=host_key_checking,
            ssh_config=arguments.path("ssh_config", ssh_config),
            ssh_options=arguments.texts("ssh_options", ssh_options),
            jump=arguments.text("jump", jump),
            become=_become(become),
        )
        self._kept: Kept | None = None

    def __enter__(self) -> Self:
        """Keep connections open from here on.

        Raises:
            UsageError: they are kept already.
        """
        from opsrun.composition.kept import Kept

        if self._kept is not None:
            raise UsageError("this Fleet keeps its connections already: it is in a `with` block")
        self._kept = Kept(make_engine(self._engine))
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close them. Whatever is still under way is ended."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def hosts(self, pattern: Pattern = "all") -> tuple[str, ...]:
        """Names of the hosts that ``pattern`` selects, in the inventory's order.

        Raises:
            PatternError: it is malformed, names something unknown, or selects no host.
        """
        return tuple(host.name for host in self._select(pattern))

    def _select(self, hosts: Pattern) -> tuple[Host, ...]:
        return self.inventory.select(arguments.pattern("hosts", hosts))

    def exec(self, command: str, hosts: Pattern, **options: Unpack[ExecOptions]) -> Report:
        """Run a command on every host that the pattern selects, and wait for all of them.

        A host that ends badly raises nothing; ask the report, or call its
        `Report.raise_for_failures`.

        Args:
            command: what the remote shell reads.
            hosts: a pattern such as ``web:&prod:!db01`` or ``web[01-20]``; or several, such as
                the names of hosts.
            options: see `ExecOptions`; ``output`` is False here unless a sink wants it.

        Raises:
            PatternError: the pattern selects no host, or names something unknown.
            UsageError: an argument or a connection variable can't be used.
        """
        options.setdefault("output", False)
        return Report(self.stream(command, hosts, **options))

    def stream(
        self, command: str, hosts: Pattern, **options: Unpack[ExecOptions]
    ) -> Iterator[Event]:
        """Run a command on every host that the pattern selects; events as they happen.

        The first event is `RunStarted`, the last `Summary`, and every host has exactly one
        `Result` between them. Closing the iterator early ends the run. Takes and raises what
        `exec` does; mistakes are raised here, before the first event is asked for.
        """
        only_known(options, ExecOptions)
        arguments.command(command, options)
        action = ExecAction(
            Command(
                command,
                dict(options.get("env") or {}),
                options.get("stdin"),
                options.get("timeout"),
                Manner(Terminal() if options.get("pty") else None, options.get("raw", False)),
                options.get("idle_timeout"),
            )
        )
        run = self.begin(
            action,
            self._select(hosts),
            plan_of(options, self._forks),
            retries=options.get("retries", 0),
            stream=options.get("output", True),
            sinks=lambda engine: options.get("sinks", ()),
        )
        return run.stream()

    def put(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern,
        **options: Unpack[PutArguments],
    ) -> Report:
        """Copy files to every host that the pattern selects; see `opsrun.adhoc.put.Put`.

        A file is written beside its place, checked, and put there at once. What is there already
        is not sent: its outcome is ok, in place of changed.

        >>> fleet.put("app.conf", "/etc/app/", hosts="web", mode="0640")  # doctest: +SKIP
        >>> fleet.put((), "/etc/motd", hosts="all", content=b"Hello\\n")  # doctest: +SKIP

        Args:
            sources: files and directories here; ``DIR/`` for what is in one, patterns are expanded.
            dest: on the hosts; as with cp(1), a directory takes the sources in.
            hosts: as for `exec`.
            options: see `PutArguments`.

        Raises:
            PatternError: as `exec`.
            UsageError: a source isn't there or can't be read, or an argument can't be used.
        """
        from opsrun.api.copies import put_action

        return self._copy(put_action(sources, dest, options), hosts, options)

    def get(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern,
        **options: Unpack[GetArguments],
    ) -> Report:
        """Copy files from every host to ``dest/HOST/``; see `opsrun.adhoc.get.Get`.

        >>> fleet.get("/var/log/*.log", "logs", hosts="web")  # doctest: +SKIP

        Args:
            sources: on the hosts, which expand patterns themselves.
            dest: a folder here; it is made where it is missing.
            hosts: as for `exec`.
            options: see `GetArguments`.

        Raises:
            PatternError: as `exec`.
            UsageError: the destination can't be one, or an argument can't be used.
        """
        from opsrun.api.copies import get_action

        return self._copy(get_action(sources, dest, options), hosts, options)

    def sync(
        self,
        source: PathLike,
        dest: PathLike,
        hosts: Pattern,
        **options: Unpack[SyncArguments],
    ) -> Report:
        """Make a directory of every host equal to one here; see `opsrun.adhoc.sync.Sync`.

        >>> fleet.sync("site", "/srv/www", hosts="web", delete=True)  # doctest: +SKIP

        Args:
            source: a directory here.
            dest: its mirror on the hosts.
            hosts: as for `exec`.
            options: see `SyncArguments`.

        Raises:
            PatternError: as `exec`.
            UsageError: the source can't be read, or an argument can't be used.
        """
        from opsrun.api.copies import sync_action

        return self._copy(sync_action(source, dest, options), hosts, options)

    def _copy(self, action: Action, hosts: Pattern, options: PlanOptions) -> Report:
        run = self.begin(
            action,
            self._select(hosts),
            plan_of(options, self._forks),
            retries=options.get("retries", 0),
            sinks=lambda engine: options.get("sinks", ()),
        )
        return Report(run.stream())

    def ping(self, hosts: Pattern, *, count: int = 1, wait: float | None = None) -> Report:
        """Log in to every host and measure the round trip; see `opsrun.adhoc.ping.Ping`.

        Args:
            hosts: a pattern.
            count: round trips over the one login of each host.
            wait: seconds to keep trying; None tries once.
        """
        patience = arguments.seconds("wait", wait)
        action = PingAction(patience, arguments.whole("count", count, least=1))
        selected = self._select(hosts)
        return Report(self.begin(action, selected, Plan(self._forks)).stream())

    def wait(
        self, conditions: str | Sequence[str], hosts: Pattern, *, timeout: float | None = 60.0
    ) -> Report:
        """Wait until every host meets every condition: ``"ssh"``, ``"tcp:5432"``.

        Args:
            conditions: one, or several that are waited for one after the other.
            hosts: a pattern.
            timeout: seconds in all; None waits for ever.
        """
        from opsrun.adhoc.wait import Condition

        one = isinstance(conditions, str)
        named = arguments.texts("conditions", [conditions] if one else conditions)
        wanted = tuple(Condition.parse(text) for text in named)
        selected = self._select(hosts)
        action = WaitAction(wanted, arguments.seconds("timeout", timeout))
        return Report(self.begin(action, selected, Plan(self._forks)).stream())

    def trust(self, hosts: Pattern, *, expect: PathLike) -> Report:
        """Ask hosts for their keys, and record those that a list has; see `Trust`.

        Args:
            hosts: a pattern.
            expect: a file with known_hosts lines or fingerprints, see `Expectations`.

        Raises:
            ConfigError: the file can't be read or understood.
            RunFailed: the keys can't be recorded.
        """
        from opsrun.transports.hostkeys.expect import Expectations
        from opsrun.transports.hostkeys.trust import record

        action = TrustAction(Expectations.read(*arguments.paths("expect", expect)))
        selected = self._select(hosts)
        report = Report(self.begin(action, selected, Plan(self._forks)).stream())
        record(action.accepted(host.name for host in selected))
        return report

    def begin(
        self,
        action: Action,
        hosts: Sequence[Host],
        plan: Plan,
        *,
        retries: int = 0,
        stream: bool = False,
        largest_status: bool = False,
        forgets: bool = False,
        sinks: Callable[[Engine], Sequence[Sink]] = lambda engine: (),
        on_tick: Callable[[], None] = lambda: None,
        ask: Ask | None = None,
        verbosity: int = 0,
    ) -> Run:
        """A run that is ready to be streamed; every mistake in its configuration is raised here.

        What `exec`, `ping` and `wait` stand on; the command line adds its sinks and its Ctrl-C.

        Args:
            action: what is done.
            hosts: on whom, see `Inventory.select`.
            plan: how many at once, in which batches.
            retries, stream, largest_status, forgets: see `RunOptions`.
            sinks: called with the run's engine; makes what is fed with the events.
            on_tick: called several times a second while the run is streamed.
            ask: asks the operator for a passphrase.
            verbosity: from 2 on, connections tell their story in notices.
        """
        ways = find_ways(hosts, self._defaults, becomes=action.becomes)
        if isinstance(action, ExecAction):
            check_manner(ways, action.command.manner)
        engine = make_engine(self._engine)
        kept = self._kept
        fleetway = kept.fleetway(ask, verbosity) if kept else Fleetway(engine, ask, verbosity)
        logs_in = not isinstance(action, TrustAction)
        # Where logging in is all that is asked for, it has to be done.
        jobs = fleetway.jobs(
            ways,
            (action.name,),
            action.words,
            anew=not action.becomes,
            logs_in=logs_in,
            at_once=min(plan.forks, len(ways)),
        )
        needs = needs_of(ways)
        options = RunOptions(
            action=action.name,
            command=action.words,
            plan=plan,
            retries=retries,
            needs=needs,
            stream=stream,
            largest_status=largest_status,
            forgets=forgets,
            early=tuple(fleetway.take_early()),
        )
        if kept is not None:
            kept.leave_room(min(plan.forks, len(jobs)), needs)
        run = Run(
            engine,
            options,
            jobs,
            lambda setting: action.worker(setting, fleetway),
            sinks(engine),
            on_tick=on_tick,
            on_end=fleetway.close if kept is None else fleetway.fall_silent,
        )
        fleetway.emit = run.collector.emit
        return run


def _load(inventory: PathLike | Sequence[PathLike] | None) -> Inventory:
    return load_inventory([] if inventory is None else arguments.paths("inventory", inventory))


def _become(value: bool | str | Become) -> Become | None:
    if isinstance(value, str):
        return Become(user=value)
    if isinstance(value, (bool, Become)):
        return value if isinstance(value, Become) else Become() if value else None
    raise arguments.wrong("become", "True, False, a user's name or a Become", value)
