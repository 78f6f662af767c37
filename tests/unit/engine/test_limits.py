"""Open files, counted against what hosts need."""

from __future__ import annotations

import os
import resource

import pytest

from opsrun.engine import limits


@pytest.mark.parametrize(
    ("free", "wanted", "per_host", "expected"),
    [
        (limits.RESERVE + 100, 10, 2, 10),
        (limits.RESERVE + 100, 1000, 2, 50),
        (limits.RESERVE + 100, 1000, 8, 12),
        (limits.RESERVE, 5, 2, 1),
        (3, 5, 2, 1),
    ],
)
def test_affordable_forks(
    monkeypatch: pytest.MonkeyPatch, free: int, wanted: int, per_host: int, expected: int
) -> None:
    monkeypatch.setattr(limits, "open_files", lambda: free)
    assert limits.affordable_forks(wanted, per_host) == expected


def test_open_files_counts_what_is_open_already() -> None:
    before = limits.open_files()
    descriptors = [os.open("/dev/null", os.O_RDONLY) for _ in range(5)]
    try:
        assert limits.open_files() == before - 5
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def test_no_limit_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: unlimited)
    assert limits.affordable_forks(20_000, 2) == 20_000


@pytest.mark.parametrize("refusal", [None, ValueError("not allowed"), OSError(1, "EPERM")])
def test_the_soft_limit_is_raised_to_the_hard_one(
    monkeypatch: pytest.MonkeyPatch, refusal: Exception | None
) -> None:
    asked: list[tuple[int, int]] = []

    def set_limit(kind: int, pair: tuple[int, int]) -> None:
        asked.append(pair)
        if refusal:
            raise refusal

    monkeypatch.setattr(resource, "getrlimit", lambda kind: (256, 4096))
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    limits.raise_open_files()
    assert asked == [(4096, 4096)]
