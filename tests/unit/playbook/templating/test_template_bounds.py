"""Slips of the pen that would take all of the machine's memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsrun.errors import TemplateError
from opsrun.playbook.templating import bounds


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{{ range(10**9) }}", "a list of 1000000000 numbers is too long"),
        ("{{ range(10**9) | list }}", "a list of 1000000000 numbers is too long"),
        ("{{ range(10**9) | to_json }}", "a list of 1000000000 numbers is too long"),
        ("{{ range(10**9) | max }}", "a list of 1000000000 numbers is too long"),
        ("x {{ range(10**9) | map('string') }}", "a list of 1000000000 numbers is too long"),
        ("{{ 'x' * 10**10 }}", "1 * 10000000000 is too long to be made"),
        ("{{ 10**8 * [1] }}", "1 * 100000000 is too long to be made"),
        ("{{ 10 ** (10 ** 8) }}", "10 ** 100000000 has too many digits to be worked out"),
    ],
)
def test_what_is_too_long_is_refused(
    render: Callable[..., Any], written: str, message: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        render(written)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("{{ range(10**9) | length }}", 10**9),
        ("{{ range(10**9) | first }}", 0),
        ("{{ range(10**9) | last }}", 10**9 - 1),
        ("{{ 5 in range(10**9) }}", True),
        ("{{ (range(10**9) | random(seed='x')) < 10**9 }}", True),
        ("{{ range(3) | random in [0, 1, 2] }}", True),
        ("{{ '-' * 3 }}{{ 3 * '=' }}", "---==="),
        ("{{ [1] * 2 }}", [1, 1]),
        ("{{ 2 * 3 * 4 }}", 24),
        ("{{ 2 ** 3 ** 2 }}", 64),
        ("{{ 2 ** -1 }}", 0.5),
        ("{{ 1.5 * 2 }}", 3.0),
        ("{{ 1 ** (10 ** 9) }}", 1),
    ],
)
def test_what_has_an_end_is_made(render: Callable[..., Any], written: str, value: Any) -> None:
    assert render(written) == value


def test_generators_end(render: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_ENTRIES", 10)
    assert len(render("{{ range(10) | map('string') | list }}")) == 10
    with pytest.raises(TemplateError, match="a list of more than 10 entries"):
        render("{{ list | map('string') }}", list=["x"] * 11)


class _Greedy(str):
    def ljust(self, *args: Any) -> str:
        raise MemoryError


def test_too_little_memory_is_told_as_such(render: Callable[..., Any]) -> None:
    with pytest.raises(TemplateError, match="this needs more memory than there is"):
        render("{{ greedy.ljust(2) }}", greedy=_Greedy("x"))
