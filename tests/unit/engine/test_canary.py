"""Which batches may follow: the rule, and what is said when none may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.engine.canary import Canary
from opsrun.engine.dispatch import Plan, Share
from opsrun.errors import UsageError
from opsrun.events import ErrorInfo, Outcome, Result, WorkId

GOOD = (Outcome.OK, Outcome.CHANGED, Outcome.SKIPPED)


def work(number: int) -> WorkId:
    return WorkId(f"h{number}", ("exec",), "0123456789ab")


def result(number: int, outcome: Outcome = Outcome.OK, rc: int | None = 0) -> Result:
    return Result(f"h{number}", work(number), outcome, rc=rc)


shares = st.builds(Share, st.integers(1, 12)) | st.builds(
    Share, st.floats(0.01, 100), st.just(True)
)
sizes = st.lists(shares, min_size=1, max_size=5).map(tuple)
outcomes = st.sampled_from(list(Outcome))


@given(sizes, st.integers(0, 80))
def test_batches_cover_every_host_once_in_order(canary: tuple[Share, ...], total: int) -> None:
    batches = list(Plan(canary=canary).batches(total))
    assert [position for batch in batches for position in batch] == list(range(total))
    assert all(len(batch) > 0 for batch in batches)
    assert len(batches) <= len(canary) + 1
    for share, batch in zip(canary, batches[:-1], strict=False):
        assert len(batch) == max(1, int(share.of(total)))


def test_a_host_then_a_tenth_then_the_rest() -> None:
    plan = Plan(canary=(Share(1), Share(10, percent=True)))
    assert [len(batch) for batch in plan.batches(50)] == [1, 5, 44]
    assert [len(batch) for batch in plan.batches(3)] == [1, 1, 1]
    assert [len(batch) for batch in plan.batches(1)] == [1]


def test_two_sizes_of_batches_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="give one"):
        Plan(serial=Share(1), canary=(Share(1),))


@pytest.mark.parametrize("share", [Share(0), Share(0, percent=True)])
def test_a_canary_has_hosts(share: Share) -> None:
    with pytest.raises(UsageError, match="no hosts"):
        Plan(canary=(Share(1), share))


@given(st.lists(st.lists(outcomes, min_size=1, max_size=6), min_size=1, max_size=6))
def test_on_while_all_end_well_and_as_those_before(batches: list[list[Outcome]]) -> None:
    canary = Canary(len(batches), sum(map(len, batches)))
    number, last = 0, None
    for batch in batches:
        works = [work(number + place) for place in range(len(batch))]
        for place, outcome in enumerate(batch):
            canary.note(result(number + place, outcome, 0 if outcome in GOOD else 1))
        number += len(batch)
        verdict = canary.judge(works)
        expected = all(outcome in GOOD for outcome in batch) and last in (None, set(batch))
        assert verdict.goes_on is expected
        assert verdict.words
        if not verdict.goes_on:
            return
        last = set(batch)


@given(st.integers(1, 9), st.integers(0, 9))
def test_a_host_without_a_result_is_a_reason(hosts: int, missing: int) -> None:
    canary = Canary(2, 99)
    for number in range(hosts):
        if number != missing:
            canary.note(result(number))
    verdict = canary.judge([work(number) for number in range(hosts)])
    assert verdict.goes_on is (missing >= hosts)
    assert (f"h{missing} ended without a result" in verdict.words) is (missing < hosts)


def judged(*results: Result, batches: int = 3, hosts: int = 20) -> str:
    canary = Canary(batches, hosts)
    for each in results:
        canary.note(each)
    return canary.judge([each.work for each in results]).words


def test_it_says_what_was_done_and_why_no_more_is() -> None:
    assert judged(result(1, Outcome.FAILED, 3)) == (
        "the canary stopped behind batch 1 of 3 (1 of 20 hosts were worked on): "
        "h1 failed: exit status 3"
    )


def test_further_hosts_are_counted() -> None:
    bad = [result(number, Outcome.FAILED, 1) for number in range(3)]
    assert judged(*bad, result(9)).endswith("h0 failed: exit status 1, and 2 more did not end well")


def test_signals_and_errors_are_told_as_well() -> None:
    killed = Result("h1", work(1), Outcome.FAILED, signal="KILL")
    assert judged(killed).endswith("h1 failed: killed by SIGKILL")
    lost = Result("h1", work(1), Outcome.LOST, error=ErrorInfo("run", "reset by peer"))
    assert judged(lost).endswith("h1 lost: reset by peer")


def test_another_end_than_before_is_told_beside_it() -> None:
    canary = Canary(3, 20)
    canary.note(result(1))
    assert canary.judge([work(1)]).goes_on
    canary.note(result(2, Outcome.CHANGED))
    canary.note(result(3, Outcome.OK))
    verdict = canary.judge([work(2), work(3)])
    assert not verdict.goes_on
    assert verdict.words.endswith("changed 1, ok 1, where the batch before had ok")


def test_a_status_that_is_not_known_is_no_other_end() -> None:
    """A command that its host's going down ended has none."""
    canary = Canary(2, 2)
    canary.note(result(1))
    assert canary.judge([work(1)]).goes_on
    canary.note(result(2, rc=None))
    assert canary.judge([work(2)]).goes_on
