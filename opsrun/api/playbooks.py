"""Playbooks on the hosts of a `Fleet`."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from opsrun.api.begin import Beginning
from opsrun.api.fleet_options import PathLike
from opsrun.api.handle import RunHandle, telling
from opsrun.api.options import PlanOptions, PlaybookArguments, only_known, plan_of
from opsrun.composition import arguments
from opsrun.composition.fleetway import Fleetway
from opsrun.composition.run import Run, make_engine
from opsrun.dialect.origin import Origin
from opsrun.dialect.tags import trusted
from opsrun.engine.base import Engine
from opsrun.events import Event, Sink
from opsrun.report import Report
from opsrun.secret import Ask

if TYPE_CHECKING:
    from opsrun.composition.playbooks import PlaybookOptions, Prepared

_FLAGS = ("check", "diff", "force_handlers", "prefetch", "resume", "strict")


class Playbooks(Beginning):
    """What runs playbooks."""

    @overload
    def playbook(
        self,
        playbooks: PathLike | Sequence[PathLike],
        *,
        wait: Literal[True] = True,
        **options: Unpack[PlaybookArguments],
    ) -> Report: ...

    @overload
    def playbook(
        self,
        playbooks: PathLike | Sequence[PathLike],
        *,
        wait: Literal[False],
        **options: Unpack[PlaybookArguments],
    ) -> RunHandle: ...

    def playbook(
        self,
        playbooks: PathLike | Sequence[PathLike],
        *,
        wait: bool = True,
        **options: Unpack[PlaybookArguments],
    ) -> Report | RunHandle:
        """Run playbooks, one after the other, and wait for their end.

        Each host that takes part has one result; its ``data["recap"]`` counts its tasks: ``ok
        changed unreachable failed skipped rescued ignored lost cancelled``.

        >>> report = fleet.playbook("playbooks/hello.yml", limit="web01", tags=["greet"])
        >>> report["web01"].data["recap"]["failed"]
        0
        >>> fleet.playbook("playbooks/hello.yml", extra_vars={"greeting": "hi"}).exit_status()
        0

        Args:
            playbooks: a path, or several.
            wait: False returns at once, with a `RunHandle`.
            options: see `PlaybookArguments`.

        Raises:
            PlaybookError: a file can't be used, with its place.
            PatternError: ``limit`` selects no host, or names something unknown.
            UsageError: an argument or a connection variable can't be used.
        """
        return self._carry_out(lambda: self._begin_playbook(playbooks, options), options, wait)

    def stream_playbook(
        self, playbooks: PathLike | Sequence[PathLike], **options: Unpack[PlaybookArguments]
    ) -> Generator[Event, None, None]:
        """Run playbooks; events as they happen: `PlayStarted`, `TaskStarted`, `TaskResult` and the
        others, see docs/output.md. Takes and raises what `playbook` does; mistakes are raised
        here, before the first event is asked for.

        >>> events = fleet.stream_playbook("playbooks/hello.yml", limit="db01")
        >>> [event.name for event in events if event.type == "play"]
        ['hello']
        """
        run = self._begin_playbook(playbooks, options)
        return telling(run.stream(), options.get("on_result"))

    async def aplaybook(
        self, playbooks: PathLike | Sequence[PathLike], **options: Unpack[PlaybookArguments]
    ) -> Report:
        """`playbook` for asyncio; see `Fleet.aexec`.

        >>> import asyncio
        >>> asyncio.run(fleet.aplaybook("playbooks/hello.yml", limit="db01")).exit_status()
        0
        """
        begin = lambda: self._begin_playbook(playbooks, options)  # noqa: E731
        return await self._aside(begin, options)

    def begin_playbook(
        self,
        prepared: Prepared,
        *,
        sinks: Callable[[Engine], Sequence[Sink]] = lambda engine: (),
        on_tick: Callable[[], None] = lambda: None,
        ask: Ask | None = None,
        verbosity: int = 0,
    ) -> Run:
        """A run of playbooks that is ready to be streamed; see `FleetCore.begin`.

        A fleet that keeps its connections gives them to the run, one at a time, and takes back
        what is still good when it has ended.

        >>> from opsrun.composition.playbooks import PlaybookOptions, Prepared
        >>> prepared = Prepared(["playbooks/hello.yml"], fleet.inventory, PlaybookOptions())
        >>> [event.type for event in fleet.begin_playbook(prepared).stream()][-1]
        'summary'

        Args:
            prepared: the playbooks, read.
            sinks, on_tick, ask, verbosity: see `FleetCore.begin`.
        """
        from opsrun.composition.playbooks import PlaybookStage
        from opsrun.composition.playbooks.guarding import known_dangers

        guard = self._guard()
        guard.confirm(known_dangers(prepared))
        kept = self._lines.for_a_run()
        engine = make_engine(self.options.engine)
        with kept.making_ready if kept else nullcontext():
            fleetway = kept.fleetway(ask, verbosity) if kept else Fleetway(engine, ask, verbosity)
            fleetway.renew()

        def end() -> None:
            self._lines.ended(run)
            if kept is None:
                fleetway.close()

        run = PlaybookStage(
            engine,
            prepared,
            fleetway,
            self._defaults,
            sinks(engine),
            guard=guard,
            journal=self._journal(),
            on_tick=on_tick,
            on_end=end,
        )
        if kept is not None:
            self._lines.begins(run)
        return run

    def _begin_playbook(
        self, playbooks: PathLike | Sequence[PathLike], options: PlaybookArguments
    ) -> Run:
        from opsrun.composition.playbooks import Prepared

        only_known(options, PlaybookArguments)
        plan_of(_told(options), self.options.forks)
        paths = arguments.paths("playbooks", playbooks)
        prepared = Prepared(paths, self.inventory, self._playbook_options(paths, options))
        return self.begin_playbook(
            prepared,
            sinks=lambda engine: options.get("sinks", ()),
            verbosity=options.get("verbosity", 0),
        )

    def _playbook_options(
        self, paths: Sequence[str], options: PlaybookArguments
    ) -> PlaybookOptions:
        from opsrun.composition.playbooks import PlaybookOptions
        from opsrun.composition.playbooks.pending_file import PendingFile
        from opsrun.playbook.variables.settings import RunSettings

        for name in _FLAGS:
            arguments.flag(name, options.get(name, False))
        settings = RunSettings(
            check=options.get("check", False),
            diff=options.get("diff", False),
            tags=_words("tags", options.get("tags", ())) or ("all",),
            skip_tags=_words("skip_tags", options.get("skip_tags", ())),
            limit=self._limit(options.get("limit")),
            forks=self.options.forks,
            verbosity=arguments.whole("verbosity", options.get("verbosity", 0), least=0),
            extra_vars=_extra_vars(options.get("extra_vars")),
            force_handlers=options.get("force_handlers", False),
            prefetch=options.get("prefetch", True),
            start_at=arguments.text("start_at", options.get("start_at")),
            cwd=os.getcwd(),
        )
        return PlaybookOptions(
            settings,
            retries=arguments.whole("retries", options.get("retries", 0), least=0),
            strict=options.get("strict", False),
            roles_path=arguments.paths("roles_path", options.get("roles_path", ())),
            collections_path=arguments.paths(
                "collections_path", options.get("collections_path", ())
            ),
            pending=PendingFile(paths, self.inventory.sources, settings.cwd),
            resume=options.get("resume", False),
            bridge=_bridge(options.get("bridge", False)),
        )

    def _limit(self, limit: str | Sequence[str] | None) -> str | None:
        """Of a narrowed fleet, its own hosts at most."""
        if limit is None:
            return None if self._only is None else ",".join(self._only)
        pattern = arguments.pattern("limit", limit)
        # Looked at here: a play would only say that it has no hosts.
        chosen = self._select(pattern)
        return pattern if self._only is None else ",".join(host.name for host in chosen)


def _told(options: PlaybookArguments) -> PlanOptions:
    return {"sinks": options.get("sinks", ()), "on_result": options.get("on_result")}


def _bridge(given: object) -> str | None:
    """The program that is to be called, if any."""
    if isinstance(given, bool):
        from opsrun.composition.bridging.program import PROGRAM

        return PROGRAM if given else None
    if not isinstance(given, (str, os.PathLike)):
        raise arguments.wrong("bridge", "True, False, or a program", given)
    return arguments.path("bridge", given)


def _words(name: str, given: object) -> tuple[str, ...]:
    return arguments.texts(name, [given] if isinstance(given, str) else given)


def _extra_vars(given: object) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise arguments.wrong("extra_vars", "names and values", given)
    found: Mapping[str, Any] = trusted(dict(given), Origin("<extra_vars>", kind="extra"))
    return found
