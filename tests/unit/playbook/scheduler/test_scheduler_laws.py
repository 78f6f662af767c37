"""Laws that hold for all plays, whatever hosts answer, and in whatever order they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plays import World
from support.random_plays import HANDLERS, RandomPlay

from opsrun.playbook.messages import PlayEnded, RunTask
from opsrun.playbook.model.nodes import Block, Node, Task
from opsrun.playbook.scheduler.road import is_flush
from opsrun.playbook.scheduler.tape import tasks_of
from opsrun.results import Outcome

SEEDS = st.integers(0, 2**32)
STRATEGIES = st.sampled_from(["linear", "free", "host_pinned"])


UNDONE = (Outcome.UNREACHABLE, Outcome.LOST, Outcome.CANCELLED)
"""Outcomes of handlers that leave them pending."""


def notified(names: Sequence[str]) -> set[str]:
    """The handlers that names and topics mean."""
    return {name for name, topics in HANDLERS.items() if {name, *topics} & set(names)}


def handling(made: World) -> set[str]:
    """What a handler does may be done at every flush."""
    return {*HANDLERS, *(each.id for each in tasks_of(made.files["of-C"]))}


def any_world(seed: int, strategy: str) -> World:
    rng = Random(seed)
    made = RandomPlay(rng, hosts="abcd"[: rng.randint(1, 4)])
    return made.world(
        strategy=strategy,
        force_handlers=rng.random() < 0.4,
        max_fail_percentage=rng.choice([None, None, 0, 30, 60]),
        any_errors_fatal=rng.random() < 0.2,
        at_once=rng.choice([None, 1, 2]),
    )


@given(SEEDS, STRATEGIES)
@settings(max_examples=120, deadline=None)
def test_every_play_ends_and_nobody_does_a_task_twice(seed: int, strategy: str) -> None:
    made = any_world(seed, strategy).run()
    times = Counter(each for each in made.did if each[0] not in handling(made))
    assert [each for each, count in times.items() if count > 1] == []
    assert len({order.turn for order in made.orders}) == len(made.orders)
    assert made.scheduler.ready() == []


@given(SEEDS, STRATEGIES)
@settings(max_examples=120, deadline=None)
def test_who_is_notified_runs_the_handler_or_has_it_pending(seed: int, strategy: str) -> None:
    made = any_world(seed, strategy).run()
    waiting: dict[str, set[str]] = {}
    for message in made.heard:
        due = waiting.setdefault(message.host, set())
        if message.task in HANDLERS:
            assert message.task in due, "a handler that nobody notified"
            if message.ignored or message.outcome not in UNDONE:
                due.discard(message.task)
        due |= notified(message.notified)
    assert made.end is not None
    assert {host: due for host, due in waiting.items() if due} == {
        host: set(names) for host, names in made.end.pending.items()
    }


@given(SEEDS)
@settings(max_examples=80, deadline=None)
def test_linear_has_one_task_under_way(seed: int) -> None:
    made = any_world(seed, "linear")
    open_: Counter[str] = Counter()
    plain, answer = made._note, made.answer

    def note(order: object) -> None:
        plain(order)  # type: ignore[arg-type]
        if isinstance(order, RunTask):
            open_[order.task] += 1
            assert len(+open_) == 1

    def ended(order: RunTask) -> object:
        open_[order.task] -= 1
        return answer(order)

    made._note = note  # type: ignore[method-assign]
    made.answer_by = ended  # type: ignore[assignment]
    made.run()


@given(SEEDS)
@settings(max_examples=80, deadline=None)
def test_the_order_of_answers_changes_nothing_in_linear(seed: int) -> None:
    made, again = any_world(seed, "linear"), any_world(seed, "linear")
    again.pick = lambda waiting: waiting - 1
    assert made.run().did == again.run().did
    assert made.end == again.end


@given(SEEDS)
@settings(max_examples=80, deadline=None)
def test_a_pinned_host_is_done_before_the_next_begins(seed: int) -> None:
    made = RandomPlay(Random(seed), hosts="abcd", crowd=False)
    ran = made.world(strategy="host_pinned", at_once=1).run()
    hosts = [host for _task, host in ran.did]
    assert sum(a != b for a, b in pairwise(hosts)) <= len(set(hosts)) - 1


@given(SEEDS, STRATEGIES, st.integers(0, 30))
@settings(max_examples=80, deadline=None)
def test_what_is_cancelled_begins_nothing_more(seed: int, strategy: str, after: int) -> None:
    made = any_world(seed, strategy)
    answer = made.answer
    seen: list[int] = []

    def count(order: RunTask) -> object:
        seen.append(order.turn)
        if len(seen) == after + 1:
            made.scheduler.cancel("interrupted")
            made.limit = len(made.orders)
        return answer(order)

    made.answer_by = count  # type: ignore[assignment]
    made.run()
    assert made.end is not None
    if len(seen) > after:
        assert made.end.aborted
        assert len(made.orders) == made.limit or not made.limit


class Failed(Exception):
    """Of the reference: a task failed."""


class Gone(Exception):
    """Of the reference: the host takes no further part."""


class Away(Exception):
    """Of the reference: the host can't be reached, and some block further out rescues that."""


class Reference:
    """One host's play, as a recursive program: what its road must come to."""

    def __init__(self, made: RandomPlay, host: str) -> None:
        self.made, self.host = made, host
        self.did: list[str] = []
        self.asked: set[str] = set()
        self.handling = False
        self.takers = 0
        """Blocks around that rescue hosts that can't be reached."""

    def play(self) -> list[str]:
        try:
            self.run(self.made.tree)
        except (Failed, Gone):
            pass
        return self.did

    def run(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if isinstance(node, Block) and node.loop is None:
                self.block(node)
            else:
                self.task(node.loop if isinstance(node, Block) else node)

    def block(self, block: Block) -> None:
        self.takers += block.rescue_unreachable
        failed = self.what_became_of(block.tasks)
        self.takers -= block.rescue_unreachable
        if block.rescue and (isinstance(failed, Failed) or (failed and block.rescue_unreachable)):
            failed = self.what_became_of(block.rescue)
        self.run(block.always)
        if failed is not None:
            raise failed

    def what_became_of(self, nodes: Sequence[Node]) -> Failed | Away | None:
        try:
            self.run(nodes)
        except (Failed, Away) as error:
            return error
        return None

    def task(self, task: Task | None) -> None:
        assert task is not None
        if is_flush(task):
            self.flush()
            return
        self.did.append(task.id)
        said = {"outcome": Outcome.OK, **self.made.says.get((task.id, self.host), {})}
        if task.id in HANDLERS:
            self.asked.discard(task.id)
        if said["outcome"] is Outcome.FAILED and not said.get("ignored"):
            raise Failed
        if said["outcome"] is Outcome.UNREACHABLE and self.takers:
            raise Away
        if said["outcome"] in (Outcome.UNREACHABLE, Outcome.LOST, Outcome.CANCELLED):
            raise Gone
        word = said.get("meta", str(task.action.free_form) if task.action.name == "meta" else "")
        if word == "flush_handlers" and self.handling:
            raise Failed
        self.asked |= notified(said.get("notified", ()))
        if word == "end_host":
            raise Gone
        if word == "flush_handlers":
            self.flush()
        for include in said.get("includes", ()):
            if include.name not in self.made.files:
                raise Failed
        for include in said.get("includes", ()):
            self.run(self.made.files[include.name])

    def flush(self) -> None:
        if self.handling:
            raise Failed
        self.handling = True
        try:
            for each in self.made.handlers:
                if isinstance(each, Task) and each.id in self.asked:
                    self.task(each)
        finally:
            self.handling = False


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
@given(seed=SEEDS)
@settings(max_examples=120, deadline=None)
def test_each_host_goes_as_if_it_were_alone(strategy: str, seed: int) -> None:
    made = RandomPlay(Random(seed), crowd=False)
    ran = made.world(strategy=strategy).run()
    for host in made.hosts:
        assert ran.by(host) == Reference(made, host).play()
    assert isinstance(ran.end, PlayEnded)
