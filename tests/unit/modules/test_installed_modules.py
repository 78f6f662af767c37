"""Modules of packages that are installed beside opsrun."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import Any

import pytest

from opsrun.errors import UsageError
from opsrun.modules import registry
from opsrun.modules.stat import Stat


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    points = {
        "looks": "opsrun.modules.stat:Stat",
        "stat": "opsrun.modules.slurp:Slurp",
        "gone": "opsrun.modules.nosuch:Nobody",
        "number": "opsrun.modules.outcome:_BY_SIGNAL",
    }
    made = [metadata.EntryPoint(name, value, "opsrun.modules") for name, value in points.items()]

    def entry_points(**asked: Any) -> list[metadata.EntryPoint]:
        assert asked == {"group": "opsrun.modules"}
        return made

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    registry._installed.cache_clear()
    yield
    registry._installed.cache_clear()


@pytest.mark.usefixtures("installed")
def test_they_are_found_behind_ours() -> None:
    assert registry.find("looks") is Stat
    assert registry.find("stat") is Stat
    assert registry.find("other") is None


@pytest.mark.usefixtures("installed")
def test_what_can_not_be_imported_is_said() -> None:
    with pytest.raises(UsageError, match=r"'gone' of an installed package \(.*ModuleNotFoundError"):
        registry.find("gone")
    with pytest.raises(UsageError, match="no subclass of"):
        registry.find("number")
