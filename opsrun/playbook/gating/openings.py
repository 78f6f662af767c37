"""Who is to open which gate, and how far that has got."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from opsrun.dialect.tags import Template
from opsrun.errors import did_you_mean
from opsrun.playbook.actions.registry import INCLUDES
from opsrun.playbook.model.nodes import LOOPED, Block, Node, Task

_NAMED = 3
"""Hosts that a message names."""
DYNAMIC = (*INCLUDES, LOOPED)
"""Actions whose tasks are not known before they are done."""


@dataclass(slots=True)
class _Share:
    """What one play does for one gate."""

    tasks: set[str] = field(default_factory=set)
    """Ids of its tasks that open it."""
    pending: dict[str, set[str]] = field(default_factory=dict)
    """Hosts that have neither opened it nor left, each with the tasks that were skipped there."""
    opened: dict[str, None] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    """Hosts that can't open it any more, and why."""


@dataclass(slots=True)
class _PlayShare:
    """What is known of one play."""

    name: str
    gates: dict[str, _Share] = field(default_factory=dict)
    """Of the gates that its tasks name without a template."""
    open_ended: bool = False
    """It may open gates whose names nobody knows yet: by a template, or in an include."""
    hosts: dict[str, str | None] = field(default_factory=dict)
    """Those that it is for; why they failed, "" for those that are done, None for the others."""
    begun: bool = False
    ended: str | None = None
    """Why it ended, or "" if it came to its end; None before that."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a gate stands."""

    is_open: bool
    hopeless: str = ""
    """Why it can't open any more."""
    last: str = ""
    """Whom it waits for, in words."""


class Openings:
    """Counts, over all plays, who has opened what; a gate opens once and for good.

    Args:
        plays: index and name of every play that may come.
    """

    def __init__(self, plays: Mapping[int, str]) -> None:
        self._plays = {index: _PlayShare(name) for index, name in plays.items()}
        self._opened: dict[str, dict[str, None]] = {}
        """Hosts by gate, whatever play they opened it in."""
        self._changed: set[str] = set()
        self._all_changed = False
        self._waiting: dict[str, set[tuple[int, str]]] = {}
        """Plays and hosts that wait for a gate: none of them is who opens it."""

    def learn(self, play: int, nodes: Iterable[Node]) -> None:
        """Take in what tasks of a play open."""
        for task in every_task(nodes):
            known = self._plays[play]
            known.open_ended = known.open_ended or task.action.name in DYNAMIC
            for name in task.opens:
                if isinstance(name, Template):
                    known.open_ended = True
                else:
                    self._expect(known, name, task.id)

    def _expect(self, play: _PlayShare, name: str, task: str) -> None:
        share = play.gates.get(name)
        if share is None:
            share = play.gates[name] = _Share()
            self._await(share, play)
        self._changed.add(name)
        share.tasks.add(task)

    def _await(self, share: _Share, play: _PlayShare) -> None:
        """Every host of ``play`` is to open it, those that have left it aside."""
        for host, ended in play.hosts.items():
            if ended is None:
                share.pending[host] = set()
            elif ended:
                share.failed[host] = ended

    def changed(self) -> set[str] | None:
        """Gates that may stand otherwise than when this was last asked; None for all of them."""
        found = None if self._all_changed else self._changed
        self._changed, self._all_changed = set(), False
        return found

    # -- what happens

    def begin(self, play: int, hosts: Sequence[str]) -> None:
        """A play begins; ``hosts`` are all of it, later batches as well."""
        known = self._plays[play]
        self._all_changed = True
        known.begun = True
        known.hosts = dict.fromkeys(hosts)
        for share in known.gates.values():
            self._await(share, known)

    def left(self, play: int, host: str, why: str | None) -> None:
        """A host has left a play: it failed (``why``), or is done (empty); None: it is back."""
        known = self._plays[play]
        if host not in known.hosts:
            return
        known.hosts[host] = why
        for name, share in known.gates.items():
            if host in share.opened:
                continue
            self._changed.add(name)
            share.pending.pop(host, None)
            share.failed.pop(host, None)
            if why is None:
                share.pending[host] = set()
            elif why:
                share.failed[host] = why

    def end(self, play: int, why: str = "") -> None:
        """A play has ended; who has not left it yet never came to its end."""
        known = self._plays[play]
        self._all_changed = True
        known.ended = why
        known.begun = True
        for host, ended in list(known.hosts.items()):
            if ended is None:
                self.left(play, host, "was not done when its play ended")

    def skipped(self, play: int, host: str, task: Task) -> None:
        """A task that would have opened gates was skipped on a host."""
        for name in task.opens:
            share = self._plays[play].gates.get(str(name))
            if share is None or host not in share.pending:
                continue
            self._changed.add(str(name))
            share.pending[host].add(task.id)
            if share.pending[host] >= share.tasks:
                del share.pending[host]

    def opened(self, play: int, hosts: Iterable[str], names: Iterable[str]) -> None:
        """Hosts have opened gates."""
        hosts = tuple(hosts)
        for name in names:
            self._changed.add(name)
            self._opened.setdefault(name, {}).update(dict.fromkeys(hosts))
            share = self._plays[play].gates.get(name)
            if share is None:
                continue
            for host in hosts:
                share.pending.pop(host, None)
                share.failed.pop(host, None)
                share.opened[host] = None

    def waits(self, play: int, host: str, names: Iterable[str], *, yet: bool = True) -> None:
        """A host waits for gates, or does so no longer (``yet``)."""
        for name in names:
            self._changed.add(name)
            known = self._waiting.setdefault(name, set())
            (known.add if yet else known.discard)((play, host))

    # -- how gates stand

    def standing(self, name: str, any_of: int | None = None) -> Standing:
        """How gate ``name`` stands for those who need ``any_of`` hosts to have opened it.

        Without a number it is open once every host has opened it that is to do a task which names
        it in ``opens``; at least one has to. Hosts where that was skipped or not come to are left
        aside, and those that wait for it themselves. A gate that tasks name by templates alone is
        open once any host has opened it.
        """
        opened = self._opened.get(name, {})
        plays = [known for known in self._plays.values() if name in known.gates]
        waits = self._whom(name)
        if any_of is not None:
            if len(opened) >= any_of:
                return Standing(True)
            return Standing(False, self._too_few(name, any_of), waits)
        if not plays:
            return Standing(bool(opened), "" if opened else self._unopened(name), waits)
        if failed := sum(len(known.gates[name].failed) for known in plays):
            return Standing(False, self._failed(name, plays, failed), waits)
        if waits:
            return Standing(False, last=waits)
        return Standing(bool(opened), "" if opened else self._unopened(name))

    def _failed(self, name: str, plays: Sequence[_PlayShare], count: int) -> str:
        every = (each for known in plays for each in known.gates[name].failed.items())
        host, why = next(every)
        more = f", and {count - 1} more" if count > 1 else ""
        return f"{host} {why}{more}, before it was open there"

    def _whom(self, name: str) -> str:
        """Whom a gate still waits for: the first few."""
        found: list[str] = []
        more = 0
        for play, known in self._plays.items():
            share = known.gates.get(name)
            if share is None or known.ended is not None:
                continue
            if known.begun:
                first = list(islice(self._pending(name, play, share), _NAMED))
                found += first
                more += len(share.pending) - len(first) if first else 0
            else:
                found.append(f"play {known.name!r}, which has not begun")
        if not found:
            return ""
        more += len(found[_NAMED:])
        return ", ".join(found[:_NAMED]) + (f" and {more} more" if more else "")

    def _pending(self, name: str, play: int, share: _Share) -> Iterator[str]:
        """Hosts of a play that are to open a gate, and don't wait for it themselves."""
        waiting = self._waiting.get(name, ())
        return (host for host in share.pending if (play, host) not in waiting)

    def _may_come(self, name: str) -> int | None:
        """How many more hosts may open it; None for nobody knows how many."""
        count = 0
        for play, known in self._plays.items():
            if known.ended is not None:
                continue
            if known.open_ended or (name in known.gates and not known.begun):
                return None
            share = known.gates.get(name)
            count += sum(1 for _host in self._pending(name, play, share)) if share else 0
        return count

    def _too_few(self, name: str, any_of: int) -> str:
        opened, more = len(self._opened.get(name, {})), self._may_come(name)
        if more is None or opened + more >= any_of:
            return ""
        return f"{opened} hosts opened it, {more} more may, and {any_of} are needed"

    def _unopened(self, name: str) -> str:
        """Why nobody will open it; empty if somebody may."""
        if self._may_come(name) != 0:
            return ""
        if any(name in known.gates for known in self._plays.values()):
            words = "the task that does was skipped, not come to, or itself behind the gate"
            return f"no host opened it: {words}"
        names = {*self._opened, *(each for known in self._plays.values() for each in known.gates)}
        return f"no task opens it{did_you_mean(name, names)}"

    def openers(self, name: str) -> list[tuple[int, str]]:
        """Play and host of those who are to open it and have not; host "" for a whole play."""
        found: list[tuple[int, str]] = []
        for index, known in self._plays.items():
            share = known.gates.get(name)
            if known.ended is not None:
                continue
            if not known.begun and (share or known.open_ended):
                found.append((index, ""))
            elif share:
                found += [(index, host) for host in self._pending(name, index, share)]
            elif known.open_ended:
                found += [(index, host) for host, ended in known.hosts.items() if ended is None]
        return found


def every_task(nodes: Iterable[Node]) -> Iterable[Task]:
    """All tasks; of a block with a loop, what stands for it."""
    for node in nodes:
        if not isinstance(node, Block):
            yield node
        elif node.loop is not None:
            # What is in it is known for each item, once that has been begun.
            yield node.loop
        else:
            yield from every_task((*node.tasks, *node.rescue, *node.always))
