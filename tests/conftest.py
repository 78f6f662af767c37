"""No test sees the operator's world, reaches beyond this machine, or leaves a thread behind."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.isolation import (
    Network,
    empty,
    left_behind,
    private_environment,
    replace_environment,
    usual_signals,
)

pytest_plugins = ["support.lab_fixtures", "support.required"]

settings.register_profile(
    "ci", max_examples=25, deadline=None, derandomize=True, database=None, print_blob=True
)
settings.register_profile(
    "soak",
    max_examples=2_000,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("ci")

_network = Network()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long runs out, unless they are asked for by marker or by profile."""
    if config.getoption("--hypothesis-profile") == "soak" or "soak" in config.option.markexpr:
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: no collection need look through it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HOME of all tests; empty at the start of each of them."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session", autouse=True)
def _own_world(_home: Path) -> Iterator[None]:
    before = dict(os.environ)
    replace_environment(private_environment(before, _home))
    with _network.guarded(), usual_signals():
        yield
    replace_environment(before)


@pytest.fixture(autouse=True)
def _clean_test(_home: Path) -> Iterator[None]:
    """Set each test's environment back, and fail it for what it left behind or tried to reach."""
    environment = dict(os.environ)
    threads = set(threading.enumerate())
    _network.attempts.clear()
    yield
    replace_environment(environment)
    _network.names.clear()
    empty(_home)
    left = left_behind(threads)
    attempts = list(_network.attempts)
    if attempts:
        pytest.fail(f"the test left loopback: {'; '.join(attempts)}", pytrace=False)
    if left:
        names = ", ".join(thread.name for thread in left)
        pytest.fail(f"threads left behind: {names}", pytrace=False)


@pytest.fixture
def resolver() -> Callable[..., None]:
    """Gives names addresses for one test: ``resolver("web01.invalid", "127.0.0.1", "::1")``."""

    def give(name: str, *addresses: str) -> None:
        assert name.endswith(".invalid"), "only names under .invalid are made up"
        _network.names[name] = addresses

    return give


@pytest.fixture
def network_attempts() -> list[str]:
    """What this test tried to reach beyond loopback; a test that clears it may go on."""
    return _network.attempts
