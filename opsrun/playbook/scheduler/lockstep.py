"""`linear`: a task is begun by all hosts that stand at it, and ended by all before the next.

The next task is the nearest in the order of the file that any host stands at; hosts that stand
elsewhere wait. Nobody waits for a host that is parked at a gate; once it is back, those who went
ahead wait until it has caught up. https://docs.ansible.com/ansible/latest/collections/ansible/builtin/linear_strategy.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from opsrun.playbook.messages import TaskEnded
from opsrun.playbook.model.nodes import Node, Task
from opsrun.playbook.scheduler.crew import HostState, Status
from opsrun.playbook.scheduler.includes import Group, grouped
from opsrun.playbook.scheduler.progress import AWAY, Progress
from opsrun.playbook.scheduler.road import is_flush, meta_word
from opsrun.playbook.scheduler.strategy import Desk
from opsrun.playbook.scheduler.tape import Tape, tasks_of
from opsrun.results import Outcome

EACH = frozenset({"noop", "reset_connection", "end_host", "end_role", "flush_handlers"})
"""Meta tasks that every host does; of the others, one host's word counts for all."""
ENDING = frozenset({"end_play", "end_batch"})
"""Those of them that end the play for hosts wherever they stand."""
BYPASSING = frozenset({"add_host", "pause"})
"""Actions that are done once, by the first host, whatever the task says."""


class Lockstep:
    """The state of a turn: a task, those who do it, those who wait for the first one's word."""

    def __init__(self, blocks: Sequence[Node], progress: Progress, desk: Desk) -> None:
        self._progress = progress
        self._desk = desk
        self._tape = Tape(blocks)
        self._standing: dict[str, list[HostState]] = {}
        self._moved: list[HostState] = list(progress.crew)
        self._task: Task | None = None
        self._doing = 0
        self._followers: list[HostState] = []
        self._word: TaskEnded | None = None
        self._asking = False
        """Only the first host does it, at least until it has answered."""
        self._late: list[HostState] = []
        """Hosts that were released since the turn began."""
        self._failed: dict[str, HostState] = {}
        self._said: list[TaskEnded] = []
        self._fatal = ""
        """Why what failed in this turn fails all others."""
        self._twice = False
        """It does so twice: a task that ran once failed, so that the others miss the rescue that
        the one host gets, and an always part without a rescue, as in Ansible 2.18."""
        self._groups: list[Group] = []
        self._loading = 0

    def go_on(self) -> None:
        """Begin turns until one needs somebody's answer, or all hosts are at their ends."""
        while not self._doing and not self._loading:
            if self._task is not None:
                self._end_turn()
                continue
            self._settle()
            task = self._tape.seek(self._standing) or self._lost_one()
            if task is None or self._held(task):
                return
            self._begin(task)

    def _held(self, task: Task) -> bool:
        """Whether ``task`` may end the play for hosts that are parked before it: they come first,
        or what stands between would be left out and they would look done."""
        if meta_word(task) not in ENDING:
            return False
        held = any(host.parked is not None for host in self._progress.crew)
        if held:
            self._tape.rewind()
        return held

    def _settle(self) -> None:
        # A host may be there twice: it was released before the turn that it was parked in ended.
        for host in dict.fromkeys(self._moved):
            if host.parked is not None:
                continue
            task = self._progress.settle(host)
            if task is not None:
                self._standing.setdefault(task.id, []).append(host)
        self._moved = []

    def _lost_one(self) -> Task | None:
        """A task that stands nowhere on the tape: handlers that came while some were run."""
        hosts = next(iter(self._standing.values()), None)
        return hosts[0].at if hosts else None

    def _begin(self, task: Task) -> None:
        hosts = sorted(self._standing.pop(task.id), key=_rank)
        hosts = [host for host in hosts if host.active and host.at and host.at.id == task.id]
        self._moved = list(hosts)
        hosts = [host for host in hosts if not host.missed or not self._missed(host, task)]
        if not hosts:
            return
        if is_flush(task):
            self._flush(hosts)
            return
        self._task, self._failed, self._said, self._late = task, {}, [], []
        self._fatal, self._twice = "", False
        self._asking = _once(task) is not False
        if self._asking:
            self._followers = hosts[1:]
            for host in self._followers:
                host.road.begun()
            # Of what bypasses the others, only the first host knows the result, as in 2.18.
            everybody = self._progress.crew.everybody()
            self._tell(hosts[:1], () if bypasses(task) else everybody)
        else:
            self._tell(hosts)

    def _missed(self, host: HostState, task: Task) -> bool:
        """Whether one host did ``task`` for this one as well while it was parked."""
        assert host.missed is not None
        if task.id not in host.missed:
            return False
        host.missed.discard(task.id)
        host.road.begun()
        self._pass(host, task)
        return True

    def parked(self, host: HostState) -> None:
        """The turn ends without ``host``."""
        self._doing -= 1

    def back(self, host: HostState) -> None:
        """``host`` catches up: the next task is the nearest to the beginning again."""
        self._moved.append(host)
        self._late.append(host)
        self._tape.rewind()

    def _flush(self, hosts: Iterable[HostState]) -> None:
        begun = False
        for host in hosts:
            host.road.passed()
            begun = self._progress.flush(host) or begun
        if begun:
            self._tape.insert(self._progress.handlers.tasks)

    def _tell(self, hosts: Sequence[HostState], for_hosts: tuple[str, ...] = ()) -> None:
        self._doing += len(hosts)
        for host in hosts:
            self._desk.tell(host, for_hosts)

    def ended(self, host: HostState, message: TaskEnded) -> None:
        """``host`` has ended its part of the turn."""
        self._doing -= 1
        if self._progress.absorb(host, message):
            self._failed[host.name] = host
        if message.fatal and not message.ignored and not message.outcome.is_good:
            self._fatal = "any_errors_fatal"
        if self._asking:
            self._word = message
        if message.includes or message.meta:
            self._said.append(message)

    def loaded(self, group: Group) -> None:
        """``group`` has its blocks, or its error."""
        self._loading -= 1

    def _end_turn(self) -> None:
        assert self._task is not None
        if self._asking and self._answered():
            return
        if not self._groups and self._include():
            return
        self._included()
        task, self._task = self._task, None
        self._metas()
        if self._fatal:
            self._fail_others(task.id)
        self._threshold()

    def _answered(self) -> bool:
        """What the first host's word means for the others. True if they have to do it, too."""
        assert self._task is not None
        message, followers = self._word, self._followers
        self._followers, self._asking, self._word = [], False, None
        if message is None:
            # It is parked. The next one is asked, or they all do so, in turn.
            return False
        if _once(self._task) is None and not message.run_once:
            self._tell(followers)
            return bool(followers)
        if message.outcome is Outcome.CANCELLED:
            for host in followers:
                self._progress.crew.leave(host, Status.CANCELLED)
        elif message.ignored or message.outcome.is_good:
            self._pass_all(followers)
        elif message.outcome in AWAY:
            if truth(self._task.keywords.ignore_errors) is True:
                self._pass_all(followers)
            else:
                self._fatal = self._fatal or "a task with run_once"
        else:
            self._fatal, self._twice = self._fatal or "a task with run_once", True
        return False

    def _pass_all(self, hosts: Iterable[HostState]) -> None:
        assert self._task is not None
        for host in hosts:
            self._pass(host, self._task)
        parked = [host for host in self._progress.crew if host.parked is not None]
        for host in (*parked, *self._late):
            host.missed = host.missed or set()
            host.missed.add(self._task.id)

    def _pass(self, host: HostState, task: Task) -> None:
        if host.road.due:
            host.road.due.discard(task.id)
        host.road.passed()

    def _include(self) -> bool:
        by_name = self._progress.crew.by_name
        said = [message for message in self._said if message.includes]
        if not said:
            return False
        said.sort(key=lambda message: by_name[message.host].rank)
        self._said = [message for message in self._said if message.meta]
        active = (message for message in said if by_name[message.host].active)
        self._groups = grouped((by_name[m.host], m.task, m.includes) for m in active)
        self._loading += len(self._groups)
        for group in self._groups:
            self._desk.load(group)
        return bool(self._groups)

    def _included(self) -> None:
        groups, self._groups = self._groups, []
        if not groups:
            return
        assert self._task is not None
        self._tape.insert(chain.from_iterable(tasks_of(group.blocks) for group in groups))
        failed = self._progress.included(groups)
        self._failed.update(failed)
        if failed and (_once(self._task) or self._all_fatal(self._task)):
            self._fatal = "any_errors_fatal"

    def _all_fatal(self, task: Task) -> bool:
        own = task.keywords.any_errors_fatal
        return own is True or (own is None and self._progress.settings.any_errors_fatal)

    def _metas(self) -> None:
        words = {message.meta for message in self._said}
        if "flush_handlers" in words:
            self._tape.insert(self._progress.handlers.tasks)
        if "clear_host_errors" in words:
            self._progress.forgive()
            self._everybody_moved()
        if words & ENDING:
            self._progress.end("end_play" in words)

    def _fail_others(self, task: str) -> None:
        progress = self._progress
        for host in progress.crew.active():
            if host.name not in self._failed:
                host.parked = None
                progress.fail(host, task, self._twice)
        self._everybody_moved()
        progress.fatal = f"{self._fatal}: it failed, so that all hosts do"

    def _everybody_moved(self) -> None:
        self._standing = {}
        self._moved = self._progress.crew.active()

    def _threshold(self) -> None:
        most = self._progress.settings.max_fail_percentage
        crew = self._progress.crew
        if most is None or not crew.size or 100 * len(crew.counted) / crew.size <= most:
            return
        self._progress.aborted = (
            f"{len(crew.counted)} of {crew.size} hosts failed, more than max_fail_percentage: "
            f"{most:g} allows"
        )
        for host in crew.active():
            crew.leave(host, Status.FAILED)


def _rank(host: HostState) -> int:
    return host.rank


def _once(task: Task) -> bool | None:
    """Whether one host does ``task`` for all; None if the first one has to say so."""
    word = meta_word(task)
    if word:
        return word not in EACH
    once = truth(task.keywords.run_once)
    return True if once is not True and task.action.name in BYPASSING else once


def bypasses(task: Task) -> bool:
    """Whether one host does ``task`` for all without a word of ``run_once``."""
    return task.action.name in BYPASSING and truth(task.keywords.run_once) is not True


def truth(value: object) -> bool | None:
    """A keyword's truth value; None for a template, which only a host can tell."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return value != 0
    word = str(value).strip().lower()
    if word in ("yes", "true", "on", "1", "y", "t"):
        return True
    return False if word in ("no", "false", "off", "0", "n", "f", "") else None
