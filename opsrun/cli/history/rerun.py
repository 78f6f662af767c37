"""``opsrun history rerun``: a command line again, on some of the hosts that it was run on."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from opsrun.cli.journaling import journal_to_read, reading_option, repeats
from opsrun.errors import UsageError
from opsrun.secret import MASK

if TYPE_CHECKING:
    from opsrun.journal.history import KnownRun

_REPEATED = ("exec", "put", "get", "sync", "playbook", "ping", "facts", "wait", "trust")
_WHICH = ("failed", "unreachable", "lost", "success", "all")


@click.command("rerun")
@click.argument("name", metavar="RUN")
@click.argument("more", nargs=-1, metavar="[-- OPTION...]")
@click.option(
    "--failed",
    is_flag=True,
    help="On hosts where it failed; as with the next three, several may be given.",
)
@click.option("--unreachable", is_flag=True, help="On hosts that were not reached.")
@click.option(
    "--lost",
    is_flag=True,
    help="On hosts of which nobody knows what was done, or that it did not come to its end on.",
)
@click.option("--success", is_flag=True, help="On hosts where it ended well.")
@click.option("--all", "every", is_flag=True, help="On all hosts that it had: the default.")
@click.option("--here", is_flag=True, help="In this directory, not in the one that it was run in.")
@click.option("--dry-run", is_flag=True, help="Say what would be run, and run nothing.")
@reading_option
def rerun(
    name: str,
    more: tuple[str, ...],
    failed: bool,
    unreachable: bool,
    lost: bool,
    success: bool,
    every: bool,
    here: bool,
    dry_run: bool,
    journal: str | None,
) -> int:
    """Run the command line of RUN again, in the directory that it was run in.

    Options behind -- are added; those that held a secret, which a journal never keeps, are to be
    given anew there. With none of the options that choose hosts it is run on all that it had.
    """
    from opsrun.journal.history import History
    from opsrun.journal.selecting import hosts_of

    flags = dict(zip(_WHICH, (failed, unreachable, lost, success, every), strict=True))
    which = "+".join(word for word, given in flags.items() if given) or "all"
    path = journal_to_read(journal)
    with History(path) as history:
        run = history.find(name)
        words = command_line(run, which, more)
        hosts = hosts_of(history, run, which)
    if not hosts:
        raise UsageError(f"no host of run {run.id} ({len(run.hosts)} hosts) is {which}")
    if journal is not None and not any(word.startswith("--journal") for word in words):
        words.insert(1, f"--journal={path.absolute()}")
    _tell(run, words, here, len(hosts))
    if dry_run:
        return 0
    if not here:
        _go_to(run)
    repeats(run.id)
    return _call(words)


def command_line(run: KnownRun, which: str, more: Sequence[str]) -> list[str]:
    """The words of a run's command line, for some of its hosts.

    Args:
        run: that is repeated.
        which: see `opsrun.journal.selecting.hosts_of`.
        more: options that are added.

    Raises:
        UsageError: it can't be repeated; the message says why, and what to give anew.
    """
    if not run.argv:
        raise UsageError(f"run {run.id} was a script's: there is no command line to repeat")
    command, *rest = run.argv
    if command not in _REPEATED:
        words = shlex.join(run.argv[:3])
        raise UsageError(f"run {run.id} can't be repeated: it came of {words!r}")
    rest = _without_secrets(run, rest, more)
    # `&`: of those that the command line names, however it limits them already.
    return [command, f"--limit=&@{run.id}:{which}", *more, *rest]


def _without_secrets(run: KnownRun, words: list[str], more: Sequence[str]) -> list[str]:
    """The words, without options that held a secret and are given anew."""
    given = {word.partition("=")[0] for word in more if word.startswith("-")}
    kept: list[str] = []
    for word in words:
        if MASK not in word:
            kept.append(word)
            continue
        option, equals, _ = word.partition("=")
        if not (word.startswith("-") and equals):
            option = kept.pop() if kept and kept[-1].startswith("-") else ""
        if option not in given:
            raise UsageError(_lacking(run, option, word))
    return kept


def _lacking(run: KnownRun, option: str, word: str) -> str:
    if not option or option == "--":
        return (
            f"run {run.id} had a secret in its words ({word!r}), which is not kept: "
            "write the command anew"
        )
    said = word.partition("=")[2] if word.startswith(option) else word
    anew = said.replace(MASK, "…")
    return (
        f"run {run.id} had a secret behind {option}, which is not kept; give it anew: "
        f"opsrun history rerun {run.id} -- {option} {anew!r}"
    )


def _tell(run: KnownRun, words: Sequence[str], here: bool, hosts: int) -> None:
    from opsrun.cli.main import warn

    where = os.getcwd() if here else run.cwd
    count = f"{hosts} host{'' if hosts == 1 else 's'}"
    warn(f"repeating run {run.id} on {count}, in {where}: opsrun {shlex.join(words)}")


def _go_to(run: KnownRun) -> None:
    try:
        os.chdir(run.cwd)
    except OSError as error:
        why = error.strerror or str(error)
        words = f"run {run.id} was run in {run.cwd!r}: {why}; with --here it is run here"
        raise UsageError(words) from error


def _call(words: list[str]) -> int:
    from opsrun.cli.main import main

    # What is written down as the command line, see `journaling_of`.
    sys.argv = [sys.argv[0], *words]
    status = main.main(args=words, prog_name="opsrun", standalone_mode=False)
    return status if isinstance(status, int) else 0
