"""``--journal FILE``, ``--no-journal`` and OPSRUN_JOURNAL: where a run is written down."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.cli.options import Reach
    from opsrun.journal.about import Journaling

NONE = "none"

journal_options = (
    click.option(
        "--journal",
        metavar="FILE",
        help="Write the run down there: a database of SQLite's.  [default: $OPSRUN_JOURNAL, else "
        "nothing is written down]",
    ),
    click.option("--no-journal", is_flag=True, help="Write nothing down."),
)

reading_option = click.option(
    "--journal",
    metavar="FILE",
    help="The journal to read.  [default: $OPSRUN_JOURNAL, else the one in the state directory]",
)


def journal_to_read(named: str | None) -> Path:
    """The journal that is to be read.

    Args:
        named: what ``--journal`` says.

    Raises:
        UsageError: what is named is no name, or means that there is none.
    """
    from opsrun.journal.opening import VARIABLE, default_path

    if named is None and VARIABLE not in os.environ:
        return default_path()
    path = journal_path(named)
    if path is None:
        source = "--journal" if named is not None else f"${VARIABLE}"
        raise UsageError(f"{source} says {NONE!r}: there is no journal to read; name its file")
    return path


def journal_path(named: str | None) -> Path | None:
    """The journal that is meant; None for none.

    Args:
        named: what ``--journal`` says.

    Raises:
        UsageError: what is named is no name.
    """
    from opsrun.journal.opening import VARIABLE

    said = named if named is not None else os.environ.get(VARIABLE)
    if said == NONE:
        return None
    if said == "":
        source = "--journal" if named is not None else f"${VARIABLE}"
        raise UsageError(f"{source} names no file; {NONE!r} means that nothing is written down")
    return None if said is None else Path(said).expanduser()


_repeated = [""]
"""Ids of runs, the last one that which is repeated now; empty for none."""


def repeats(run: str) -> None:
    """What runs from now on repeats the run of this id."""
    _repeated.append(run)


def of_run(run: str, which: str) -> Sequence[str]:
    """Hosts of a run by how it ended for them, for patterns: of the journal that the command names.

    Raises:
        UsageError: there is no such word.
        PatternError: no host is like that.
        JournalError: there is no such run, or the journal can't be read.
    """
    from opsrun.journal.selecting import reader

    context = click.get_current_context(silent=True)
    named = context.params.get("journal") if context is not None else None
    return reader(lambda: journal_to_read(named))(run, which)


def journaling_of(reach: Reach) -> Journaling | None:
    """Where a command's run is written down; None where it isn't.

    Raises:
        UsageError: the options say opposite things, or a name is none.
    """
    if reach.no_journal:
        if reach.journal is not None:
            raise UsageError("--journal and --no-journal say opposite things: give one of them")
        return None
    path = journal_path(reach.journal)
    if path is None:
        return None
    from opsrun.journal.about import About, Journaling

    return Journaling(path, About(tuple(sys.argv[1:]), _repeated[-1]))
