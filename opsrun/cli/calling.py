"""``opsrun exec -m``: one module on many hosts, as a playbook of one task."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opsrun.cli.bridging import Bridging, bridge_options
from opsrun.cli.options import (
    F,
    Reach,
    Selection,
    Show,
    exclusive,
    is_typed,
    module_path_option,
)
from opsrun.cli.questions import Questions
from opsrun.cli.vaulting import vault_of
from opsrun.errors import PlaybookError, UsageError

if TYPE_CHECKING:
    from opsrun.cli.execution import Front
    from opsrun.composition.playbooks import Prepared
    from opsrun.composition.playbooks.one_task import OneTask
    from opsrun.composition.run import Run
    from opsrun.engine.base import Engine
    from opsrun.events import Sink
    from opsrun.inventory import Inventory
    from opsrun.playbook.plugins.modules import Modules

_FOR_COMMANDS = (
    *("idle_timeout", "pty", "raw", "stdin", "maxrc", "serial", "fail_fast", "max_fail"),
    *("when_ready", "ready_timeout", "then_wait", "then_timeout", "canary", "health"),
    "health_timeout",
)
"""What there is for commands and not for modules: refused, and never just left out."""
_IN_WORDS = ("text", "fold", "line")


@dataclass(frozen=True, slots=True)
class Calling:
    """Which module, with what: the options of `calling_options`."""

    module: str | None = None
    args: str | None = None
    check: bool = False
    changes: bool = False
    extra_vars: tuple[str, ...] = ()
    module_path: tuple[str, ...] = ()
    bridging: Bridging = field(default_factory=Bridging)

    def refuse_alone(self) -> None:
        """Without a module, its options mean nothing. UsageError."""
        given = {
            "-a": self.args is not None,
            "-C": self.check,
            "-D": self.changes,
            "-e": bool(self.extra_vars),
            "-M": is_typed("module_path"),
            "--bridge": is_typed("bridge"),
            "--bridge-program": is_typed("bridge_program"),
        }
        for name, there in given.items():
            if there:
                raise UsageError(f"{name} is for a module: name it with -m")


def calling_options(function: F) -> F:
    """-m -a -C -D -e -M --bridge --bridge-program."""
    function = bridge_options(function)
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "-m",
        "--module",
        metavar="NAME",
        help="Call a module (copy, stat, file …) in place of a command; `opsrun doc NAME` tells "
        "its options.",
    ),
    click.option(
        "-a",
        "--args",
        metavar="ARGS",
        help="Its options: NAME=VALUE words, a mapping in YAML or JSON, or a command; templates "
        "see each host's variables. @FILE reads them from a file, - from standard input.",
    ),
    click.option(
        "-C", "--check", is_flag=True, help="With -m: say what would change, and change nothing."
    ),
    click.option(
        "-D", "--changes", is_flag=True, help="With -m: show what changes inside files; --diff too."
    ),
    click.option(
        "-e",
        "--extra-vars",
        multiple=True,
        metavar="NAME=VALUE|{…}|@FILE",
        help="With -m: variables for its options.",
    ),
    module_path_option,
)


def call(
    calling: Calling,
    command: Sequence[str],
    values: Mapping[str, Any],
    environment: Mapping[str, str],
    selection: Selection,
    reach: Reach,
    show: Show,
    retries: int,
) -> int:
    """Call the module; the exit status.

    Raises:
        UsageError: something that can be known to be wrong before the first login.
    """
    from opsrun.cli.execution import bring_out, choose_hosts, make_fleet, patch_for

    _only_for_modules(command)
    assert calling.module is not None
    changes = calling.changes or show.diff
    show = replace(show, diff=False, output=_output(show))
    exclusive(show)
    patch_for(reach.engine)
    from opsrun.composition.playbooks.one_task import OneTask

    arguments = _arguments(calling.args)
    task = OneTask(calling.module, arguments, (), environment, values["command_timeout"])
    modules = _modules(calling)
    task.text(modules)
    inventory, hosts = choose_hosts(selection)
    if selection.list_hosts:
        for host in hosts:
            click.echo(host.name)
        return 0
    names = tuple(host.name for host in hosts)
    questions = Questions()
    prepared = _prepared(
        replace(task, hosts=names),
        inventory,
        replace(calling, changes=changes),
        selection,
        reach,
        show,
        questions,
        retries,
        modules,
    )
    fleet = make_fleet(prepared.inventory, reach, questions.typed.if_there())

    def begin(front: Front) -> Run:
        from opsrun.sinks.one_task import OneTaskSink

        questions.begin(front)
        words = f"-m {calling.module}"
        in_words = show.kind in _IN_WORDS

        def sinks(engine: Engine) -> Sequence[Sink]:
            return [OneTaskSink(each, words, names, in_words) for each in front.sinks(engine)]

        return fleet.begin_playbook(
            prepared,
            sinks=sinks,
            on_tick=front.check,
            ask=front.ask,
            verbosity=show.verbosity,
        )

    return bring_out(begin, show).status


def _modules(calling: Calling) -> Modules:
    from opsrun.composition.playbooks.library import modules_here

    return modules_here(calling.module_path, calling.bridging.program)


def _only_for_modules(command: Sequence[str]) -> None:
    if command:
        words = " ".join(command)
        raise UsageError(f"-m calls a module, and {words!r} is a command: give one of them")
    for name in _FOR_COMMANDS:
        if is_typed(name):
            raise UsageError(f"--{name.replace('_', '-')} is for commands; it doesn't go with -m")


def _output(show: Show) -> str:
    """Folded, unless somebody says otherwise: most hosts come to the same."""
    return show.output if is_typed("output") or show.output != "text" else "fold"


def _arguments(text: str | None) -> str:
    if text is None:
        return ""
    if text == "-":
        if sys.stdin.isatty():
            raise UsageError("-a - reads the options from standard input, a terminal here")
        return sys.stdin.read()
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "no UTF-8"
            raise UsageError(f"-a {text}: {reason}") from error
    return text


def _prepared(
    task: OneTask,
    inventory: Inventory,
    calling: Calling,
    selection: Selection,
    reach: Reach,
    show: Show,
    questions: Questions,
    retries: int,
    modules: Modules,
) -> Prepared:
    from opsrun.composition.playbooks import PlaybookOptions, Prepared
    from opsrun.composition.playbooks.one_task import PATH, look_at
    from opsrun.playbook.extra_vars import extra_vars
    from opsrun.playbook.variables.settings import RunSettings

    cwd = os.getcwd()
    settings = RunSettings(
        check=calling.check,
        diff=calling.changes,
        forks=reach.forks,
        verbosity=max(show.verbosity, 0),
        extra_vars=extra_vars(calling.extra_vars, cwd, vault_of(selection)),
        inventory_sources=inventory.sources,
        cwd=cwd,
    )
    options = PlaybookOptions(
        settings,
        retries=retries,
        playbook_dir=".",
        module_folders=calling.module_path,
        bridge=calling.bridging.program,
        texts={PATH: task.text(modules)},
        prompt=questions.prompt,
        confirm=questions.confirm,
    )
    try:
        prepared = Prepared((PATH,), inventory, options)
    except PlaybookError as error:
        if error.path != PATH:
            raise
        raise UsageError(f"-a: {error.message}") from error
    look_at(prepared)
    return prepared
