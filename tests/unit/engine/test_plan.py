"""Shares and plans: numbers, percentages, batches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsrun.engine.dispatch import Plan, Share
from opsrun.errors import UsageError


@pytest.mark.parametrize(
    ("text", "total", "expected"),
    [
        ("0", 10, 0),
        ("3", 10, 3),
        ("12", 10, 12),
        ("0%", 10, 0),
        ("10%", 50, 5),
        ("100%", 7, 7),
        ("12.5%", 8, 1),
        ("30%", 5, 1.5),
    ],
)
def test_share(text: str, total: int, expected: float) -> None:
    assert Share.parse(text, "--max-fail").of(total) == expected


@pytest.mark.parametrize(
    "text", ["", "%", "x", "x%", "3.5", "10 %%", "nan", "nan%", "inf%", "1e400%", "5%5", "0x10"]
)
def test_share_that_is_no_number_names_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--serial"):
        Share.parse(text, "--serial")


@pytest.mark.parametrize("text", ["-1", "-1%", "101%", "100.5%"])
def test_share_out_of_range(text: str) -> None:
    with pytest.raises(UsageError, match=rf"--max-fail can't be {text}"):
        Share.parse(text, "--max-fail")


@pytest.mark.parametrize("forks", [0, -1])
def test_a_plan_needs_a_place(forks: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        Plan(forks=forks)


@pytest.mark.parametrize("serial", [Share(0), Share(0, percent=True)])
def test_a_plan_needs_hosts_in_a_batch(serial: Share) -> None:
    with pytest.raises(UsageError, match="batch"):
        Plan(serial=serial)


shares = st.builds(Share, st.integers(1, 12)) | st.builds(
    Share, st.floats(0.01, 100), st.just(True)
)


@given(shares | st.none(), st.integers(0, 60))
def test_batches_cover_every_host_once_in_order(serial: Share | None, total: int) -> None:
    batches = list(Plan(serial=serial).batches(total))
    assert [position for batch in batches for position in batch] == list(range(total))
    assert all(len(batch) > 0 for batch in batches)
    sizes = {len(batch) for batch in batches[:-1]}
    assert len(sizes) <= 1, "all but the last are of one size"
    if serial is None:
        assert len(batches) <= 1
    elif not serial.percent and total:
        assert len(batches[0]) == min(total, serial.number)


def test_a_small_percentage_is_at_least_one_host() -> None:
    assert [len(batch) for batch in Plan(serial=Share(1, percent=True)).batches(3)] == [1, 1, 1]
