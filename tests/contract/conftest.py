"""The engine of the contract suites: whichever this process can have.

They run twice: in an ordinary process on threads, and under tests/tools/pytest_gevent.py, which
patches its process first, on greenlets.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.engines import make_engine

from opsrun.engine.base import Engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    """An engine that has to be idle at the end of the test."""
    engine = make_engine()
    yield engine
    assert engine.close(10.0), "tasks were left behind"
