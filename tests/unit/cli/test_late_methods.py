"""Dataclasses whose methods are compiled late are dataclasses like any other."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from opsrun.cli import late_methods


@pytest.fixture
def late() -> Iterator[None]:
    late_methods.install()
    yield
    late_methods.uninstall()


def _make() -> Any:
    @dataclass(frozen=True, slots=True, order=True)
    class Pair:
        """Two."""

        left: int
        right: list[int] = field(default_factory=list, compare=False)

        def __post_init__(self) -> None:
            if self.left < 0:
                raise ValueError("negative")

    return Pair


def _behaviour(pair: Any) -> list[Any]:
    one = pair(1)
    found: list[Any] = [repr(one), one == pair(1), one == 1, hash(one), one < pair(2), one.right]
    found += [dataclasses.asdict(one), dataclasses.replace(one, left=5)]
    wrong = (
        pair,
        lambda: pair(1, 2, 3),
        lambda: pair(-1),
        lambda: setattr(one, "left", 2),
        lambda: delattr(one, "left"),
    )
    for call in wrong:
        with pytest.raises(Exception) as told:
            call()
        found.append((type(told.value), str(told.value)))
    return [repr(each) for each in found]


@pytest.mark.usefixtures("late")
def test_they_behave_alike() -> None:
    late = _behaviour(_make())
    late_methods.uninstall()
    assert late == _behaviour(_make())


@pytest.mark.usefixtures("late")
def test_a_method_gives_place_at_its_first_call() -> None:
    pair = _make()
    before = pair.__dict__["__init__"]
    assert pair(1) == pair(1)
    after = pair.__dict__["__init__"]
    # Where dataclasses compiles all of a class together, nothing is late.
    assert (before is not after) is late_methods.fits()
    assert after.__code__.co_varnames[:3] == ("self", "left", "right")
    assert after.__qualname__ == before.__qualname__


@pytest.mark.usefixtures("late")
def test_a_subclass_compiles_for_its_base() -> None:
    base = _make()

    @dataclass(frozen=True)
    class Three(base):  # type: ignore[misc]
        more: int = 3

    @dataclass(frozen=True)
    class Silent(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(7)

    assert Three(1, [2]).more == 3
    assert Silent().left == 7
    assert base(1).left == 1


@pytest.mark.usefixtures("late")
def test_a_method_that_was_kept_goes_on_working() -> None:
    pair = _make()
    kept = pair.__hash__
    assert kept(pair(1)) == kept(pair(1)) == hash(pair(1))


def test_twice_is_once() -> None:
    before = getattr(dataclasses, "_create_fn", None)
    late_methods.install()
    late_methods.install()
    late_methods.uninstall()
    assert getattr(dataclasses, "_create_fn", None) is before


def test_the_library_leaves_dataclasses_alone() -> None:
    words = "import dataclasses as d; had = dict(vars(d)); import opsrun, opsrun.cli.main"
    said = f"{words}; print(had == vars(d))"
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ran.stdout == "True\n"
