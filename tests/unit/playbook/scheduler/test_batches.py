"""``serial`` and ``order``."""

from __future__ import annotations

from itertools import chain
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.errors import UsageError
from opsrun.playbook.scheduler import batches, ordered

HOSTS = [f"h{number}" for number in range(1, 8)]


@pytest.mark.parametrize(
    ("serial", "sizes"),
    [
        (None, [7]),
        (0, [7]),
        ([], [7]),
        (3, [3, 3, 1]),
        ("3", [3, 3, 1]),
        ("30%", [2, 2, 2, 1]),
        ("0%", [1] * 7),
        ("150%", [7]),
        ([1, "50%"], [1, 3, 3]),
        (["3", "50%", 1], [3, 3, 1]),
        ([3, 0], [3, 4]),
        ([1, 2], [1, 2, 2, 2]),
    ],
)
def test_sizes(serial: Any, sizes: list[int]) -> None:
    assert [len(batch) for batch in batches(HOSTS, serial)] == sizes


@given(st.integers(0, 60), st.lists(st.one_of(st.integers(0, 9), st.just("20%")), max_size=4))
def test_everybody_is_in_one_batch(count: int, serial: list[Any]) -> None:
    hosts = [f"h{number}" for number in range(count)]
    cut = batches(hosts, serial)
    assert list(chain.from_iterable(cut)) == hosts
    assert all(cut)


@pytest.mark.parametrize(
    "serial", [-1, "-50%", "abc", 1.5, True, [2, ""], {"a": 1}, "nan%", "inf%"]
)
def test_what_is_no_size(serial: Any) -> None:
    with pytest.raises(UsageError, match="serial: expected a whole number"):
        batches(HOSTS, serial)


def test_orders() -> None:
    given_, rng = ["b", "c", "a"], Random(1)
    assert ordered(given_, None, rng) == ["b", "c", "a"]
    assert ordered(given_, "inventory", rng) == ["b", "c", "a"]
    assert ordered(given_, "reverse_inventory", rng) == ["a", "c", "b"]
    assert ordered(given_, "sorted", rng) == ["a", "b", "c"]
    assert ordered(given_, "reverse_sorted", rng) == ["c", "b", "a"]
    assert ordered(HOSTS, "shuffle", Random(5)) == ordered(HOSTS, "shuffle", Random(5))
    assert sorted(ordered(HOSTS, "shuffle", Random(5))) == HOSTS
    with pytest.raises(UsageError, match="did you mean 'sorted'"):
        ordered(given_, "sortd", rng)
