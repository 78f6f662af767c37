"""One play, from its keywords to its last batch."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opsrun.dialect.tags import Template
from opsrun.errors import PlaybookError, UsageError, did_you_mean
from opsrun.events import Notice, PlayStarted
from opsrun.modules.base import ModuleError
from opsrun.playbook.coordinator import BatchRun, Floor, Step
from opsrun.playbook.health import HealthCheck
from opsrun.playbook.interfaces import Templar
from opsrun.playbook.messages import PlayEnded
from opsrun.playbook.model.nodes import Play, Task, VarsPrompt
from opsrun.playbook.pending import PendingHandlers
from opsrun.playbook.runner.values import truth
from opsrun.playbook.scheduler.batches import batches, ordered
from opsrun.playbook.scheduler.settings import PlaySettings, Strategy
from opsrun.playbook.templating.omit import OMIT
from opsrun.playbook.variables.playscope import HostFile, PlayScope
from opsrun.playbook.variables.scopes import Scopes
from opsrun.playbook.variables.settings import RunSettings

STRATEGIES: tuple[Strategy, ...] = ("linear", "free", "host_pinned")
AHEAD = 32
"""Tasks that an order names beside its own, for what can be asked early."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What plays need beside the office."""

    settings: RunSettings
    scopes: Scopes
    find_vars: Callable[[Sequence[Any], str], Mapping[str, Any] | None]
    ask: Callable[[VarsPrompt, str, str | None], str]
    """Asks the operator: what, in which words, with which default."""
    begin: Callable[[PlayScope], None]
    """Told of each play that begins."""
    luck: random.Random
    pending: PendingHandlers
    """Of handlers that did not run."""


class PlayRun:
    """Carries one play out.

    Args:
        floor: where it works.
        desk: see `Desk`.
        play: which.
        gone: hosts that failed or were unreachable, which later plays leave out; it adds its own.
        beside: whether other plays are under way.
    """

    def __init__(
        self, floor: Floor, desk: Desk, play: Play, gone: dict[str, None], *, beside: bool = False
    ) -> None:
        self._floor = floor
        self._office = floor.office
        self._desk = desk
        self._gone = gone
        self._beside = beside
        self.play = play

    def steps(self) -> Generator[Step, Any, str]:
        """What there is to do, one `Step` after the other; is sent what each came to.

        Returns:
            Why no other play is to follow; empty if one is.

        Raises:
            PlaybookError, UsageError: the play's own keywords can't be used.
        """
        play = self.play
        scope = self._scope(play)
        found = self._hosts(play, scope)
        hosts = self._in_order(found, play, scope)
        scope.hosts = tuple(found)
        self._desk.begin(scope)
        self._desk.scopes.begin(scope)
        self._floor.board.openings.begin(play.index, scope.hosts)
        if not hosts:
            self._office.emit(
                PlayStarted(scope.name, (), str(play.origin), index=play.index, beside=self._beside)
            )
            return ""
        self._office.book.add(play.blocks)
        self._office.book.add(play.handlers)
        templar = self._desk.scopes.before_play(scope)
        return (yield from self._batches(play, hosts, scope, templar))

    def _in_order(self, hosts: Sequence[str], play: Play, scope: PlayScope) -> list[str]:
        """As they are taken; variables tell them as the inventory has them."""
        order = _rendered(play, "order", self._desk.scopes.before_play(scope))
        return _sized(lambda: ordered(hosts, order, self._desk.luck), play)

    def _batches(
        self, play: Play, hosts: Sequence[str], scope: PlayScope, templar: Templar
    ) -> Generator[Step, Any, str]:
        names = _sized(lambda: self._sizes(play, hosts, templar), play)
        settings = self._settings(play, templar)
        taken: list[str] = []
        for number, batch in enumerate(names, 1):
            left = [name for name in batch if name not in self._gone]
            if not left:
                continue
            self._office.emit(
                PlayStarted(
                    scope.name,
                    tuple(left),
                    str(play.origin),
                    number,
                    len(names),
                    play.index,
                    self._beside,
                )
            )
            informed = self._informed(play, hosts)
            due = self._desk.pending.due(play.index)
            here = replace(settings, known_failed=tuple(taken), informed=informed, due=due)
            ended: PlayEnded = yield BatchRun(
                self._floor,
                scope,
                play.blocks,
                play.handlers,
                left,
                here,
                lambda task: self._handler_name(task, templar),
            )
            taken += [*ended.failed, *ended.unreachable, *ended.ended]
            self._desk.pending.left(play, ended, left)
            self._settle(ended)
            if ended.aborted:
                return ended.aborted
            if ended.play_over:
                break
            if play.canary:
                stopped = yield from self._judged(play, left, ended, number, names)
                if stopped:
                    return stopped
        return ""

    def _sizes(self, play: Play, hosts: Sequence[str], templar: Templar) -> list[list[str]]:
        if not play.canary:
            return batches(hosts, _rendered(play, "serial", templar))
        # All that is left is the last batch, whatever the sizes come to.
        return batches(hosts, [*templar.render(list(play.canary), play.origin), 0])

    def _judged(
        self,
        play: Play,
        batch: Sequence[str],
        ended: PlayEnded,
        number: int,
        names: Sequence[Sequence[str]],
    ) -> Generator[Step, Any, str]:
        """Why no further batch is to follow; empty if one is, or if this was the last one."""
        bad = [*ended.failed, *ended.unreachable]
        well = [name for name in batch if name not in {*bad, *ended.cancelled}]
        why = dict.fromkeys(ended.failed, "failed")
        why |= dict.fromkeys(ended.unreachable, "was not reached")
        looks = play.health and not self._desk.settings.check
        if looks and well and not self._office.stop.draining:
            unwell = yield HealthCheck(self._floor, play, well)
            self._gone.update(dict.fromkeys(unwell))
            why |= unwell
        done = sum(len(each) for each in names[:number])
        total = sum(len(each) for each in names)
        if not why:
            if number < len(names):
                words = f"the canary is well behind batch {number} of {len(names)}"
                self._office.emit(Notice("info", f"{words} ({done} of {total} hosts)"))
            return ""
        return self._stopped(why, f"batch {number} of {len(names)} ({done} of {total} hosts)")

    def _stopped(self, why: Mapping[str, str], where: str) -> str:
        first = next(iter(why))
        more = f", and {len(why) - 1} more" if len(why) > 1 else ""
        words = f"the canary stopped behind {where}: {first}: {why[first]}{more}"
        self._office.emit(Notice("error", words))
        return words

    def _informed(self, play: Play, hosts: Sequence[str]) -> frozenset[str]:
        """Hosts that the play doesn't gather the facts of, although it is not told not to."""
        gathering = self._desk.settings.gathering
        if gathering == "explicit":
            return frozenset(hosts if play.gather_facts is None else ())
        if gathering == "smart":
            state = self._office.state
            return frozenset(name for name in hosts if state.host(name).gathered)
        return frozenset()

    def _settle(self, ended: PlayEnded) -> None:
        for name in ended.cancelled:
            # What was under way has been counted with its task.
            tally = self._office.recap.of(name)
            tally.cancelled = max(tally.cancelled, 1)
        self._gone.update(dict.fromkeys((*ended.failed, *ended.unreachable)))
        if ended.aborted:
            self._office.emit(Notice("info", f"no further play follows: {ended.aborted}"))

    def _scope(self, play: Play) -> PlayScope:
        prompted = {one.name: self._prompted(one, play) for one in play.vars_prompt}
        files = [
            HostFile(list(each) if isinstance(each, tuple) else each)
            if _holds_template(each)
            else self._file(each, play)
            for each in play.vars_files
        ]
        scope = PlayScope(
            play,
            (),
            prompted={name: value for name, value in prompted.items() if value is not None},
            files=files,
        )
        templar = self._desk.scopes.before_play(scope)
        hosts = _rendered(play, "hosts", templar)
        shown = ",".join(map(str, hosts)) if isinstance(hosts, list) else str(hosts)
        scope.name = str(templar.render(play.name, play.origin)) if play.name else shown
        return scope

    def _file(self, entry: Any, play: Play) -> Mapping[str, Any]:
        paths = list(entry) if isinstance(entry, (list, tuple)) else [entry]
        found = self._desk.find_vars(paths, play.path)
        if found is None:
            raise PlaybookError(
                f"vars_files: there is no file {' or '.join(map(str, paths))}",
                path=play.origin.path,
                line=play.origin.line,
            )
        return found

    def _prompted(self, prompt: VarsPrompt, play: Play) -> Any:
        if prompt.name in self._desk.settings.extra_vars:
            return None
        scope = PlayScope(play, ())
        templar = self._desk.scopes.before_play(scope)
        words = str(templar.render(prompt.prompt or prompt.name))
        default = None if prompt.default is None else str(templar.render(prompt.default))
        if prompt.encrypt:
            # An algorithm that there is not is told before the operator types anything.
            _hashed(prompt, "")
            return _hashed(prompt, self._desk.ask(prompt, words, default))
        return self._desk.ask(prompt, words, default)

    def _hosts(self, play: Play, scope: PlayScope) -> list[str]:
        templar = self._desk.scopes.before_play(scope)
        pattern = _rendered(play, "hosts", templar)
        if isinstance(pattern, Mapping):
            raise self._wrong(play, "hosts: expected a pattern, found a dictionary")
        several = pattern if isinstance(pattern, list) else [pattern]
        text = ",".join(str(each) for each in several if each is not None and each is not OMIT)
        if not text.strip():
            raise self._wrong(play, "hosts: expected a pattern, found nothing")
        ignored: list[str] = []
        found = self._office.inventory.now.chosen(
            text, self._desk.settings.limit, lambda error: ignored.append(str(error))
        )
        for words in ignored:
            self._office.emit(Notice("warning", f"{play.origin}: {words}"))
        return [host.name for host in found if host.name not in self._gone]

    def _settings(self, play: Play, templar: Templar) -> PlaySettings:
        run = self._desk.settings
        strategy = str(_rendered(play, "strategy", templar) or run.strategy)
        strategy = strategy.removeprefix("ansible.builtin.").removeprefix("ansible.legacy.")
        chosen = next((each for each in STRATEGIES if each == strategy), None)
        if chosen is None:
            guess = did_you_mean(strategy, STRATEGIES)
            words = f"expected one of {', '.join(STRATEGIES)}, found {strategy!r}{guess}"
            raise self._wrong(play, f"strategy: {words}")
        force = _rendered(play, "force_handlers", templar)
        fatal = templar.render(play.keywords.any_errors_fatal)
        return PlaySettings(
            strategy=chosen,
            max_fail_percentage=self._percentage(play, templar),
            any_errors_fatal=self._truth(play, "any_errors_fatal", fatal, run.any_errors_fatal),
            force_handlers=self._truth(play, "force_handlers", force, run.force_handlers),
            at_once=self._office.places,
            allow_missing_handlers=run.allow_missing_handlers,
            ahead=AHEAD if run.prefetch else 0,
        )

    def _truth(self, play: Play, name: str, found: Any, default: bool) -> bool:
        if found in (None, "") or found is OMIT:
            return default
        try:
            return truth(found, name)
        except ModuleError as error:
            raise self._wrong(play, error.msg) from error

    def _percentage(self, play: Play, templar: Templar) -> float | None:
        found = _rendered(play, "max_fail_percentage", templar)
        if found in (None, "") or found is OMIT:
            return None
        try:
            return float(str(found).rstrip("%"))
        except ValueError:
            words = f"max_fail_percentage: expected a number, found {found!r:.80}"
            raise self._wrong(play, words) from None

    def _handler_name(self, task: Task, templar: Templar) -> str:
        if not isinstance(task.name, Template):
            return str(task.name)
        try:
            return str(templar.render(task.name))
        except PlaybookError as error:
            if not task.listen:
                words = "is unusable: it has no listen topics, and what its name is can't be said"
                self._office.emit(Notice("warning", f"Handler {str(task.name)!r} {words}: {error}"))
            return ""

    def _wrong(self, play: Play, message: str) -> PlaybookError:
        origin = play.origin
        return PlaybookError(message, path=origin.path, line=origin.line, column=origin.column)


def _hashed(prompt: VarsPrompt, typed: str) -> str:
    """What was typed, as ``encrypt`` has it."""
    from opsrun.playbook.templating.filters.passwords import password_hash
    from opsrun.playbook.templating.library import PluginError

    try:
        return password_hash(typed, str(prompt.encrypt), prompt.salt, prompt.salt_size)
    except PluginError as error:
        words = f"vars_prompt: {prompt.name!r} can't be hashed: {error}"
        origin = prompt.origin
        raise PlaybookError(words, path=origin.path, line=origin.line) from error


def _rendered(play: Play, name: str, templar: Templar) -> Any:
    found = templar.render(getattr(play, name), play.origin)
    return None if found is OMIT else found


def _sized(make: Callable[[], list[Any]], play: Play) -> list[Any]:
    try:
        return make()
    except (UsageError, ModuleError) as error:
        origin = play.origin
        raise PlaybookError(str(error), path=origin.path, line=origin.line) from error


def _holds_template(entry: Any) -> bool:
    several = entry if isinstance(entry, (list, tuple)) else [entry]
    return any(isinstance(each, Template) for each in several)
