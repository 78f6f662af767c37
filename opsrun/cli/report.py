"""``opsrun report``: what became of a run, as a page, for CI, for a pull request."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from opsrun.cli.journaling import journal_to_read, reading_option
from opsrun.errors import UsageError

if TYPE_CHECKING:
    from opsrun.reports.model import RunReport

STDOUT = "-"


@click.command("report", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run", required=False)
@click.option("--html", metavar="FILE", help="One page with everything in it; - for stdout.")
@click.option("--junit", metavar="FILE", help="XML that Jenkins and GitLab read; - for stdout.")
@click.option(
    "--markdown",
    metavar="[FILE]",
    is_flag=False,
    flag_value=STDOUT,
    help="For a comment on GitHub; to stdout, if no FILE is named.",
)
@reading_option
def report(
    run: str | None,
    html: str | None,
    junit: str | None,
    markdown: str | None,
    journal: str | None,
) -> None:
    """Report what became of RUN: an id, its beginning, last, last~2.

    A report holds what hosts said, without the passwords that opsrun knew; files are written with
    mode 0600, and replaced whole. Reaches no host.
    """
    wanted = {"--html": html, "--junit": junit, "--markdown": markdown}
    targets = {option: target for option, target in wanted.items() if target is not None}
    _check(run, targets)
    from opsrun.journal.history import History
    from opsrun.reports.fold import report_of

    with History(journal_to_read(journal)) as history:
        found = report_of(history, history.find(str(run)))
    for option, target in targets.items():
        _write(target, _rendered(option, found))


def _check(run: str | None, targets: dict[str, str]) -> None:
    if run is None:
        words = "which run? Name it: an id, its beginning, last or last~2"
        if (markdown := targets.get("--markdown", STDOUT)) != STDOUT:
            words += f"; {markdown!r} is the FILE of --markdown (--markdown=- RUN writes to stdout)"
        raise UsageError(words)
    if not targets:
        raise UsageError("report as what? Give --html FILE, --junit FILE or --markdown")
    for option, target in targets.items():
        if not target:
            raise UsageError(f"{option} names no file")
        same = [other for other, name in targets.items() if name == target]
        if len(same) > 1:
            place = "stdout" if target == STDOUT else target
            raise UsageError(f"{' and '.join(same)} can't both go to {place}")


def _rendered(option: str, found: RunReport) -> Iterator[str]:
    if option == "--html":
        from opsrun.reports.page import page

        return page(found)
    if option == "--junit":
        from opsrun.reports.junit import junit

        return junit(found)
    from opsrun.reports.markdown import markdown

    return markdown(found)


def _write(target: str, parts: Iterator[str]) -> None:
    if target != STDOUT:
        from opsrun.reports.writing import write

        write(target, parts)
        return
    for part in parts:
        sys.stdout.buffer.write(part.encode("utf-8"))
    sys.stdout.buffer.flush()
