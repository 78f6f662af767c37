"""Examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name",
    [
        "opsrun.adhoc.checks.base",
        "opsrun.adhoc.checks.grammar",
        "opsrun.adhoc.tally",
        "opsrun.engine.dispatch",
        "opsrun.errors",
        "opsrun.results",
        "opsrun.remote.boot",
        "opsrun.report",
        "opsrun.events",
        "opsrun.secret",
        "opsrun.testing.fakes",
    ],
)
def test_examples(name: str) -> None:
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0
