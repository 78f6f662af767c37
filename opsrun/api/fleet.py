"""opsrun from Python: a `Fleet` of hosts, and what can be done with it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Literal, Self, Unpack, overload

from opsrun.api.aio import AsyncFleet
from opsrun.api.commands import PerHost
from opsrun.api.copying import Copying
from opsrun.api.core import FleetCore, Lines, Pattern
from opsrun.api.fleet_options import FleetOptions, PathLike, VaultPassword, opener
from opsrun.api.handle import RunHandle, telling
from opsrun.api.options import ExecOptions
from opsrun.api.playbooks import Playbooks
from opsrun.api.readiness import Readiness
from opsrun.composition import arguments
from opsrun.composition.protection import Confirm
from opsrun.errors import UsageError
from opsrun.events import Event
from opsrun.inventory import Inventory, load_inventory
from opsrun.journal.about import Journaling
from opsrun.report import Report
from opsrun.secret import Secret
from opsrun.transports.targets.become import Become
from opsrun.transports.targets.target import HostKeyChecking
from opsrun.vault.vault import NO_VAULT, Vault

if TYPE_CHECKING:
    from opsrun.api.one import OneHost


class Fleet(Copying, Readiness, Playbooks, AsyncFleet):
    """The hosts of an inventory, and how they are reached.

    Nothing is read from the hosts, and none is reached, before one of the methods is called; each
    call connects, works and disconnects. In a ``with`` block connections stay open for the calls
    that follow: one login a host, however many commands. Where the inventory names a user, a port
    or a key for a host (``ansible_user`` …), that wins over the arguments here, as it does with
    Ansible.

    >>> from opsrun import Fleet
    >>> report = Fleet("inventories/lab.yml").exec("df", hosts="web")
    >>> sorted(result.host for result in report.ok)
    ['web01', 'web02', 'web03']
    >>> with Fleet("inventories/lab.yml") as fleet:
    ...     before = fleet.exec("uname -n", hosts="web")
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
        yes: work on protected groups, and on more hosts than the inventory or a play allows for,
            needs no further word.
        confirm: else called with a `Danger` for each reason to hesitate; True goes on. Without
            either such work is refused.
        host_key_checking: ``strict``, ``accept-new`` or ``off``; None for ssh_config's, or strict.
        connect_timeout: seconds for the TCP connection.
        ssh_config: a file in place of ``~/.ssh/config`` and ``/etc/ssh/ssh_config``; ``none`` for
            neither.
        ssh_options: further options as ``ssh -o`` takes them, ``"KEY=VALUE"``.
        jump: hosts to go through, ``"[user@]host[:port]"``, several behind commas; each is looked
            up in ssh_config, and logged in to once a run. ``private_key``, ``connect_timeout`` and
            ``host_key_checking`` hold for them too; user, port and password don't.
        become: as whom commands run: True for root, a user's name, or a `Become`.
        vault: opens what is encrypted: a password (text or `Secret`), passwords by vault id, or
            `VaultSecrets`.
        journal: path of a database of SQLite's in which runs are written down; None for none.

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
        vault: VaultPassword = None,
        yes: bool = False,
        confirm: Confirm | None = None,
        journal: PathLike | Journaling | None = None,
    ) -> None:
        options = FleetOptions(
            user=user,
            password=password,
            private_key=private_key,
            port=port,
            forks=forks,
            engine=engine,
            host_key_checking=host_key_checking,
            connect_timeout=connect_timeout,
            ssh_config=ssh_config,
            ssh_options=ssh_options,
            jump=jump,
            become=become,
            vault=vault,
            yes=yes,
            confirm=confirm,
            journal=journal,
        )
        super().__init__(_load(inventory, opener(options)), options, Lines(engine))

    @classmethod
    def with_options(
        cls,
        inventory: PathLike | Sequence[PathLike] | Inventory | None = None,
        options: FleetOptions | None = None,
    ) -> Self:
        """A fleet whose options were put together before; see `FleetOptions`.

        >>> from opsrun import Fleet, FleetOptions
        >>> Fleet.with_options("web01,", FleetOptions(forks=5)).options.forks
        5

        Raises:
            InventoryError: the inventory can't be read.
        """
        options = options or FleetOptions()
        made = cls.__new__(cls)
        FleetCore.__init__(made, _load(inventory, opener(options)), options, Lines(options.engine))
        return made

    def __enter__(self) -> Self:
        """Keep connections open from here on.

        Raises:
            UsageError: they are kept already.
        """
        self._lines.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close them. Whatever is still under way is ended."""
        self._lines.close()

    def __repr__(self) -> str:
        hosts = len(self.inventory) if self._only is None else len(self._only)
        return f"<Fleet {hosts} {'host' if hosts == 1 else 'hosts'}>"

    def hosts(self, pattern: Pattern = "all") -> tuple[str, ...]:
        """Names of the hosts that ``pattern`` selects, in the inventory's order.

        >>> fleet.hosts("web:!web02")
        ('web01', 'web03')

        Raises:
            PatternError: it is malformed, names something unknown, or selects no host.
        """
        return tuple(host.name for host in self._select(pattern))

    def select(self, pattern: Pattern) -> Fleet:
        """A fleet of these hosts alone, over the same connections; ``hosts`` can be left out there.

        Patterns mean what they mean in the whole inventory; of what they select, those count that
        were selected here.

        >>> web = fleet.select("web")
        >>> web.hosts("all:!web02")
        ('web01', 'web03')
        >>> len(web.exec("true").ok)
        3

        Raises:
            PatternError: as `hosts`.
        """
        made = type(self).__new__(type(self))
        FleetCore.__init__(made, self.inventory, self.options, self._lines, self.hosts(pattern))
        return made

    def on(self, host: str) -> OneHost:
        """One host, whose methods raise where it fails.

        >>> fleet.on("web01").run("uname -s").out
        'Linux\\n'

        Args:
            host: its name, or a pattern that selects it alone.

        Raises:
            PatternError: there is no such host.
            UsageError: the pattern selects several.
        """
        from opsrun.api.one import OneHost

        names = self.hosts(host)
        if len(names) != 1:
            raise UsageError(f"on() takes one host, and {host!r} selects {len(names)}")
        return OneHost(self.select(names[0]), names[0])

    @overload
    def exec(
        self,
        command: PerHost,
        hosts: Pattern | None = None,
        *,
        wait: Literal[True] = True,
        **options: Unpack[ExecOptions],
    ) -> Report: ...

    @overload
    def exec(
        self,
        command: PerHost,
        hosts: Pattern | None = None,
        *,
        wait: Literal[False],
        **options: Unpack[ExecOptions],
    ) -> RunHandle: ...

    def exec(
        self,
        command: PerHost,
        hosts: Pattern | None = None,
        *,
        wait: bool = True,
        **options: Unpack[ExecOptions],
    ) -> Report | RunHandle:
        """Run a command on every host that the pattern selects, and wait for all of them.

        A host that ends badly raises nothing; ask the report, or call its
        `Report.raise_for_failures`.

        >>> fleet.exec("uname -s", hosts="web01")["web01"].out
        'Linux\\n'
        >>> fleet.exec("echo {host}", hosts="db01")["db01"].out
        'db01\\n'
        >>> fleet.exec(lambda host: f"echo {host.groups[0]}", hosts="db01")["db01"].out
        'db\\n'

        Args:
            command: what the remote shell reads. ``{host}`` in it becomes the host's name, quoted
                where it needs to be; ``${host}`` and ``{{host}}`` stay. Or a call that is given the
                `Host` and gives its command, which is taken as it stands.
            hosts: a pattern such as ``web:&prod:!db01`` or ``web[01-20]``; or several, such as
                the names of hosts. A name that a list has twice is worked on twice, with a result
                each. To be left out only after `select`.
            wait: False returns at once, with a `RunHandle`.
            options: see `ExecOptions`; ``output`` is False here unless a sink wants it.

        Raises:
            PatternError: the pattern selects no host, or names something unknown.
            UsageError: an argument or a connection variable can't be used.
        """
        options.setdefault("output", False)
        return self._carry_out(lambda: self._begin_exec(command, hosts, options), options, wait)

    def stream(
        self, command: PerHost, hosts: Pattern | None = None, **options: Unpack[ExecOptions]
    ) -> Generator[Event, None, None]:
        """Run a command on every host that the pattern selects; events as they happen.

        The first event is `RunStarted`, the last `Summary`, and every host has exactly one
        `Result` between them. Closing the iterator early ends the run. Takes and raises what
        `exec` does; mistakes are raised here, before the first event is asked for.

        >>> [event.type for event in fleet.stream("echo hello", hosts="web01")]
        ['run', 'start', 'output', 'result', 'summary']
        """
        run = self._begin_exec(command, hosts, options)
        return telling(run.stream(), options.get("on_result"))


def _load(
    inventory: PathLike | Sequence[PathLike] | Inventory | None, vault: Vault | None
) -> Inventory:
    if isinstance(inventory, Inventory):
        return inventory if vault is None else inventory.opened_with(vault)
    sources = [] if inventory is None else arguments.paths("inventory", inventory)
    return load_inventory(sources, vault=vault or NO_VAULT)
