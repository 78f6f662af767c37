"""``opsrun lint``: everything that is wrong with playbooks, without a host."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

from opsrun.errors import UsageError
from opsrun.lint.catalog import RULES
from opsrun.lint.output import jsonl, sarif, text
from opsrun.lint.run import LintReport, Options, fix


@click.command()
@click.argument("paths", nargs=-1, metavar="FILE|DIR...")
@click.option(
    "-o", "--output", type=click.Choice(["text", "jsonl", "sarif"]), default="text", help="Format."
)
@click.option("--rule", "rules", multiple=True, metavar="RULE", help="Only these (also all; a,b).")
@click.option("--skip", multiple=True, metavar="RULE", help="None of these (a,b).")
@click.option("--fix", "mend", is_flag=True, help="Correct what is mechanical.")
@click.option("--diff", is_flag=True, help="Show what --fix would do, and write nothing.")
@click.option("--strict", is_flag=True, help="Hints count, too.")
@click.option("--quiet", "-q", is_flag=True, help="No hints.")
@click.option("--roles-path", multiple=True, metavar="DIR", help="Where else roles are.")
@click.option("--rules", "show_rules", is_flag=True, help="List the rules.")
@click.pass_context
def lint(
    ctx: click.Context,
    paths: tuple[str, ...],
    output: str,
    rules: tuple[str, ...],
    skip: tuple[str, ...],
    mend: bool,
    diff: bool,
    strict: bool,
    quiet: bool,
    roles_path: tuple[str, ...],
    show_rules: bool,
) -> None:
    """Look for mistakes in playbooks, roles, variables and templates.

    The exit status is 0 if there are none, 1 if there are, 2 if that can't be found out. Hints
    alone are no mistakes.
    """
    if show_rules:
        for line in _rules():
            click.echo(line)
        return
    if not paths:
        raise UsageError("name a FILE or a DIR to look at")
    hints = tuple(rule.name for rule in RULES.values() if rule.severity == "hint")
    options = Options(rules, (*skip, *(hints if quiet else ())), _split(roles_path))
    report, solved = _looked(paths, options, mend, diff)
    if not diff:
        _show(report, output)
    warn_of = text.summary(report, 0 if diff else solved)
    click.echo(f"opsrun lint: {warn_of}", err=True)
    counted = report.count("error") + report.count("warning")
    ctx.exit(1 if counted or (strict and report.problems) else 0)


def _split(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part for each in given for part in each.split(os.pathsep) if part)


def _looked(
    paths: tuple[str, ...], options: Options, mend: bool, diff: bool
) -> tuple[LintReport, int]:
    from opsrun.lint.run import lint as look

    if diff:
        return fix(paths, options, show=click.echo)
    return fix(paths, options) if mend else (look(paths, options), 0)


def _show(report: LintReport, output: str) -> None:
    if output == "sarif":
        click.echo(sarif.document(report))
        return
    for line in (jsonl if output == "jsonl" else text).lines(report):
        click.echo(line)


def _rules() -> Iterator[str]:
    width = max(map(len, RULES))
    for rule in RULES.values():
        notes = [*(["off"] if not rule.on else []), *(["--fix"] if rule.fixed else [])]
        tail = f" ({', '.join(notes)})" if notes else ""
        yield f"{rule.name:{width}}  {rule.severity:7}  {rule.about}{tail}"
