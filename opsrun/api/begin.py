"""Runs of commands and copies, made ready from the arguments of a `Fleet`'s methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opsrun.api.commands import PerHost, commands
from opsrun.api.core import FleetCore, Pattern
from opsrun.api.fleet_options import PathLike
from opsrun.api.handle import RunHandle, telling
from opsrun.api.options import (
    ExecOptions,
    GetArguments,
    PlanOptions,
    PlaybookArguments,
    PutArguments,
    SyncArguments,
    only_known,
    plan_of,
    rolling_plan_of,
)
from opsrun.api.wanted import health_of, ready_of, then_of, wanted_of
from opsrun.composition import arguments
from opsrun.composition.actions import Action, ExecAction, PingAction, WaitAction
from opsrun.composition.run import Run, make_engine
from opsrun.engine.dispatch import Plan
from opsrun.remote.command import Command
from opsrun.remote.connection import Manner, Terminal
from opsrun.report import Report


class Beginning(FleetCore):
    """What `exec` and the copies have in common, whoever waits for them."""

    def _begin_exec(self, command: PerHost, hosts: Pattern | None, options: ExecOptions) -> Run:
        only_known(options, ExecOptions)
        selected = self._select_each(hosts)
        words, own = commands(command, selected)
        arguments.command(words, options)

        def made(script: str) -> Command:
            return Command(
                script,
                dict(options.get("env") or {}),
                options.get("stdin"),
                options.get("timeout"),
                Manner(Terminal() if options.get("pty") else None, options.get("raw", False)),
                options.get("idle_timeout"),
            )

        each = {name: made(script) for name, script in own.items()}
        action = ExecAction(
            made(words), each, ready_of(options), then_of(options), health_of(options)
        )
        return self.begin(
            action,
            selected,
            rolling_plan_of(options, self.options.forks),
            retries=options.get("retries", 0),
            stream=options.get("output", True),
            sinks=lambda engine: options.get("sinks", ()),
        )

    def _carry_out(
        self, begin: Callable[[], Run], options: PlanOptions | PlaybookArguments, wait: object
    ) -> Report | RunHandle:
        arguments.flag("wait", wait)
        run = begin()
        if wait:
            return Report(telling(run.stream(), options.get("on_result")))
        return self._handle(run, options)

    def _begin_put(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None,
        options: PutArguments,
    ) -> Run:
        from opsrun.api.copies import put_action

        return self._begin_copy(put_action(sources, dest, options), hosts, options)

    def _begin_get(
        self,
        sources: PathLike | Sequence[PathLike],
        dest: PathLike,
        hosts: Pattern | None,
        options: GetArguments,
    ) -> Run:
        from opsrun.api.copies import get_action

        return self._begin_copy(get_action(sources, dest, options), hosts, options)

    def _begin_sync(
        self, source: PathLike, dest: PathLike, hosts: Pattern | None, options: SyncArguments
    ) -> Run:
        from opsrun.api.copies import sync_action

        return self._begin_copy(sync_action(source, dest, options), hosts, options)

    def _begin_ping(self, hosts: Pattern | None, count: int, patience: float | None) -> Run:
        seconds = arguments.seconds("patience", patience)
        action = PingAction(seconds, arguments.whole("count", count, least=1))
        return self.begin(action, self._select(hosts), Plan(self.options.forks))

    def _begin_wait(
        self,
        conditions: str | Sequence[str],
        hosts: Pattern | None,
        timeout: float | None,
        any_of: int | None,
    ) -> Run:
        wanted = wanted_of("conditions", conditions, timeout, any_of)
        return self.begin(WaitAction(wanted), self._select(hosts), Plan(self.options.forks))

    def _begin_copy(self, action: Action, hosts: Pattern | None, options: PlanOptions) -> Run:
        return self.begin(
            action,
            self._select(hosts),
            plan_of(options, self.options.forks),
            retries=options.get("retries", 0),
            sinks=lambda engine: options.get("sinks", ()),
        )

    def _handle(self, run: Run, options: PlanOptions | PlaybookArguments) -> RunHandle:
        under_way = self._lines.under_way
        handle = RunHandle(run, options.get("on_result"), under_way.discard)
        if self._lines.kept is not None:
            under_way.add(handle)
            if handle.done:
                under_way.discard(handle)
        return handle

    async def _aside(
        self, begin: Callable[[], Run], options: PlanOptions | PlaybookArguments
    ) -> Report:
        from opsrun.api.aside import off_the_loop

        # Making a run ready reads files, and imports for the first SSH host.
        engine = make_engine(self.options.engine)
        handle = await off_the_loop(
            engine.spawn, lambda: self._handle(begin(), options), lambda made: made.__aexit__()
        )
        return await handle
