"""A run of playbooks, from its first event to its summary."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from opsrun.composition.fleetway import Fleetway
from opsrun.composition.needs import needs_by_kind, room_beside
from opsrun.composition.playbooks.guarding import Delegates, dangers_now
from opsrun.composition.playbooks.keeping import follow, keep, pending_of, remark
from opsrun.composition.playbooks.options import Prompt
from opsrun.composition.playbooks.pauses import Pauses
from opsrun.composition.playbooks.prepared import Prepared
from opsrun.composition.playbooks.remarks import (
    connection_kinds,
    groups_of_modules,
    never_left,
    shadowed,
    without_debugger,
)
from opsrun.composition.playbooks.templars import Templars
from opsrun.composition.protection import Guard
from opsrun.composition.reach import FleetReach
from opsrun.composition.run import Run, RunOptions
from opsrun.composition.watchers import Watchers
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Plan
from opsrun.errors import Cancelled, InputError, OpsrunError, UsageError
from opsrun.events import (
    CustomStats,
    ErrorInfo,
    Event,
    HostStarted,
    Journal,
    NoJournal,
    Notice,
    Outcome,
    PlaybookStarted,
    Result,
    RunStarted,
    Sink,
    Summary,
    WorkId,
    digest,
)
from opsrun.playbook.book import TaskBook
from opsrun.playbook.coordinator import Office
from opsrun.playbook.interfaces import Wish
from opsrun.playbook.messages import Load, TaskEnded
from opsrun.playbook.model.nodes import Task, VarsPrompt
from opsrun.playbook.parse.loader import Included
from opsrun.playbook.play_run import Desk
from opsrun.playbook.prefetch.answers import Prefetch
from opsrun.playbook.prefetch.changes import Changes
from opsrun.playbook.recap import Recap
from opsrun.playbook.run import PlaybookRun
from opsrun.playbook.runner.host_runner import HostRunner
from opsrun.playbook.runner.kit import Kit
from opsrun.playbook.runner.turn import CENSORED
from opsrun.playbook.runner.wishes import CONNECTION_VARIABLES
from opsrun.playbook.state import RunState
from opsrun.playbook.variables.live import LiveInventory
from opsrun.playbook.variables.playscope import PlayScope
from opsrun.playbook.variables.scopes import Scopes
from opsrun.playbook.vars_finder import VarsFinder
from opsrun.transports.targets.build import ConnectionDefaults

_LISTED = 10
"""Unknown modules that are named one by one."""


class PlaybookStage(Run):
    """A run of playbooks; streamed like any other.

    Args:
        engine: used by this run alone.
        prepared: what is run.
        fleetway: how hosts are reached; closed at the end.
        defaults: what the command line says of all hosts.
        sinks, on_tick: see `Run`.
        guard: has dangers confirmed that nobody knew of before a play's turn came; without one
            there is none.
        journal: the run is written down there.
    """

    def __init__(
        self,
        engine: Engine,
        prepared: Prepared,
        fleetway: Fleetway,
        defaults: ConnectionDefaults,
        sinks: Sequence[Sink] = (),
        *,
        guard: Guard | None = None,
        journal: Journal | None = None,
        on_tick: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        settings = prepared.options.settings
        words = " ".join(playbook.path for playbook in prepared.playbooks)
        hosts = _first_hosts(prepared)
        kinds = connection_kinds(prepared.plays, prepared.inventory.hosts.values())
        said = settings.connection, settings.extra_vars.get("ansible_connection")
        needs = needs_by_kind({*kinds, *(str(kind) for kind in said if kind)})
        plan, journal = Plan(forks=settings.forks), journal or NoJournal()
        options = RunOptions("playbook", words, plan, needs=needs, journal=journal)
        super().__init__(engine, options, (), _no_worker, sinks, on_tick=on_tick, on_end=self._over)
        self._prepared = prepared
        self._fleetway = fleetway
        self._defaults = defaults
        self._hosts = hosts
        self._guard = guard
        self._pending = pending_of(prepared)
        self._live = LiveInventory(prepared.inventory)
        self._after = on_end
        self._recap = Recap()
        self._state: RunState | None = None
        self._mark = digest(words)
        self._joined: dict[str, float] = {}
        self._reach: FleetReach | None = None
        self._confirmed = False
        self._warned: set[str] = set()

    def _first(self, started: float) -> RunStarted:
        options = self._options
        return RunStarted(self.id, options.action, options.command, self._hosts, started)

    def _events(self, first: RunStarted) -> Iterator[Event]:
        self.collector.hand_out(first)
        yield first
        plan, notices = self._affordable(max(1, len(self._hosts)))
        for notice in (*self._fleetway.voice.take_early(), *self._warnings(), *notices):
            self.collector.hand_out(notice)
            yield notice
        self._fleetway.voice.speak_through(self.collector.emit)
        self._engine.spawn(self._carry_out, plan.forks)
        self._dispatched = True
        yield from self.collector.stream()

    def _warnings(self) -> Iterator[Notice]:
        if unknown := self._prepared.unknown:
            shown = "\n".join(f"  {error}" for error in unknown[:_LISTED])
            more = f"\n  and {len(unknown) - _LISTED} more" if len(unknown) > _LISTED else ""
            words = "tasks name modules that this version doesn't have; to reach one is a failure"
            yield Notice("warning", f"{words}:\n{shown}{more}")
        if words := without_debugger(self._prepared.plays):
            yield Notice("warning", words)
        plays = self._prepared.plays
        for words in (*shadowed(plays), *never_left(plays), *groups_of_modules(plays)):
            yield Notice("warning", words)
        for warning in self._prepared.loader.warnings:
            yield Notice("warning", str(warning))
        yield from remark(self._pending)

    def _carry_out(self, places: int) -> None:
        try:
            self._playbooks(places)
        except Cancelled as error:
            self.stop.drain(error.message)
            self._spoiled = True
        except (InputError, OpsrunError) as error:
            self.stop.drain(str(error))
            self._spoiled = True
            self.collector.emit(Notice("error", str(error)))
        except BaseException as error:
            self._spoiled = True
            self.collector.emit(Notice("error", f"a bug in opsrun ended the run: {error!r}"))
            self.stop.cancel("a bug in opsrun ended the run")
        finally:
            self._tell_stats()
            keep(self._prepared.options, self._pending, self.collector.emit)
            self._conclude()
            self.collector.finish()

    def _playbooks(self, places: int) -> None:
        prepared = self._prepared
        run = PlaybookRun(*self._rooms(places))
        # A playbook that did not end well is the last one.
        for playbook in prepared.playbooks:
            own = {play.index for play in playbook.plays}
            self.collector.emit(PlaybookStarted(playbook.path, len(playbook.plays)))
            left = run.run([play for play in prepared.plays if play.index in own])
            if left:
                self._cut_short = left
            if left or self._recap.failures:
                return

    def _rooms(self, places: int) -> tuple[Office, Desk]:
        prepared, engine = self._prepared, self._engine
        options = prepared.options
        settings = replace(options.settings, forks=places)
        state, book = RunState(options.facts), TaskBook()
        again = prepared.inventory.read_again
        inventory = LiveInventory(prepared.inventory, lambda: engine.offload(again))
        self._state = state
        self._live = inventory
        changes = Changes(engine.lock())
        templars = Templars(prepared, inventory, self._warn, changes.touch)
        find_vars = VarsFinder(prepared.read_vars_file, settings.cwd)
        scopes = Scopes(settings, inventory, state, templars.make, find_vars, book.task)
        self._reach = self._reaching(places, inventory, scopes)
        way, emit = self._reach.way, self.collector.emit
        bridge = None
        if prepared.core is not None:
            from opsrun.composition.bridging.calling import CoreBridge

            bridge = CoreBridge(prepared.core, engine, self.stop, way, emit, places)
        self.bridge = bridge
        kit = Kit(
            settings,
            book,
            scopes,
            state,
            self._reach,
            follow(self._pending, self.collector.emit),
            engine.now,
            Pauses(self, options.prompt, engine),
            prepared.read_vars,
            inventory.is_member,
            templars.playbook,
            lambda host, task: options_intent(self, host, task),
            prepared.modules,
            prepared.inventory.vault,
            self._delegated(inventory),
            changes=changes,
            prefetch=Prefetch(changes, engine.now) if settings.prefetch else None,
            bridge=bridge,
        )
        office = Office(
            engine,
            self.stop,
            book,
            state,
            inventory,
            HostRunner(kit),
            lambda order: self._load(book, order),
            self._recap,
            self.collector.emit,
            places,
            templars.name_of,
            templars.throttle,
            self._confirm if settings.step else None,
            options.passing,
        )
        desk = Desk(
            settings,
            scopes,
            find_vars,
            self._ask,
            lambda scope: self._begin(scope, scopes, templars),
            random.Random(options.seed),
            self._pending,
        )
        return office, desk

    def _delegated(self, inventory: LiveInventory) -> Callable[[str], None]:
        if self._guard is None:
            return lambda host: None
        engine = self._engine
        return Delegates(self._guard, lambda: inventory.now, engine.lock(), engine.offload)

    def _reaching(self, places: int, inventory: LiveInventory, scopes: Scopes) -> FleetReach:
        """The run's connections; those of hosts that wait stay open as far as there is room."""
        idle = max(0, room_beside(places, self._options.needs, self._engine) // 2)

        def wishes(pattern: str) -> list[Wish]:
            return [inventory_wish(host.name, scopes) for host in inventory.now.select(pattern)]

        watchers = Watchers(self._setting(), self._fleetway, places, idle, wishes)
        retries = self._prepared.options.retries
        return FleetReach(
            self._fleetway, self._defaults, self.stop, places, retries, idle, watchers
        )

    def _load(self, book: TaskBook, order: Load) -> Included:
        task = book.task(order.task)
        found = self._prepared.loader.load(task, order.include)
        return self._prepared.of_include(task, order.include, found)

    def _begin(self, scope: PlayScope, scopes: Scopes, templars: Templars) -> None:
        templar = scopes.before_play(scope)
        if self._guard is not None:
            found = dangers_now(self._prepared, scope, self._live.now, templar)
            self._engine.offload(self._guard.confirm, found)
        templars.begin(scope, templar)
        new = [name for name in scope.hosts if name not in self._joined]
        self.collector.expect([self._work(name) for name in new])
        for name in new:
            self._joined[name] = self._engine.now()
            self.collector.emit(HostStarted(name, self._work(name), time.time()))

    def _summary(self, duration: float) -> Summary:
        self.report.broken = self._spoiled
        return super()._summary(duration)

    def _work(self, host: str) -> WorkId:
        return WorkId(host, ("playbook",), self._mark)

    def _conclude(self) -> None:
        """The one result of every host."""
        for host, began in self._joined.items():
            tally = self._recap.of(host)
            failure = self._recap.failures.get(host)
            outcome = tally.outcome
            if outcome.is_good and (self._spoiled or self._left_out(host)):
                outcome = Outcome.CANCELLED
            error = None if outcome.is_good else self._why(outcome, failure)
            self.collector.emit(
                Result(
                    host,
                    self._work(host),
                    outcome,
                    error=error,
                    duration=self._engine.now() - began,
                    data={"recap": tally.to_dict()},
                )
            )

    def _tell_stats(self) -> None:
        if self._state is not None and self._state.stats:
            stats = self._state.stats
            self.collector.emit(CustomStats(stats.run, stats.hosts))

    def _left_out(self, host: str) -> bool:
        """Whether the run was over before ``host`` had come to its end, or to its first task."""
        if not self._cut_short:
            return False
        return self.stop.draining or not any(self._recap.of(host).to_dict().values())

    def _why(self, outcome: Outcome, failure: TaskEnded | None) -> ErrorInfo:
        if failure is None:
            words = self.stop.reason or self._cut_short or "ended before its end"
            return ErrorInfo("run", words)
        if failure.hidden:
            return ErrorInfo("run", CENSORED)
        message = str(failure.result.get("msg", "")) or "failed"
        return ErrorInfo("run", message)

    def _warn(self, words: str) -> None:
        # Said once, and not by every host that comes by.
        if words not in self._warned:
            self._warned.add(words)
            self.collector.emit(Notice("warning", words))

    def _ask(self, prompt: VarsPrompt, words: str, default: str | None) -> str:
        ask = self._prepared.options.prompt
        shown = f"{words} [{default}]" if default is not None and not prompt.private else words
        while True:
            typed = None if ask is None else self._typed(ask, shown, prompt)
            if not typed:
                if default is None and typed is None:
                    raise UsageError(
                        f"vars_prompt asks for {prompt.name!r}, and nobody is there to answer: "
                        f"give it with -e {prompt.name}=…"
                    )
                return default or ""
            assert ask is not None
            if not prompt.confirm or self._typed(ask, f"confirm {shown}", prompt) == typed:
                return typed

    def _typed(self, ask: Prompt, words: str, prompt: VarsPrompt) -> str | None:
        """What the operator answers; nothing else waits for it."""
        return self._engine.offload(ask, f"{words}: ", not prompt.private)

    def _confirm(self, task: Task, name: str) -> bool:
        ask = self._prepared.options.confirm
        if self._confirmed or ask is None:
            return True
        try:
            answer = ask(name)
        except Cancelled as error:
            # At once: whoever passes the signal on may come later than the next task.
            self.stop.drain(error.message)
            return False
        self._confirmed = answer == "c"
        return answer in ("y", "c")

    def _over(self) -> None:
        if self._reach is not None:
            self._reach.close()
        self._fleetway.voice.fall_silent(self.collector.emit)
        self._after()

    _spoiled = False
    _cut_short = ""
    """Why there was more to be done when the run was over."""


def options_intent(run: PlaybookStage, host: str, task: str) -> None:
    """Makes durable that a task is about to change a host, see `Journal.intent`."""
    run._options.journal.intent(WorkId(host, ("playbook", *task.split("/")), run._mark))


def inventory_wish(host: str, scopes: Scopes) -> Wish:
    """How a host is reached that no task is done on: as its own variables say."""
    known = scopes.of_host(host)
    return Wish(host, {name: known[name] for name in CONNECTION_VARIABLES if name in known})


def _no_worker(setting: Any) -> Any:
    raise TypeError("a playbook's run has no workers")


def _first_hosts(prepared: Prepared) -> tuple[str, ...]:
    """Who may take part, before any play has been looked at."""
    limit = prepared.options.settings.limit
    if limit is None:
        return tuple(prepared.inventory.hosts)
    return tuple(host.name for host in prepared.inventory.select(limit))
