"""Options that several subcommands share, declared once, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import click

from opsrun.cli.journaling import journal_options
from opsrun.cli.kinds import Seconds
from opsrun.cli.vaulting import vault_options
from opsrun.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

OUTPUTS = ("text", "fold", "line", "json", "jsonl")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which hosts: the options of `selection_options`."""

    inventory: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    exclude_group: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    hostfile: tuple[str, ...] = ()
    pick: int | None = None
    list_hosts: bool = False
    vault_id: tuple[str, ...] = ()
    vault_password_file: tuple[str, ...] = ()
    ask_vault_pass: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """How hosts are reached: the options of `connection_options`."""

    user: str | None = None
    ask_pass: bool = False
    password_file: str | None = None
    private_key: tuple[str, ...] = ()
    port: int | None = None
    connect_timeout: float | None = None
    host_key_checking: str | None = None
    ssh_config: str | None = None
    ssh_option: tuple[str, ...] = ()
    jump: str | None = None
    become: bool = False
    become_user: str | None = None
    become_method: str | None = None
    ask_become_pass: bool = False
    become_password_file: str | None = None
    forks: int = 50
    engine: str = "gevent"
    yes: bool = False
    journal: str | None = None
    no_journal: bool = False


@dataclass(frozen=True, slots=True)
class Show:
    """What is shown: the options of `output_options`."""

    output: str = "text"
    fold: bool = False
    diff: bool = False
    outdir: str | None = None
    verbose: int = 0
    quiet: bool = False

    @property
    def kind(self) -> str:
        """One of `OUTPUTS`."""
        return "fold" if self.fold or self.diff else self.output

    @property
    def verbosity(self) -> int:
        """-1 for ``-q``, else the number of ``-v``."""
        return -1 if self.quiet else self.verbose


module_path_option = click.option(
    "-M",
    "--module-path",
    multiple=True,
    metavar="DIR",
    help="Folder of modules, beside `library` of the playbook and of roles; may be given again.",
)

T = TypeVar("T")


def take(kind: type[T], values: dict[str, Any]) -> T:
    """Make a ``kind`` of the parameters that are its fields, and take those out of ``values``.

    Raises:
        UsageError: a value is empty, as a variable of the shell's is that was never set; that must
            not read as if the option had not been given.
    """
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    taken = {name: values.pop(name) for name in names if name in values}
    for name, value in taken.items():
        given = value if isinstance(value, tuple) else (value,)
        if any(isinstance(one, str) and not one.strip() for one in given):
            raise UsageError(f"--{name.replace('_', '-')}: the value is empty")
    return kind(**taken)


def is_typed(name: str) -> bool:
    """Whether a parameter stands on the command line; a default of the operator's own does not,
    and may be there for other commands than this one."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


_HOW_MUCH = (
    click.option("-v", "--verbose", count=True, help="Tell more; -vvv tells all."),
    click.option("-q", "--quiet", is_flag=True, help="Only the hosts' output, and failures."),
)


def selection_options(function: F) -> F:
    """-i -w -g -x -X -l --hostfile --pick --list-hosts, and `vault_options`."""
    return _selection("--group", "--exclude")(function)


def selection_beside_files(function: F) -> F:
    """The same where --group and --exclude are said of files: -g and -x stay what they are."""
    return _selection("--host-group", "--exclude-host")(function)


def _selection(group: str, exclude: str) -> Callable[[F], F]:
    return _all(
        click.option(
            "-i",
            "--inventory",
            multiple=True,
            metavar="PATH|h1,h2,",
            help="Inventory file, script, directory or comma list; may be given again. "
            "Default: $OPSRUN_INVENTORY, else inventories/ here.",
        ),
        click.option(
            "-w",
            "--hosts",
            multiple=True,
            metavar="PATTERN",
            help="Hosts to work on: web, web[01-20], 'web:&prod:!db01', ~regex, @group, ^file, - "
            "(standard input).",
        ),
        click.option(
            "-g", group, "group", multiple=True, metavar="GROUP", help="All hosts of a group."
        ),
        click.option(
            "-x",
            exclude,
            "exclude",
            multiple=True,
            metavar="PATTERN",
            help="Leave these hosts out.",
        ),
        click.option(
            "-X", "--exclude-group", multiple=True, metavar="GROUP", help="Leave a group out."
        ),
        click.option(
            "-l",
            "--limit",
            multiple=True,
            metavar="PATTERN",
            help="Only those that are also in this pattern; @FILE reads names, @last:failed takes "
            "a run's.",
        ),
        click.option(
            "--hostfile",
            multiple=True,
            metavar="FILE",
            help="A host or node set a line; without --hosts, these are the hosts.",
        ),
        click.option(
            "--pick", type=click.IntRange(1), metavar="N", help="N of the hosts, drawn at random."
        ),
        click.option("--list-hosts", is_flag=True, help="Print the hosts and do nothing."),
        vault_options,
    )


def connection_options(function: F) -> F:
    """-u -k --password-file --private-key -T --host-key-checking -F -O -J -f --engine."""
    return _all(
        click.option(
            "-u",
            "--user",
            metavar="NAME",
            help="User to log in as, where the inventory doesn't say (ansible_user wins).",
        ),
        click.option("-k", "--ask-pass", is_flag=True, help="Ask once for the login password."),
        click.option(
            "--password-file",
            metavar="FILE",
            help="Take the login password from the first line of a file that nobody else may read.",
        ),
        click.option(
            "--private-key",
            "--key",
            multiple=True,
            metavar="FILE",
            help="Private key to offer; may be given again.",
        ),
        click.option("--port", type=click.IntRange(1, 65535), metavar="N", help="SSH port."),
        click.option(
            "-T",
            "--connect-timeout",
            type=Seconds(),
            metavar="SECONDS",
            help="Time for the TCP connection.  [default: 10]",
        ),
        click.option(
            "--host-key-checking",
            type=click.Choice(["strict", "accept-new", "off"]),
            help="Unknown host keys: refuse, accept and record, or don't look.  [default: strict]",
        ),
        click.option(
            "-F",
            "--ssh-config",
            metavar="FILE",
            help="ssh_config to read in place of ~/.ssh/config and /etc/ssh/ssh_config; or none.",
        ),
        click.option(
            "-O",
            "--ssh-option",
            multiple=True,
            metavar="KEY=VALUE",
            help="An ssh_config option, as ssh -o takes it.",
        ),
        click.option(
            "-J",
            "--jump",
            metavar="[USER@]HOST[:PORT][,...]",
            help="Reach the hosts through this one, or through several, one after the other.",
        ),
        click.option(
            "-f",
            "--forks",
            type=click.IntRange(1),
            default=50,
            show_default=True,
            metavar="N",
            help="Hosts at once.",
        ),
        click.option(
            "--engine",
            type=click.Choice(["gevent", "threads"]),
            default="gevent",
            show_default=True,
            help="Greenlets, or real threads (gevent is then not even imported).",
        ),
        *journal_options,
    )(function)


def become_options(function: F) -> F:
    """-b --become-user --become-method -K --become-password-file."""
    return _all(
        click.option(
            "-b",
            "--become",
            is_flag=True,
            help="Run as another user, where the inventory doesn't say (ansible_become wins).",
        ),
        click.option("--become-user", metavar="NAME", help="Whom to become.  [default: root]"),
        click.option(
            "--become-method",
            type=click.Choice(["sudo", "su", "doas"]),
            help="How.  [default: sudo]",
        ),
        click.option(
            "-K", "--ask-become-pass", is_flag=True, help="Ask once for the password for that."
        ),
        click.option(
            "--become-password-file",
            metavar="FILE",
            help="Take the password for that from the first line of a file.",
        ),
    )(function)


def _output(default: str) -> Callable[[F], F]:
    return click.option(
        "-o",
        "--output",
        type=click.Choice(OUTPUTS),
        default=default,
        show_default=True,
        help="How results are shown.",
    )


def prompt_options(function: F) -> F:
    """-o -v -q, for a prompt: folded unless told otherwise."""
    return _all(_output("fold"), *_HOW_MUCH)(function)


def output_options(function: F) -> F:
    """-o -B --diff --outdir -v -q."""
    return _outputs("text")(function)


def folded_options(function: F) -> F:
    """The same, for what usually comes out alike on all hosts: folded unless told otherwise."""
    return _outputs("fold")(function)


def _outputs(default: str) -> Callable[[F], F]:
    return _all(
        _output(default),
        click.option("-B", "--fold", is_flag=True, help="Identical outputs once: -o fold."),
        click.option(
            "--diff", is_flag=True, help="Fold, and show the others as a diff against the majority."
        ),
        click.option(
            "--outdir", metavar="DIR", help="Also keep each host's output in a file of its own."
        ),
        *_HOW_MUCH,
    )


def exclusive(show: Show) -> None:
    """Options that say opposite things.

    Raises:
        UsageError: two of them were given.
    """
    if show.quiet and show.verbose:
        raise UsageError("-q and -v say opposite things: give one of them")
    if show.kind == "fold" and show.output not in ("text", "fold"):
        raise UsageError(f"--fold and --diff don't go with -o {show.output}")
