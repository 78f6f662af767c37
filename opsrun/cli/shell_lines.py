"""What the lines of ``opsrun shell`` mean: a command for the hosts, or one of our own."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import click

from opsrun.cli.kinds import Seconds
from opsrun.cli.main import warn
from opsrun.errors import OpsrunError, UsageError, did_you_mean

if TYPE_CHECKING:
    from opsrun.cli.execution import Ended
    from opsrun.cli.options import Show
    from opsrun.composition.actions import ExecAction
    from opsrun.inventory import Host

COMMANDS = {
    "hosts": ("[PATTERN]", "work on these hosts from now on; without a pattern, show them"),
    "failed": ("", "work on the hosts that the last line failed on"),
    "all": ("", "work on all hosts again that the shell was started with"),
    "fold": ("", "show identical outputs once"),
    "diff": ("", "the same, and what differs as a diff against the majority"),
    "text": ("", "show each host's output"),
    "line": ("", "show one line a host"),
    "timeout": ("[SECONDS|off]", "end a line on a host after so long; without a value, show it"),
    "help": ("", "this"),
    "quit": ("", "leave, as Ctrl-D does"),
}
"""Name: what follows it, and what it does."""

_NOTES = """\
Every other line runs on all hosts, each time in a new shell: `cd` and variables last as long as
the line (`cd /srv && ls`). Ctrl-C ends the line that runs. A line that begins with a space is not
kept in the history, and is always the hosts'. A host that can't be reached is tried again with
the next line."""

_OURS = re.compile(r":([A-Za-z][\w-]*)\s*(.*)\Z", re.DOTALL)
_WIDEST = 48
"""Columns of a prompt before it is cut."""

BAD_USAGE = 2


class Carry(Protocol):
    """Runs something on hosts and shows it; `carry_out` but for fleet and plan."""

    def __call__(self, action: ExecAction, hosts: Sequence[Host], show: Show) -> Ended: ...


class Lines:
    """Takes lines one after the other, and remembers what they leave behind.

    Args:
        hosts: whom to work on at first.
        show: how results are shown at first.
        carry: runs a command.
        select: hosts of a pattern.
        timeout: seconds for a line on a host; None for no limit.
        idle_timeout: seconds that it may be silent there; None for no limit.
    """

    def __init__(
        self,
        hosts: Sequence[Host],
        show: Show,
        carry: Carry,
        select: Callable[[str], Sequence[Host]],
        *,
        timeout: float | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        self.hosts = self._all = tuple(hosts)
        self.show = show
        self.timeout = timeout
        self._idle_timeout = idle_timeout
        self.status = 0
        """Exit status of the last line."""
        self.over = False
        """Somebody asked to leave."""
        self._carry = carry
        self._select = select
        self._failed: tuple[Host, ...] = ()

    @property
    def prompt(self) -> str:
        """The hosts in few words: ``web[01-20] > ``."""
        from opsrun.sinks.names import fold

        names = fold(host.name for host in self.hosts)
        if len(names) > _WIDEST:
            names = f"{names[: _WIDEST - 1]}… ({len(self.hosts)})"
        return f"{names} > "

    def run(self, line: str) -> Ended | None:
        """Do what a line says; None unless it ran on hosts. A mistake is told, not raised."""
        if not line.strip() or line.startswith("#"):
            return None
        try:
            ours = _OURS.match(line)
            if ours is None:
                return self._on_hosts(line)
            self._ours(ours[1], ours[2].strip())
            self.status = 0
        except OpsrunError as error:
            warn(str(error))
            self.status = BAD_USAGE
        return None

    def _on_hosts(self, line: str) -> Ended:
        from opsrun.composition.actions import ExecAction
        from opsrun.remote.command import Command

        hosts = self.hosts
        action = ExecAction(
            Command(line.strip(), timeout=self.timeout, idle_timeout=self._idle_timeout)
        )
        ended = self._carry(action, hosts, show=self.show)
        self.status = ended.status
        bad = {result.host for result in ended.report if not result.outcome.is_good}
        self._failed = tuple(host for host in hosts if host.name in bad)
        return ended

    def _ours(self, name: str, value: str) -> None:
        if name not in COMMANDS:
            guess = did_you_mean(f":{name}", [f":{known}" for known in COMMANDS])
            raise UsageError(f"no command ':{name}'{guess or '; :help lists them'}")
        if value and not COMMANDS[name][0]:
            raise UsageError(f":{name} takes nothing behind it, not {value!r}")
        getattr(self, f"_do_{name}")(value)

    def _do_hosts(self, pattern: str) -> None:
        if pattern:
            self.hosts = tuple(self._select(pattern))
        else:
            self._tell_hosts()

    def _do_failed(self, value: str) -> None:
        if not self._failed:
            raise UsageError("the last line failed on no host")
        self.hosts = self._failed

    def _do_all(self, value: str) -> None:
        self.hosts = self._all

    def _do_fold(self, value: str) -> None:
        self.show = replace(self.show, output="fold", diff=False)

    def _do_diff(self, value: str) -> None:
        self.show = replace(self.show, output="fold", diff=True)

    def _do_text(self, value: str) -> None:
        self.show = replace(self.show, output="text", diff=False)

    def _do_line(self, value: str) -> None:
        self.show = replace(self.show, output="line", diff=False)

    def _do_timeout(self, value: str) -> None:
        if value == "off":
            self.timeout = None
        elif value:
            try:
                self.timeout = Seconds().convert(value, None, None)
            except click.BadParameter as error:
                raise UsageError(f":timeout: {error.message}") from None
        else:
            limit = "no limit" if self.timeout is None else f"{self.timeout:g} s"
            click.echo(f"{limit} for a line on a host", err=True)

    def _do_help(self, value: str) -> None:
        rows = [(f":{name} {words}".rstrip(), text) for name, (words, text) in COMMANDS.items()]
        width = max(len(left) for left, _ in rows)
        for left, text in rows:
            click.echo(f"  {left:<{width}}  {text}", err=True)
        click.echo(f"\n{_NOTES}", err=True)

    def _do_quit(self, value: str) -> None:
        self.over = True

    def _tell_hosts(self) -> None:
        from opsrun.sinks.names import label

        click.echo(label(host.name for host in self.hosts), err=True)
