"""What all methods of a `Fleet` stand on: which hosts, how they are reached, a run made ready."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Protocol

from opsrun.adhoc.base import Job, Setting, Worker
from opsrun.api.fleet_options import FleetOptions, journaling
from opsrun.composition import arguments
from opsrun.composition.actions import Action, ExecAction, TrustAction
from opsrun.composition.fleetway import Fleetway
from opsrun.composition.kept import Kept
from opsrun.composition.needs import needs_of, room_beside
from opsrun.composition.probes import Probes
from opsrun.composition.prospect import Groups, Prospect
from opsrun.composition.protection import Guard, dangers
from opsrun.composition.run import Run, RunOptions, make_engine
from opsrun.composition.ways import Way, check_manner, find_ways
from opsrun.engine.base import Engine
from opsrun.engine.dispatch import Plan
from opsrun.errors import PatternError, UsageError
from opsrun.events import Journal, NoJournal, Sink, digest
from opsrun.inventory import Host, Inventory
from opsrun.secret import Ask

Pattern = str | Sequence[str]
"""Which hosts: one pattern, or several that are united."""


class Ending(Protocol):
    """What can be ended."""

    def cancel(self) -> None:
        """Ask it to end."""

    def join(self) -> None:
        """Wait for its end."""


class Lines:
    """The connections that a `Fleet` and those narrowed from it keep between them."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self.kept: Kept | None = None
        """None outside of a ``with`` block."""
        self.under_way: set[Ending] = set()
        """Runs that have the connections, and that nobody need be waiting for."""
        self._runs: set[Run] = set()
        """All that have them, whoever waits for them."""
        self._process = 0

    def open(self) -> None:
        """Keep connections open from here on.

        Raises:
            UsageError: they are kept already.
        """
        if self.kept is not None:
            raise UsageError("this Fleet keeps its connections already: it is in a `with` block")
        self.kept = Kept(make_engine(self._engine))
        self._process = os.getpid()

    def for_a_run(self) -> Kept | None:
        """The connections, as one more run may use them.

        Raises:
            UsageError: they are another process's, which this one was forked from. Two that write
                to one SSH connection break it for both.
        """
        if self.kept is not None and self._process != os.getpid():
            raise UsageError(
                "this Fleet's connections belong to the process that this one was forked from: "
                "make another Fleet here"
            )
        return self.kept

    def begins(self, run: Run) -> None:
        """It has the connections from here on."""
        self._runs.add(run)

    def ended(self, run: Run) -> None:
        """It has them no more; again is harmless."""
        self._runs.discard(run)

    def close(self) -> None:
        """Close them. Whatever is still under way is ended, and waited for unless others do so.

        Raises:
            UsageError: an ``on_result`` of a run that would be waited for does this.
        """
        kept, self.kept = self.kept, None
        if self._process != os.getpid():
            # Closed here they would be closed for those who have them.
            return
        for each in tuple(self._runs):
            each.stop.cancel("its Fleet was left")
        under_way = tuple(self.under_way)
        for run in under_way:
            run.cancel()
        try:
            for run in under_way:
                run.join()
        finally:
            if kept is not None:
                kept.close()


class FleetCore:
    """Hosts, and a run of an action on them; see `opsrun.api.fleet.Fleet`."""

    def __init__(
        self,
        inventory: Inventory,
        options: FleetOptions,
        lines: Lines,
        only: tuple[str, ...] | None = None,
    ) -> None:
        self.inventory = inventory
        """The hosts and their variables, see `Inventory`."""
        self.options = options
        """How they are reached."""
        self._defaults = options.defaults()
        self._lines = lines
        self._only = None if only is None else dict.fromkeys(only)

    def _select(self, hosts: Pattern | None) -> tuple[Host, ...]:
        """The hosts that are meant, each once; those of a narrowed Fleet among themselves."""
        if hosts is None and self._only is not None:
            return tuple(map(self.inventory.host, self._only))
        pattern = arguments.pattern("hosts", hosts)
        selected = self.inventory.select(pattern)
        if self._only is None:
            return selected
        left = tuple(host for host in selected if host.name in self._only)
        if not left:
            few = f"the {len(self._only)} hosts that were selected"
            raise PatternError(f"the pattern {pattern!r} selects none of {few}")
        return left

    def _select_each(self, hosts: Pattern | None) -> tuple[Host, ...]:
        """As `_select`; hosts that a list names again come again, behind the others."""
        selected = self._select(hosts)
        if hosts is None or isinstance(hosts, str):
            return selected
        by_name = {host.name: host for host in selected}
        seen: set[str] = set()
        again = []
        for name in hosts:
            if name in seen and name in by_name:
                again.append(by_name[name])
            seen.add(name)
        return (*selected, *again)

    def _guard(self) -> Guard:
        """Has the dangers of one run confirmed."""
        return Guard(self.options.yes, self.options.confirm)

    def _journal(self) -> Journal:
        """Has one run written down, if the fleet's are."""
        kept = journaling(self.options)
        if kept is None:
            return NoJournal()
        from opsrun.journal.recorder import Recorder

        return Recorder(kept.path, kept.about)

    def begin(
        self,
        action: Action,
        hosts: Sequence[Host],
        plan: Plan,
        *,
        retries: int = 0,
        stream: bool = False,
        largest_status: bool = False,
        forgets: bool = False,
        sinks: Callable[[Engine], Sequence[Sink]] = lambda engine: (),
        on_tick: Callable[[], None] = lambda: None,
        ask: Ask | None = None,
        verbosity: int = 0,
    ) -> Run:
        """A run that is ready to be streamed; every mistake in its configuration is raised here.

        What all the others stand on; the command line adds its sinks and its Ctrl-C.

        >>> from opsrun.composition.actions import PingAction
        >>> from opsrun.engine.dispatch import Plan
        >>> run = fleet.begin(PingAction(), fleet.inventory.select("web01"), Plan())
        >>> [event.type for event in run.stream()]
        ['run', 'start', 'result', 'summary']

        Args:
            action: what is done.
            hosts: on whom, see `Inventory.select`.
            plan: how many at once, in which batches.
            retries, stream, largest_status, forgets: see `RunOptions`.
            sinks: called with the run's engine; makes what is fed with the events.
            on_tick: called several times a second while the run is streamed.
            ask: asks the operator for a passphrase.
            verbosity: from 2 on, connections tell their story in notices.
        """
        if not action.harmless:
            self._guard().confirm(dangers(list(dict.fromkeys(hosts))))
        groups = Groups.of(getattr(action, "groups", ()), self.inventory, hosts)
        ways = find_ways((*hosts, *groups.beside), self._defaults, becomes=action.becomes)
        if isinstance(action, ExecAction):
            check_manner(ways[: len(hosts)], action.command.manner)
        engine = make_engine(self.options.engine)
        kept = self._lines.for_a_run()
        needs = needs_of(ways)
        with kept.making_ready if kept else nullcontext():
            if kept is not None:
                fleetway = kept.fleetway(ask, verbosity)
            else:
                fleetway = Fleetway(engine, ask, verbosity, keeps=_comes_back(action))
            jobs = _jobs(fleetway, ways, action, plan, alone=kept is None)
            early = fleetway.voice.take_early()
            if kept is not None:
                kept.leave_room(min(plan.forks, len(jobs)), needs)
        spare = room_beside(min(plan.forks, len(hosts)), needs, engine)
        if kept is None and fleetway.pool is not None:
            # What checks keep between their attempts, and what waits for the command, share it.
            fleetway.pool.limit(max(0, spare // 2))
            spare -= spare // 2
        options = RunOptions(
            action=action.name,
            command=action.words,
            plan=plan,
            retries=retries,
            needs=needs,
            stream=stream,
            largest_status=largest_status,
            forgets=forgets,
            early=tuple(early),
            journal=self._journal(),
        )

        def make_worker(setting: Setting) -> Worker:
            # Not before: nobody reads the events of a run that is never streamed.
            fleetway.voice.speak_through(emit)
            if kept is not None:
                self._lines.begins(run)
            return action.worker(setting, Prospect(Probes(fleetway), jobs, groups, spare))

        def end() -> None:
            fleetway.voice.fall_silent(emit)
            self._lines.ended(run)
            if kept is None:
                fleetway.close()

        run = Run(
            engine,
            options,
            _told_apart(jobs[: len(hosts)], action),
            make_worker,
            sinks(engine),
            on_tick=on_tick,
            on_end=end,
        )
        emit = run.collector.emit
        return run


def _comes_back(action: Action) -> bool:
    """Whether a host is connected to more than once; it need not be logged in to as often."""
    return isinstance(action, ExecAction) and action.comes_back


def _jobs(
    fleetway: Fleetway, ways: Sequence[Way], action: Action, plan: Plan, *, alone: bool
) -> list[Job]:
    """A job for each way; ``alone`` says that no other run has these connections."""
    return fleetway.jobs(
        ways,
        (action.name,),
        action.words,
        # Where logging in is all that is asked for, it has to be done.
        anew=not action.becomes,
        lets_go=alone and _comes_back(action),
        logs_in=not isinstance(action, TrustAction),
        at_once=min(plan.forks, len(ways)),
    )


def _told_apart(jobs: Iterable[Job], action: Action) -> list[Job]:
    """Work of another name where another command is to be run, or the same host comes again."""
    own = action.own if isinstance(action, ExecAction) else {}
    seen: dict[str, int] = {}
    told = []
    for job in jobs:
        number = seen[job.host] = seen.get(job.host, 0) + 1
        work = job.work
        if job.host in own:
            work = replace(work, digest=digest(own[job.host].script))
        if number > 1:
            work = replace(work, item=str(number))
        told.append(job if work is job.work else replace(job, work=work))
    return told
