"""Who is to open which gate, and how far that has got."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from opsrun.dialect.tags import Template
from opsrun.errors import did_you_mean
from opsrun.playbook.actions.registry import INCLUDES
from opsrun.playbook.model.nodes import LOOPED, Block, Node, Task

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

    def learn(self, play: int, nodes: Iterable[Node]) -> None:
        """Take in what tasks of a play open."""
        for task in _tasks(nodes):
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
        share.tasks.add(task)

    def _await(self, share: _Share, play: _PlayShare) -> None:
        """Every host of ``play`` is to open it, those that have left it aside."""
        for host, ended in play.hosts.items():
            if ended is None:
                share.pending[host] = set()
            elif ended:
                share.failed[host] = ended

    # -- what happens

    def begin(self, play: int, hosts: Sequence[str]) -> None:
        """A play begins; ``hosts`` are all of it, later batches as well."""
        known = self._plays[play]
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
        for share in known.gates.values():
            if host in share.opened:
                continue
            share.pending.pop(host, None)
            share.failed.pop(host, None)
            if why is None:
                share.pending[host] = set()
            elif why:
                share.failed[host] = why

    def end(self, play: int, why: str = "") -> None:
        """A play has ended; who has not left it yet never came to its end."""
        known = self._plays[play]
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
            share.pending[host].add(task.id)
            if share.pending[host] >= share.tasks:
                del share.pending[host]

    def opened(self, play: int, hosts: Iterable[str], names: Iterable[str]) -> None:
        """Hosts have opened gates."""
        hosts = tuple(hosts)
        for name in names:
            self._opened.setdefault(name, {}).update(dict.fromkeys(hosts))
            share = self._plays[play].gates.get(name)
            if share is None:
                continue
            for host in hosts:
                share.pending.pop(host, None)
                share.failed.pop(host, None)
                share.opened[host] = None

    # -- how gates stand

    def standing(self, name: str, any_of: int | None = None) -> Standing:
        """How gate ``name`` stands for those who need ``any_of`` hosts to have opened it.

        Without a number it is open once every host has opened it that is to do a task which names
        it in ``opens``, hosts aside where that was skipped or not come to; at least one has to. A
        gate that tasks name by templates alone is open once any host has opened it.
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
        failed = [
            f"{host} {why}" for known in plays for host, why in known.gates[name].failed.items()
        ]
        if failed:
            more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
            return Standing(False, f"{failed[0]}{more}, before it was open there", waits)
        if waits:
            return Standing(False, last=waits)
        return Standing(bool(opened), "" if opened else self._unopened(name))

    def _whom(self, name: str) -> str:
        """Whom a gate still waits for."""
        found: list[str] = []
        for known in self._plays.values():
            share = known.gates.get(name)
            if share is None or known.ended is not None:
                continue
            if not known.begun:
                found.append(f"play {known.name!r}, which has not begun")
            elif share.pending:
                found += share.pending
        if not found:
            return ""
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        return ", ".join(found[:3]) + more

    def _may_come(self, name: str) -> int | None:
        """How many more hosts may open it; None for nobody knows how many."""
        count = 0
        for known in self._plays.values():
            if known.ended is not None:
                continue
            if known.open_ended or (name in known.gates and not known.begun):
                return None
            share = known.gates.get(name)
            count += len(share.pending) if share else 0
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
            return "no host opened it: the task that does was skipped, or not come to"
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
                found += [(index, host) for host in share.pending]
            elif known.open_ended:
                found += [(index, host) for host, ended in known.hosts.items() if ended is None]
        return found


def _tasks(nodes: Iterable[Node]) -> Iterable[Task]:
    for node in nodes:
        if not isinstance(node, Block):
            yield node
        elif node.loop is not None:
            # What is in it is known for each item, once that has been begun.
            yield node.loop
        else:
            yield from _tasks((*node.tasks, *node.rescue, *node.always))
