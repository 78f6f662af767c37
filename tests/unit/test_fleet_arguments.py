"""Mistakes in a script's arguments are raised where they are made, before any host is reached."""

from __future__ import annotations

from typing import Any

import pytest

from opsrun import Fleet, UsageError


@pytest.mark.parametrize(
    "options",
    [
        {"max_fial": 1},
        {"timeout": -1},
        {"stdin": "text"},
        {"serial": ""},
        {"serial": 0},
        {"max_fail": "101%"},
        {"env": {"A B": "x"}},
    ],
)
@pytest.mark.parametrize("method", ["exec", "stream"])
def test_an_option_that_makes_no_sense_is_refused(method: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        getattr(Fleet("web1,web2,"), method)("true", "all", **options)


def test_a_misspelt_option_is_answered_with_the_right_one() -> None:
    misspelt: dict[str, Any] = {"max_fial": 1}
    with pytest.raises(UsageError, match="did you mean 'max_fail'"):
        Fleet("web1,").exec("true", "all", **misspelt)
