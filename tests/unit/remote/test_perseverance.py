"""Who tries again, how often, and after how long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import AuthenticationFailed, ConnectionFailed, Drop
from opsrun.remote.perseverance import FIRST, LONGEST, UNASKED, Perseverance


def failed(drop: Drop | None = None) -> ConnectionFailed:
    error = ConnectionFailed("no", phase="banner")
    error.drop = drop
    return error


def test_what_is_no_drop_is_tried_again_only_if_asked_for() -> None:
    assert Perseverance(0).pause(failed()) is None
    patience = Perseverance(2)
    assert [patience.pause(failed()) is not None for _ in range(4)] == [True, True, False, False]


def test_where_nobody_gets_in_a_drop_is_tried_again_a_few_times() -> None:
    patience = Perseverance(0, lambda: 0.5)
    pauses = [patience.pause(failed(Drop(progress=7))) for _ in range(UNASKED + 2)]
    assert pauses == [FIRST, 2 * FIRST, 4 * FIRST, None, None]


def test_as_long_as_others_get_in_it_goes_on() -> None:
    patience = Perseverance(0, lambda: 0.5)
    pauses = [patience.pause(failed(Drop(progress=number // 3))) for number in range(300)]
    assert None not in pauses
    assert max(pause for pause in pauses if pause) == 4 * FIRST
    ends = [patience.pause(failed(Drop(progress=99))) for _ in range(3)]
    assert ends[-1] is None


def test_retries_that_were_asked_for_come_on_top() -> None:
    patience = Perseverance(2)
    pauses = [patience.pause(failed(Drop())) for _ in range(UNASKED + 4)]
    assert [pause is not None for pause in pauses] == [True] * (UNASKED + 2) + [False] * 2


def test_a_drop_that_is_final_needs_somebody_to_ask() -> None:
    assert Perseverance(0).pause(failed(Drop(final=True))) is None
    pause = Perseverance(1).pause(failed(Drop(final=True, wait=20.0)))
    assert pause is not None
    assert pause >= 20.0


def test_an_answer_that_stays_the_same_is_not_asked_for_again() -> None:
    error = AuthenticationFailed("no", phase="auth")
    error.drop = Drop()
    assert Perseverance(9).pause(error) is None


@given(wait=st.floats(0, 100), luck=st.floats(0, 1, exclude_max=True), before=st.integers(0, 60))
def test_no_pause_is_short_of_what_the_server_wants(wait: float, luck: float, before: int) -> None:
    patience = Perseverance(100, lambda: luck)
    for _ in range(before):
        patience.pause(failed())
    pause = patience.pause(failed(Drop(wait=wait)))
    assert pause is not None
    assert wait <= pause <= max(1.5 * LONGEST, wait + FIRST)


@pytest.mark.parametrize("luck", [0.0, 0.999])
def test_pauses_of_equals_differ(luck: float) -> None:
    pause = Perseverance(0, lambda: luck).pause(failed(Drop()))
    assert pause == FIRST * (0.5 + luck)
