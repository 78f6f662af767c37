"""``opsrun trust``: look at hosts' keys, and record them once somebody has agreed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.options import (
    Reach,
    Selection,
    Show,
    connection_options,
    prompt_options,
    selection_options,
    take,
)
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.cli.execution import Ended
    from opsrun.transports.hostkeys.trust import Accepted

_SHOWN_AS = {"fold": "keys", "text": "keylist", "line": "keylist"}

_RUN_GOES_FIRST = (3, 4)
"""Exit statuses that are worse than nothing having been recorded."""


@click.command("trust", context_settings={"help_option_names": ["-h", "--help"]})
@selection_options
@connection_options
@prompt_options
@click.option("-y", "--yes", is_flag=True, help="Record new keys without asking.")
@click.option(
    "--expect",
    metavar="FILE",
    help="Record, without asking, the keys that FILE has and no others: known_hosts lines, "
    "SHA256:… or HOST SHA256:… a line.",
)
def trust(yes: bool, expect: str | None, **values: Any) -> int:
    """Ask hosts for their keys, show the fingerprints, and record them in known_hosts.

    Nobody logs in, other than to jump hosts. A key that has changed is never replaced.
    """
    from opsrun.cli.execution import carry_out, choose_hosts, make_fleet
    from opsrun.composition.actions import TrustAction
    from opsrun.engine.dispatch import Plan

    selection, reach, show = take(Selection, values), take(Reach, values), take(Show, values)
    _check(reach, show, yes, expect)
    action = TrustAction(_expectations(expect))
    inventory, hosts = choose_hosts(selection)
    if selection.list_hosts:
        for host in hosts:
            click.echo(host.name)
        return 0
    shown = replace(show, output=_SHOWN_AS.get(show.output, show.output))
    fleet = make_fleet(inventory, reach)
    ended = carry_out(fleet, action, hosts, shown, Plan(forks=reach.forks))
    accepted = action.accepted(host.name for host in hosts)
    return _conclude(accepted, ended, show, agreed=yes or expect is not None)


def _check(reach: Reach, show: Show, yes: bool, expect: str | None) -> None:
    from opsrun.cli.options import exclusive

    exclusive(show)
    if yes and expect is not None:
        raise UsageError("-y records whatever hosts show, --expect what a list has: say one")
    if reach.ask_pass or reach.password_file is not None:
        raise UsageError("trust logs in to no host: it has no use for -k and --password-file")


def _expectations(path: str | None) -> Any:
    from opsrun.transports.hostkeys.expect import Expectations

    return None if path is None else Expectations.read(path)


def _conclude(accepted: list[Accepted], ended: Ended, show: Show, *, agreed: bool) -> int:
    if ended.signal is not None or ended.closed:
        return ended.status
    if not accepted:
        if not ended.status and ended.report.ok:
            _say(show, "every key is on record already: nothing to do")
        return ended.status
    if not agreed and not _agrees(accepted, show):
        return ended.status if ended.status in _RUN_GOES_FIRST else 1
    from opsrun.transports.hostkeys.trust import record

    for path, count in record(accepted).items():
        _say(show, f"{path}: {_count(count, 'key')} recorded")
    return ended.status


def _agrees(accepted: list[Accepted], show: Show) -> bool:
    from opsrun.cli.main import warn
    from opsrun.views.sanitise import sanitise_line

    if show.output in ("json", "jsonl"):
        # Whoever is at the terminal has not seen a fingerprint.
        warn(f"nothing was recorded: -o {show.output} asks nobody (say -y, or --expect FILE)")
        return False
    keys, files = sum(len(one.keys) for one in accepted), sorted({one.path for one in accepted})
    where = sanitise_line(", ".join(files))
    answer = _ask(f"Record {_count(keys, 'key')} of {_count(len(accepted), 'host')} in {where}? ")
    if answer is None:
        warn("nothing was recorded: there is no terminal to ask on (say -y, or --expect FILE)")
        return False
    if answer.strip().lower() in ("y", "yes"):
        return True
    warn("nothing was recorded")
    return False


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _ask(question: str) -> str | None:
    """The answer on the terminal, one line; None where there is no terminal."""
    try:
        with (
            open("/dev/tty", "w", encoding="utf-8", errors="replace") as out,
            open("/dev/tty", encoding="utf-8", errors="replace") as terminal,
        ):
            out.write(f"{question}[y/N] ")
            out.flush()
            return terminal.readline()
    except OSError:
        return None


def _say(show: Show, words: str) -> None:
    from opsrun.cli.main import warn

    if not show.quiet:
        warn(words)
